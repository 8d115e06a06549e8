"""Lanes: what keeps the messages of one conversation in order.

A lane is one conversation as its users see it: a private chat, a thread, or in a group one
person's talk with the bot (or everybody's, by `sessions.group_scope`). Turns of a lane run one
after another; lanes do not wait for each other.

What must not wait behind the answer it is about (/stop, /help) goes to the lane's express lane,
which is a lane like any other, so it survives a crash as well.
"""

from enum import StrEnum
from urllib.parse import quote

from bridge.events import ChatKind, Inbound

EXPRESS = "!"


class GroupScope(StrEnum):
    """Whose conversation it is in a group."""

    USER = "user"
    CHAT = "chat"


def lane_of(event: Inbound, scope: GroupScope) -> str:
    """Name the lane of an event. Parts are quoted, so no chat id can forge another's lane."""
    chat = event.chat
    parts = [chat.platform, chat.account, chat.chat, chat.thread]
    if chat.kind is ChatKind.GROUP and scope is GroupScope.USER:
        parts.append(event.user.id)
    return "/".join(quote(part, safe=":@.-_") for part in parts)


def express(lane: str) -> str:
    """The lane beside `lane` that does not wait for it."""
    return lane + EXPRESS
