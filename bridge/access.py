"""Who may talk to the agents: what the settings say of it, and how they may change."""

from collections.abc import Mapping, Sequence

from bridge.config import AccessSettings, AgentSettings
from bridge.events import Inbound


class Rules:
    """What `[access]` says, and `[agents.*]` of limits. Parts read it anew for every message.

    So it can be replaced while the bridge runs, and holds from the next message on.
    """

    def __init__(self, access: AccessSettings, agents: Mapping[str, AgentSettings]) -> None:
        self.access = access
        self.agents = agents

    def replace(self, access: AccessSettings, agents: Mapping[str, AgentSettings]) -> None:
        """Let this be what is configured."""
        self.access = access
        self.agents = agents

    @property
    def is_closed(self) -> bool:
        """Only who is named may talk."""
        return bool(self.access.allow) or self.access.pairing

    def is_denied(self, event: Inbound) -> bool:
        """Tell whether a setting shuts its sender, or its chat, out; nothing else counts then."""
        return not _names(event).isdisjoint(self.access.deny)

    def is_named(self, event: Inbound) -> bool:
        """Tell whether a setting lets its sender, or its chat, in."""
        return self.is_admin(event) or not _names(event).isdisjoint(self.access.allow)

    def is_admins_word(self, event: Inbound) -> bool:
        """Tell whether an admin says something to the bridge itself: `/admin`, and more or not."""
        head, *_ = event.text.split(maxsplit=1) or [""]
        return head.lower() == "/admin" and self.is_admin(event)

    def is_admin(self, event: Inbound) -> bool:
        """Tell whether its sender may command the bridge. A chat cannot: anybody may join it."""
        return address(event) in self.access.admins and not self.is_denied(event)


def address(event: Inbound) -> str:
    """Its sender, as people are written in `[access]`."""
    return f"{event.chat.platform}:{event.user.id}"


def is_allowed(event: Inbound, allow: Sequence[str], deny: Sequence[str]) -> bool:
    """Tell whether a message may be taken in, by these lists alone.

    allow, deny: `platform:id`, where id is a user's or a chat's as the adapter gives it.
    An empty `allow` means everyone; `deny` always wins.
    """
    names = _names(event)
    return names.isdisjoint(deny) and (not allow or not names.isdisjoint(allow))


def _names(event: Inbound) -> set[str]:
    platform = event.chat.platform
    return {f"{platform}:{event.user.id}", f"{platform}:{event.chat.chat}"}
