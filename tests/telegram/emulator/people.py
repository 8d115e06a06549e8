"""The people's side: whom a test lets write, press, block and upgrade.

What a person does is a coroutine, although nothing here waits: their app talks over a network
too, and so a test may be pointed at the real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tests.telegram.emulator import files
from tests.telegram.emulator.chats import Chat, TopicState
from tests.telegram.emulator.entities import Entity, Formatted, cut, found
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.model import Message, User

if TYPE_CHECKING:
    from tests.telegram.emulator.business import Connection
    from tests.telegram.emulator.emulator import Emulator


class Person(User):
    """Somebody with an account."""

    def __init__(self, emulator: "Emulator", user: User) -> None:
        super().__init__(user.id, user.name, user.language, user.username, user.is_bot)
        self.emulator = emulator

    def chat(self, *, started: bool = True) -> "Private":
        """The private chat with the bot; not started, the bot may not write first."""
        return self.emulator.private(self, started=started)

    async def connect_business(self, *, can_reply: bool = True) -> "Connection":
        """Let the bot answer for this person's business account."""
        return self.emulator.connect_business(self, can_reply=can_reply)


class _Place(Protocol):
    """Somebody somewhere: what the verbs below need to know."""

    @property
    def chat(self) -> Chat: ...
    @property
    def person(self) -> Person: ...
    @property
    def topic(self) -> int | None: ...


class Verbs:
    """What a person can do in a place. Each returns the message it made."""

    async def say(
        self: _Place, text: str, *, reply_to: Message | None = None, silently: bool = False
    ) -> Message:
        """Write a text. silently: the bot is not told (it came while the bot was away)."""
        return _posted(self, Formatted(text, found(text)), {}, reply_to, told=not silently)

    async def edit(self: _Place, message: Message, text: str) -> Message:
        """Change a text one wrote."""
        message.chat.revise(message, Formatted(text, found(text)), message.markup)
        if heard(message):
            kinds = {"business": "edited_business_message", "channel": "edited_channel_post"}
            kind = kinds.get("business" if message.business else message.chat.kind)
            message.chat.tell(kind or "edited_message", message.shown())
        return message

    async def delete(self: _Place, message: Message) -> None:
        """Delete a message, one's own or the bot's. Bots are told only in business chats."""
        message.chat.remove(message, "person")
        if message.business:
            payload: Json = {
                "business_connection_id": message.business,
                "chat": message.chat.brief(),
                "message_ids": [message.id],
            }
            message.chat.tell("deleted_business_messages", payload)

    async def react(self: _Place, message: Message, emoji: str) -> None:
        """React to a message; the bot is told if it asked for it."""
        old = [{"type": "emoji", "emoji": message.reaction}] if message.reaction else []
        message.reaction = emoji
        payload: Json = {
            "chat": self.chat.brief(),
            "message_id": message.id,
            "user": self.person.shown(),
            "date": int(self.chat.emulator.clock()),
            "old_reaction": old,
            "new_reaction": [{"type": "emoji", "emoji": emoji}] if emoji else [],
        }
        self.chat.tell("message_reaction", payload)

    async def photo(
        self: _Place, data: bytes = b"\xff\xd8\xff photo", caption: str = ""
    ) -> Message:
        file = self.chat.emulator.files.add(data, folder="photos", name="photo.jpg")
        return _posted(self, _caption(caption), files.photo(file))

    async def document(
        self: _Place,
        data: bytes = b"%PDF-1.7",
        *,
        name: str = "paper.pdf",
        mime: str = "application/pdf",
        caption: str = "",
        size: int | None = None,
    ) -> Message:
        """Send a file. size: what the bot is told, instead of the data's own."""
        file = self.chat.emulator.files.add(
            data, folder="documents", name=name, mime=mime, size=size
        )
        return _posted(self, _caption(caption), files.document(file))

    async def voice(self: _Place, data: bytes = b"OggS voice", *, seconds: int = 2) -> Message:
        file = self.chat.emulator.files.add(
            data, folder="voice", name="voice.oga", mime="audio/ogg"
        )
        return _posted(self, Formatted(), files.voice(file, seconds))

    async def audio(self: _Place, data: bytes = b"ID3 audio", *, name: str = "song.mp3") -> Message:
        file = self.chat.emulator.files.add(data, folder="music", name=name, mime="audio/mpeg")
        return _posted(self, Formatted(), files.audio(file))

    async def video(self: _Place, data: bytes = b"video", caption: str = "") -> Message:
        file = self.chat.emulator.files.add(
            data, folder="videos", name="video.mp4", mime="video/mp4"
        )
        return _posted(self, _caption(caption), files.video(file))

    async def sticker(self: _Place, emoji: str = "👍") -> Message:
        file = self.chat.emulator.files.add(b"RIFF", folder="stickers", name="sticker.webp")
        return _posted(self, Formatted(), files.sticker(file, emoji))

    async def album(self: _Place, *photos: bytes, caption: str = "") -> list[Message]:
        """Send several photos as one album; the first bears the caption."""
        group = str(13_000_000_000_000_000 + next(self.chat.emulator.serial))
        messages = []
        for number, data in enumerate(photos):
            file = self.chat.emulator.files.add(data, folder="photos", name="photo.jpg")
            extra = files.photo(file) | {"media_group_id": group}
            messages.append(_posted(self, _caption("" if number else caption), extra))
        return messages

    async def location(self: _Place, latitude: float, longitude: float) -> Message:
        where: Json = {"latitude": latitude, "longitude": longitude}
        return _posted(self, Formatted(), {"location": where})

    async def contact(self: _Place, phone: str, name: str) -> Message:
        who: Json = {"phone_number": phone, "first_name": name}
        return _posted(self, Formatted(), {"contact": who})

    async def service(self: _Place, **event: object) -> Message:
        """A service message, as in `service(new_chat_title="x")`."""
        return _posted(self, Formatted(), event)


