"""From an update as Telegram sends it to what the bridge understands. Pure.

Decided, and listed in docs/telegram.md: edits of messages, channel posts, service messages and
what other bots write are passed over; in groups only what is addressed to the bot is heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from adapters.telegram.keyboard import STOP, pressed
from bridge.events import Attachment, AttachmentKind, ChatKind, ChatRef, Inbound, User

Json: TypeAlias = Mapping[str, Any]

KINDS = (
    "message",
    "callback_query",
    "business_message",
    "stopped_message_generation",
    "my_chat_member",
)
"""`allowed_updates`; said at every poll, because a list once given lasts on the server."""

_MEDIA = {
    "document": AttachmentKind.DOCUMENT,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
    "video_note": AttachmentKind.VIDEO,
    "animation": AttachmentKind.VIDEO,
    "voice": AttachmentKind.VOICE,
    "sticker": AttachmentKind.STICKER,
}


@dataclass(frozen=True, slots=True)
class Me:
    """The bot itself, from getMe."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A message for the bridge; `query_id` of the button that was pressed, to be answered."""

    event: Inbound
    query_id: str = ""


@dataclass(frozen=True, slots=True)
class ChatMoved:
    """A group became a supergroup, under another id."""

    old: str
    new: str


def understood(update: Json, me: Me, account: str) -> Heard | ChatMoved | None:
    """What an update means; None for what is passed over. Never raises for odd updates."""
    if isinstance(message := update.get("message") or update.get("business_message"), Mapping):
        return _message(message, me, account)
    if isinstance(query := update.get("callback_query"), Mapping):
        return _press(query, account)
    if isinstance(stopped := update.get("stopped_message_generation"), Mapping):
        return _stopped(stopped, account, update.get("update_id"))
    return None


def _message(message: Json, me: Me, account: str) -> Heard | ChatMoved | None:
    chat, sender = message.get("chat") or {}, message.get("from") or {}
    if new := message.get("migrate_to_chat_id"):
        return ChatMoved(str(chat.get("id")), str(new))
    if not sender or sender.get("is_bot") or chat.get("type") not in {*_GROUPS, "private"}:
        return None
    attachments = _attachments(message)
    text = _addressed(message, me)
    if text is None or not (text or attachments):
        return None
    return Heard(
        Inbound(
            # Not the update's id: that is drawn anew after a week of silence, and might repeat.
            event_id=f"message/{chat['id']}/{message['message_id']}",
            chat=_chat(message, account, reply=chat["type"] in _GROUPS),
            user=_user(sender),
            text=text,
            sent_at=_time(message.get("date")),
            attachments=attachments,
        )
    )


_GROUPS = frozenset({"group", "supergroup"})


def _press(query: Json, account: str) -> Heard | None:
    message = query.get("message")
    says = pressed(query)
    if not isinstance(message, Mapping) or not says:
        return None
    return Heard(
        Inbound(
            event_id=f"press/{query['id']}",
            chat=_chat(message, account, reply=False),
            user=_user(query.get("from") or {}),
            text=says,
            sent_at=datetime.now(UTC),  # Telegram does not tell when a button was pressed
        ),
        query_id=str(query["id"]),
    )


def _stopped(stopped: Json, account: str, update_id: object) -> Heard | None:
    """The native stop button under a draft."""
    chat = stopped.get("chat") or {}
    if not chat.get("id"):
        return None
    place = {"chat": chat, "message_thread_id": stopped.get("message_thread_id")}
    return Heard(
        Inbound(
            event_id=f"stopped/{chat['id']}/{stopped.get('draft_id')}/{update_id}",
            chat=_chat({**place, "is_topic_message": True}, account, reply=False),
            user=User(str(chat["id"])),  # drafts exist in private chats only
            text=STOP,
            sent_at=datetime.now(UTC),
        )
    )


