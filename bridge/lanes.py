"""Lanes: what keeps the messages of one conversation in order.

A lane is one conversation as its users see it: a private chat, a thread, or in a group one
person's talk with the bot (or everybody's, by `sessions.group_scope`). Turns of a lane run one
after another; lanes do not wait for each other.

What must not wait behind the answer it is about (/stop, /help) goes to the lane's express lane,
which is a lane like any other, so it survives a crash as well.
"""

from urllib.parse import quote, unquote

from bridge.config import GroupScope
from bridge.events import ChatKind, Inbound

EXPRESS = "!"


def lane_of(event: Inbound, scope: GroupScope) -> str:
    """Name the lane of an event. Parts are quoted, so no chat id can forge another's lane."""
    chat = event.chat
    parts = [chat.thread]
    if chat.via:  # whoever writes to a business account does not write to the bot itself
        parts.append(chat.via)
    if is_personal(event, scope):
        parts.append(event.user.id)
    return lanes_of_chat(chat.platform, chat.account, chat.chat) + _joined(*parts)


def lanes_of_account(platform: str, account: str) -> str:
    """How the names of all lanes of an account begin, and no other's."""
    return _joined(platform, account) + "/"


def lanes_of_chat(platform: str, account: str, chat: str) -> str:
    """How the names of all lanes in one chat begin, and no other's."""
    return _joined(platform, account, chat) + "/"


def _joined(*parts: str) -> str:
    return "/".join(quote(part, safe=":@.-_") for part in parts)


def is_personal(event: Inbound, scope: GroupScope) -> bool:
    """Tell whether the conversation belongs to one person among several in the chat."""
    return event.chat.kind is ChatKind.GROUP and scope is GroupScope.USER


def is_shared(event: Inbound, scope: GroupScope) -> bool:
    """Tell whether several people talk in the lane of an event."""
    return event.chat.kind is not ChatKind.PRIVATE and not is_personal(event, scope)


def is_own(event: Inbound, lane: str) -> bool:
    """Tell whether `lane`, in which the event came, is its sender's alone.

    By its name, for the event may have come while another scope was configured.
    """
    if event.chat.kind is ChatKind.GROUP:
        return lane == lane_of(event, GroupScope.USER)
    return event.chat.kind is ChatKind.PRIVATE


def account_of(lane: str) -> str:
    """The account whose messages are in a lane."""
    _, _, rest = lane.partition("/")
    return unquote(rest.partition("/")[0])


def chat_of(lane: str) -> str:
    """The chat in which a lane's messages are."""
    return unquote(lane.split("/")[2])


def whole_chat_of(lane: str) -> tuple[str, str] | None:
    """Return the account and the chat of a lane; None for a part of a chat, or of a group's."""
    match [unquote(part) for part in lane.split("/")]:
        case [_, account, chat, ""]:
            return account, chat
        case _:
            return None


def express(lane: str) -> str:
    """The lane beside `lane` that does not wait for it."""
    return lane + EXPRESS