def _caption(text: str) -> Formatted:
    return Formatted(text, found(text))


def _posted(
    place: _Place,
    body: Formatted,
    extra: Json,
    reply_to: Message | None = None,
    *,
    told: bool = True,
) -> Message:
    place.chat.started = True
    message = place.chat.post(
        place.person, body, thread=place.topic, reply_to=reply_to, extra=extra
    )
    if told and heard(message):
        place.chat.tell("business_message" if message.business else "message", message.shown())
    return message


_SERVICE = {
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "forum_topic_created",
    "forum_topic_closed",
    "pinned_message",
}


def heard(message: Message) -> bool:
    """Whether the bot gets to see a message: bots do not, and groups have privacy mode."""
    emulator = message.chat.emulator
    sender = message.sender
    if sender is not None and sender.is_bot and not emulator.hears_bots:
        return False
    everything = not emulator.privacy or message.chat.status == "administrator"
    if message.chat.kind not in {"group", "supergroup"} or everything:
        return True
    reply = message.reply_to
    return (
        not _SERVICE.isdisjoint(message.extra)
        or (reply is not None and reply.from_bot)
        or any(_means_us(message, entity) for entity in message.body.entities)
    )


def _means_us(message: Message, entity: Entity) -> bool:
    name = f"@{message.chat.emulator.bot.username}".lower()
    words = cut(message.text, entity).lower()
    if entity.type == "mention":
        return words == name
    return entity.type == "bot_command" and ("@" not in words or words.endswith(name))


class Private(Chat, Verbs):
    """A person's private chat with the bot."""

    topic: int | None = None

    @property
    def chat(self) -> Chat:
        return self

    @property
    def person(self) -> Person:
        assert self.owner is not None
        return self.owner

    def in_topic(self, name: str) -> "Topic":
        """Open a topic; the bot must have topics in private chats (`has_topics_enabled`)."""
        return _open_topic(self, name)

    async def block(self) -> None:
        """Block the bot."""
        old, self.status = self.status, "kicked"
        self._membership_changed(old)

    async def unblock(self) -> None:
        old, self.status = self.status, "member"
        self._membership_changed(old)

    async def stop_draft(self) -> None:
        """Press the stop button of the draft shown. Raises `LookupError` if there is none."""
        draft = self.draft
        if draft is None or not draft.can_stop:
            raise LookupError("no draft with a stop button")
        if not draft.keep_on_stop:
            draft.ended = "stopped"
        payload: Json = {"chat": self.brief(), "draft_id": draft.id}
        if draft.thread is not None:
            payload["message_thread_id"] = draft.thread
        self.tell("stopped_message_generation", payload)
        self.emulator.changed()

    def _membership_changed(self, old: str) -> None:
        self.tell("my_chat_member", _membership(self, self.person, old, self.status))
        self.emulator.changed()


