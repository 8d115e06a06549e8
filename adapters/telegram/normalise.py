"""From an update as Telegram sends it to what the bridge understands. Pure, and never raises.

What is passed over, and why, is listed in docs/telegram.md: channel posts, service messages,
other bots, and in groups whatever is not addressed to the bot.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from adapters.telegram import origin
from adapters.telegram.addressed import Me, addressed
from adapters.telegram.keyboard import STOP, Rows, pressed, remaining
from adapters.telegram.media import attachments
from adapters.telegram.raw import identifier, number
from adapters.telegram.reactions import opinion
from adapters.telegram.retold import is_unreadable, position, retold
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.foreign import Json, fields, text

KINDS = (
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "business_message",
    "edited_business_message",
    "stopped_message_generation",
)
"""`allowed_updates`; said at every poll, because a list once given lasts on the server."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message for the bridge.

    query_id: of the button that was pressed, to be answered. remaining: what its press leaves of
    the buttons; None if they stay as they are.
    """

    event: Inbound
    query_id: str = ""
    remaining: Rows | None = None


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


def understood(
    update: Json, me: Me, account: str, albums: Container[str] = ()
) -> Understood | None:
    """What an update means; None for what is passed over.

    albums: those of which a part was meant for the bot, so that the others are, too.
    """
    if message := _either(update, "message", "business_message"):
        return _moved(message) or _message(message, me, account, albums)
    if query := fields(update.get("callback_query")):
        return _press(query, account)
    if message := _either(update, "edited_message", "edited_business_message"):
        return _edit(message, me, account)
    if reaction := fields(update.get("message_reaction")):
        return _reaction(reaction, account, number(update.get("update_id")))
    if stopped := fields(update.get("stopped_message_generation")):
        return _stopped(stopped, account, number(update.get("update_id")))
    return None


def album(update: Json) -> str:
    """Which album a message is a part of; empty if of none."""
    message = _either(update, "message", "business_message")
    return text(message.get("media_group_id"))


def _either(update: Json, *names: str) -> Json:
    return next((found for name in names if (found := fields(update.get(name)))), {})


def _moved(message: Json) -> ChatMoved | None:
    """Told twice, once in either chat; whichever comes first is acted upon."""
    here = identifier(fields(message.get("chat")).get("id"))
    if new := identifier(message.get("migrate_to_chat_id")):
        return ChatMoved(here, new)
    if old := identifier(message.get("migrate_from_chat_id")):
        return ChatMoved(old, here)
    return None


def _message(message: Json, me: Me, account: str, albums: Container[str]) -> Heard | None:
    chat, author = origin.place(message, account, reply=True), origin.author(message)
    message_id = identifier(message.get("message_id"))
    if chat is None or author is None or not message_id:
        return None
    said = addressed(message, me, private=chat.kind is ChatKind.PRIVATE)
    if said is None and text(message.get("media_group_id")) in albums:
        said = ""  # the words to the bot stand under another picture
    files = attachments(message)
    if said is None or not (said or files or is_unreadable(message)):
        return None
    return Heard(
        Inbound(
            event_id=_event_id(chat, message_id),
            chat=chat,
            user=author,
            text=said or retold(message, author.language),
            sent_at=origin.moment(message.get("date")),
            attachments=files,
            title=text(fields(message.get("chat")).get("title")),
            overheard=bool(chat.via),  # by the owner of the business account
            place=position(message),
            album=text(message.get("media_group_id")),
        )
    )


def _event_id(chat: ChatRef, message_id: str) -> str:
    """Not the update's id: that is drawn anew after a week of silence, and might repeat.

    A business account counts its messages by itself, even with people who also write to the bot.
    """
    if chat.via:
        return f"business/{chat.via}/{chat.chat}/{message_id}"
    return f"message/{chat.chat}/{message_id}"


def _edit(message: Json, me: Me, account: str) -> Heard | None:
    """Other words of a message. Where somebody is by now (a live location) is none."""
    edited = number(message.get("edit_date"))
    chat, author = origin.place(message, account, reply=True), origin.author(message)
    message_id = identifier(message.get("message_id"))
    if chat is None or author is None or not (message_id and edited):
        return None
    said = addressed(message, me, private=chat.kind is ChatKind.PRIVATE)
    if not said:
        return None
    via = f"{chat.via}/" if chat.via else ""
    return Heard(
        Inbound(
            event_id=f"edit/{via}{chat.chat}/{message_id}/{edited}",
            chat=chat,
            user=author,
            text=said,
            sent_at=origin.moment(edited),
            title=text(fields(message.get("chat")).get("title")),
            overheard=bool(chat.via),
            edits=_event_id(chat, message_id),
        )
    )


def _press(query: Json, account: str) -> Heard | Stale | None:
    query_id = text(query.get("id"))
    message = fields(query.get("message"))
    chat = origin.place(message, account, reply=False)
    user, says = origin.person(fields(query.get("from"))), pressed(query)
    if not query_id:
        return None
    if chat is None or user is None or not says:
        return Stale(query_id, text(fields(query.get("from")).get("language_code")))
    event = Inbound(
        event_id=f"press/{query_id}",
        chat=chat,
        user=user,
        text=says,
        sent_at=datetime.now(UTC),  # Telegram does not tell when a button was pressed
        pressed=True,
        overheard=bool(chat.via),
        about=identifier(message.get("message_id")),
    )
    return Heard(event, query_id, remaining(query))


def _reaction(reaction: Json, account: str, update_id: int) -> Heard | None:
    """Somebody reacted to a message. Whose it is and in what topic, Telegram does not tell."""
    chat = origin.place(reaction, account, reply=False)
    user = origin.person(fields(reaction.get("user")))
    user = user or origin.channel(fields(reaction.get("actor_chat")))
    about, thinks = identifier(reaction.get("message_id")), opinion(reaction)
    if chat is None or user is None or not about or thinks is None:
        return None
    date = number(reaction.get("date"))
    return Heard(
        Inbound(
            event_id=f"reaction/{chat.chat}/{about}/{date}/{update_id}",
            chat=chat,
            user=user,
            text=f"/feedback {thinks}",
            sent_at=origin.moment(date),
            pressed=True,
            about=about,
        )
    )


def _stopped(stopped: Json, account: str, update_id: int) -> Heard | None:
    """The native stop button under a draft. Drafts exist in private chats only."""
    chat = origin.place({**stopped, "is_topic_message": True}, account, reply=False)
    if chat is None:
        return None
    return Heard(
        Inbound(
            event_id=f"stopped/{chat.chat}/{number(stopped.get('draft_id'))}/{update_id}",
            chat=chat,
            user=User(chat.chat),
            text=STOP,
            sent_at=datetime.now(UTC),
        )
    )
