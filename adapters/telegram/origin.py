"""Where a message was written, by whom, and when. Pure."""

from datetime import UTC, datetime

from adapters.telegram.raw import identifier, number
from bridge.events import ChatKind, ChatRef, User
from bridge.foreign import Json, fields, text

_GROUPS = frozenset({"group", "supergroup"})
_BEGINNING = datetime.fromtimestamp(0, UTC)


def place(message: Json, account: str, *, reply: bool) -> ChatRef | None:
    """Where to answer; None for channels, and for what is no place at all."""
    chat = fields(message.get("chat"))
    chat_id, kind = identifier(chat.get("id")), text(chat.get("type"))
    group = kind in _GROUPS and not chat.get("is_direct_messages")
    if not chat_id or not (group or kind == "private"):
        return None
    # Replies in ordinary groups carry a message_thread_id too; only topics are conversations.
    topic = message.get("message_thread_id") if message.get("is_topic_message") is True else None
    return ChatRef(
        platform="telegram",
        account=account,
        chat=chat_id,
        thread=identifier(topic),
        kind=ChatKind.GROUP if group else ChatKind.PRIVATE,
        reply_to=identifier(message.get("message_id")) if reply and group else "",
        via=text(message.get("business_connection_id")),
    )


def author(message: Json) -> User | None:
    """Who wrote it; None for bots, the bot's own side of a business chat, and copies of posts."""
    if message.get("is_automatic_forward") or message.get("sender_business_bot"):
        return None
    if behind := fields(message.get("sender_chat")):  # an anonymous administrator, or a channel
        return channel(behind)
    found = person(fields(message.get("from")))
    if found and text(message.get("business_connection_id")):
        # The owner of the account writes there too; the chat's id is the customer's.
        return found if found.id == identifier(fields(message.get("chat")).get("id")) else None
    return found


def channel(chat: Json) -> User | None:
    """Somebody who speaks as a channel or as the group itself."""
    chat_id, title = identifier(chat.get("id")), text(chat.get("title"))
    username = text(chat.get("username"))
    return User(chat_id, name=title, username=username) if chat_id else None


def person(sender: Json) -> User | None:
    """Somebody with an account; None for bots."""
    user_id = identifier(sender.get("id"))
    if not user_id or sender.get("is_bot"):
        return None
    first, last = text(sender.get("first_name")), text(sender.get("last_name"))
    return User(
        id=user_id,
        name=f"{first} {last}".strip(),
        first_name=first,
        username=text(sender.get("username")),
        language=text(sender.get("language_code")),
    )


def moment(date: object) -> datetime:
    """A time in seconds since 1970; the beginning of that if it is none."""
    try:
        return datetime.fromtimestamp(number(date), UTC)
    except (OverflowError, OSError, ValueError):
        return _BEGINNING
