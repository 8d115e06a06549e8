"""From an update as Telegram sends it to what the bridge understands. Pure, and never raises.

What is passed over, and why, is listed in docs/telegram.md: edits, channel posts, service
messages, other bots, and in groups whatever is not addressed to the bot.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from adapters.telegram.addressed import Me, addressed
from adapters.telegram.keyboard import STOP, pressed
from adapters.telegram.media import attachments, is_unreadable
from adapters.telegram.raw import identifier, number
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.foreign import Json, fields, text

KINDS = ("message", "callback_query", "business_message", "stopped_message_generation")
"""`allowed_updates`; said at every poll, because a list once given lasts on the server."""

_GROUPS = frozenset({"group", "supergroup"})
_BEGINNING = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message for the bridge; `query_id` of the button that was pressed, to be answered."""

    event: Inbound
    query_id: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """A press of a button that cannot be read any more; its person (BCP 47) should be told."""

    query_id: str
    language: str


@dataclass(frozen=True, slots=True)
class ChatMoved:
    """A group became a supergroup, under another id."""

    old: str
    new: str


Understood: TypeAlias = Heard | Stale | ChatMoved


def understood(update: Json, me: Me, account: str) -> Understood | None:
    """What an update means; None for what is passed over."""
    if message := fields(update.get("message")) or fields(update.get("business_message")):
        return _moved(message) or _message(message, me, account)
    if query := fields(update.get("callback_query")):
        return _press(query, account)
    if stopped := fields(update.get("stopped_message_generation")):
        return _stopped(stopped, account, number(update.get("update_id")))
    return None


def _moved(message: Json) -> ChatMoved | None:
    """Told twice, once in either chat; whichever comes first is acted upon."""
    here = identifier(fields(message.get("chat")).get("id"))
    if new := identifier(message.get("migrate_to_chat_id")):
        return ChatMoved(here, new)
    if old := identifier(message.get("migrate_from_chat_id")):
        return ChatMoved(old, here)
    return None


def _message(message: Json, me: Me, account: str) -> Heard | None:
    place, author = _place(message, account, reply=True), _author(message)
    message_id = identifier(message.get("message_id"))
    if place is None or author is None or not message_id:
        return None
    said = addressed(message, me, private=place.kind is ChatKind.PRIVATE)
    files = attachments(message)
    if said is None or not (said or files or is_unreadable(message)):
        return None
    return Heard(
        Inbound(
            event_id=_event_id(place, message_id),
            chat=place,
            user=author,
            text=said,
            sent_at=_time(message.get("date")),
            attachments=files,
            title=text(fields(message.get("chat")).get("title")),
            overheard=bool(place.via),  # by the owner of the business account
        )
    )


def _event_id(place: ChatRef, message_id: str) -> str:
    """Not the update's id: that is drawn anew after a week of silence, and might repeat.

    A business account counts its messages by itself, even with people who also write to the bot.
    """
    if place.via:
        return f"business/{place.via}/{place.chat}/{message_id}"
    return f"message/{place.chat}/{message_id}"


def _press(query: Json, account: str) -> Heard | Stale | None:
    query_id = text(query.get("id"))
    place = _place(fields(query.get("message")), account, reply=False)
    user, says = _user(fields(query.get("from"))), pressed(query)
    if not query_id:
        return None
    if place is None or user is None or not says:
        return Stale(query_id, text(fields(query.get("from")).get("language_code")))
    return Heard(
        Inbound(
            event_id=f"press/{query_id}",
            chat=place,
            user=user,
            text=says,
            sent_at=datetime.now(UTC),  # Telegram does not tell when a button was pressed
            pressed=True,
            overheard=bool(place.via),
        ),
        query_id=query_id,
    )


def _stopped(stopped: Json, account: str, update_id: int) -> Heard | None:
    """The native stop button under a draft. Drafts exist in private chats only."""
    place = _place({**stopped, "is_topic_message": True}, account, reply=False)
    if place is None:
        return None
    return Heard(
        Inbound(
            event_id=f"stopped/{place.chat}/{number(stopped.get('draft_id'))}/{update_id}",
            chat=place,
            user=User(place.chat),
            text=STOP,
            sent_at=datetime.now(UTC),
        )
    )


def _place(message: Json, account: str, *, reply: bool) -> ChatRef | None:
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


def _author(message: Json) -> User | None:
    """Who wrote it; None for bots, the bot's own side of a business chat, and copies of posts."""
    if message.get("is_automatic_forward") or message.get("sender_business_bot"):
        return None
    if behind := fields(message.get("sender_chat")):  # an anonymous administrator, or a channel
        return _channel(behind)
    author = _user(fields(message.get("from")))
    if author and text(message.get("business_connection_id")):
        # The owner of the account writes there too; the chat's id is the customer's.
        return author if author.id == identifier(fields(message.get("chat")).get("id")) else None
    return author


def _channel(chat: Json) -> User | None:
    chat_id, title = identifier(chat.get("id")), text(chat.get("title"))
    username = text(chat.get("username"))
    return User(chat_id, name=title, username=username) if chat_id else None


def _user(sender: Json) -> User | None:
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


def _time(date: object) -> datetime:
    try:
        return datetime.fromtimestamp(number(date), UTC)
    except (OverflowError, OSError, ValueError):
        return _BEGINNING