@dataclass(slots=True)
class Seat(Verbs):
    """A person in a group, or in one of its topics."""

    chat: Chat
    person: Person
    topic: int | None = None


@dataclass(slots=True)
class Topic:
    """A topic, to speak in."""

    chat: Chat
    id: int

    def seat(self, person: Person) -> Seat:
        return Seat(self.chat, person, self.id)

    async def say(self, person: Person, text: str, *, reply_to: Message | None = None) -> Message:
        return await self.seat(person).say(text, reply_to=reply_to)

    async def close(self) -> None:
        """Nobody may write here any more."""
        self.chat.topics[self.id].closed = True

    @property
    def answers(self) -> list[Message]:
        return [message for message in self.chat.answers if message.thread == self.id]


class Group(Chat):
    """A group, supergroup or forum."""

    def seat(self, person: Person) -> Seat:
        """Let a person do more than talk."""
        return Seat(self, person)

    async def say(self, person: Person, text: str, *, reply_to: Message | None = None) -> Message:
        return await self.seat(person).say(text, reply_to=reply_to)

    def in_topic(self, name: str) -> Topic:
        """Open a topic of a forum."""
        return _open_topic(self, name)

    async def kick_bot(self, by: Person) -> None:
        old, self.status = self.status, "kicked"
        self.tell("my_chat_member", _membership(self, by, old, "kicked"))
        self.emulator.changed()

    async def set_bot_status(self, status: str, by: Person) -> None:
        """Add the bot, remove it, make it an administrator."""
        old, self.status = self.status, status
        self.tell("my_chat_member", _membership(self, by, old, status))
        self.emulator.changed()

    async def migrate(self, by: Person) -> "Group":
        """Upgrade to a supergroup; this chat refuses messages from now on."""
        new = self.emulator.group(
            self.title, *self.people, supergroup=True, admin=self.status == "administrator"
        )
        await self.seat(by).service(migrate_to_chat_id=new.id)
        await new.seat(by).service(migrate_from_chat_id=self.id)
        self.migrated_to = new.id
        return new


class Channel(Chat):
    """A channel; its posts have no sender."""

    async def publish(self, text: str) -> Message:
        message = self.post(None, Formatted(text, found(text)))
        self.tell("channel_post", message.shown())
        return message

    async def edit(self, message: Message, text: str) -> None:
        self.revise(message, Formatted(text, found(text)), message.markup)
        self.tell("edited_channel_post", message.shown())


def _open_topic(chat: Chat, name: str) -> Topic:
    topic = TopicState(100 + len(chat.topics), name)
    chat.topics[topic.id] = topic
    return Topic(chat, topic.id)


def _membership(chat: Chat, by: Person, old: str, new: str) -> Json:
    bot = chat.emulator.bot
    return {
        "chat": chat.brief(),
        "from": by.shown(),
        "date": int(chat.emulator.clock()),
        "old_chat_member": member(bot, old),
        "new_chat_member": member(bot, new),
    }


_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)


def member(user: User, status: str) -> Json:
    """A ChatMember."""
    body: Json = {"user": user.shown(), "status": status}
    if status == "kicked":
        body["until_date"] = 0
    if status == "creator":
        body["is_anonymous"] = False
    if status == "administrator":
        body |= dict.fromkeys(_RIGHTS, False)
    return body


def everybody(people: Sequence[Person]) -> list[Person]:
    """Each once, in order."""
    return list(dict.fromkeys(people))
