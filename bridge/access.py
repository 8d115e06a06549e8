"""Who may talk to the agents: `[access] allow` and `deny`."""

from collections.abc import Sequence

from bridge.events import Inbound


def is_allowed(event: Inbound, allow: Sequence[str], deny: Sequence[str]) -> bool:
    """Tell whether a message may be taken in.

    allow, deny: `platform:id`, where id is a user's or a chat's as the adapter gives it.
    An empty `allow` means everyone; `deny` always wins.
    """
    platform = event.chat.platform
    names = {f"{platform}:{event.user.id}", f"{platform}:{event.chat.chat}"}
    return names.isdisjoint(deny) and (not allow or not names.isdisjoint(allow))