def _chat(message: Json, account: str, *, reply: bool) -> ChatRef:
    chat = message["chat"]
    # Replies in ordinary groups carry a message_thread_id too; only topics are conversations.
    topic = message.get("message_thread_id") if message.get("is_topic_message") else None
    return ChatRef(
        platform="telegram",
        account=account,
        chat=str(chat["id"]),
        thread=str(topic or ""),
        kind=ChatKind.GROUP if chat.get("type") in _GROUPS else ChatKind.PRIVATE,
        reply_to=str(message.get("message_id") or "") if reply else "",
        via=str(message.get("business_connection_id") or ""),
    )


def _user(sender: Json) -> User:
    first, last = str(sender.get("first_name") or ""), str(sender.get("last_name") or "")
    return User(
        id=str(sender.get("id")),
        name=f"{first} {last}".strip(),
        first_name=first,
        username=str(sender.get("username") or ""),
        language=str(sender.get("language_code") or ""),
    )


def _time(date: object) -> datetime:
    return datetime.fromtimestamp(date if isinstance(date, int) else 0, UTC)


def _addressed(message: Json, me: Me) -> str | None:
    """The text meant for the bot, without its name; None if it is meant for others."""
    text = str(message.get("text") or message.get("caption") or "")
    entities = message.get("entities") or message.get("caption_entities") or ()
    spans = [_Span.of(text, entity) for entity in entities if isinstance(entity, Mapping)]
    if spans and spans[0].is_command and spans[0].start == 0:
        return _command(text, spans[0], me)
    named = [span for span in spans if span.names(me)]
    if named:
        text = _without(text, named)
    if message["chat"]["type"] == "private" or named or _answers(message, me):
        return text.strip()
    return None


@dataclass(frozen=True, slots=True)
class _Span:
    """An entity, in characters instead of UTF-16 units."""

    type: str
    start: int
    end: int
    text: str
    user: int

    @classmethod
    def of(cls, text: str, entity: Json) -> "_Span":
        units = text.encode("utf-16-le", "surrogatepass")
        offset, length = int(entity.get("offset") or 0), int(entity.get("length") or 0)
        start = _characters(units, offset)
        end = _characters(units, offset + length)
        user = (entity.get("user") or {}).get("id") or 0
        return cls(str(entity.get("type")), start, end, text[start:end], int(user))

    @property
    def is_command(self) -> bool:
        return self.type == "bot_command"

    def names(self, me: Me) -> bool:
        if self.type == "text_mention":
            return self.user == me.id
        return self.type == "mention" and self.text.lower() == f"@{me.username}".lower()


def _characters(units: bytes, offset: int) -> int:
    return len(units[: offset * 2].decode("utf-16-le", "replace"))


def _command(text: str, span: _Span, me: Me) -> str | None:
    word, _, name = span.text.partition("@")
    if name and name.lower() != me.username.lower():
        return None
    return word + text[span.end :]


def _without(text: str, spans: Sequence[_Span]) -> str:
    for span in sorted(spans, key=lambda span: span.start, reverse=True):
        text = f"{text[: span.start].rstrip()} {text[span.end :].lstrip()}"
    return text.strip()


def _answers(message: Json, me: Me) -> bool:
    """Tell whether it is a reply to the bot; a topic's first message does not count."""
    replied = message.get("reply_to_message")
    if not isinstance(replied, Mapping) or "forum_topic_created" in replied:
        return False
    return (replied.get("from") or {}).get("id") == me.id


def _attachments(message: Json) -> tuple[Attachment, ...]:
    found = [
        _attachment(kind, media)
        for name, kind in _MEDIA.items()
        if isinstance(media := message.get(name), Mapping)
    ]
    if photos := message.get("photo"):
        found.append(_attachment(AttachmentKind.PHOTO, photos[-1]))  # the largest comes last
    return tuple(found)


def _attachment(kind: AttachmentKind, media: Json) -> Attachment:
    return Attachment(
        kind=kind,
        ref=str(media.get("file_id") or ""),
        name=str(media.get("file_name") or ""),
        size=media.get("file_size"),
        mime=str(media.get("mime_type") or ""),
    )
