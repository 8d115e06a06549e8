"""The people's side: whom a test lets write, press, block and upgrade."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.telegram.emulator.chats import Chat, TopicState
from tests.telegram.emulator.entities import Formatted, found
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.model import Message, User
from tests.telegram.emulator.verbs import Verbs

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
