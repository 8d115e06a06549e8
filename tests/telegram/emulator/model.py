"""People, messages with every version they had, and drafts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.telegram.emulator.entities import Formatted
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.keyboards import Button, Markup

if TYPE_CHECKING:
    from tests.telegram.emulator.chats import Chat
    from tests.telegram.emulator.people import Person


@dataclass(slots=True, eq=False)
class User:
    """Anybody with an account, the bot among them."""

    id: int
    name: str
    language: str = ""
    username: str = ""
    is_bot: bool = False

    def shown(self) -> Json:
        body: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        if self.username:
            body["username"] = self.username
        if self.language:
            body["language_code"] = self.language
        return body


@dataclass(frozen=True, slots=True)
class Revision:
    """What a message showed from a moment on.

    date: seconds since 1970; at: seconds of `time.monotonic`.
    """

    body: Formatted
    markup: Markup
    date: float
    at: float

    def same_as(self, body: Formatted, markup: Markup) -> bool:
        return self.body == body and self.markup.rows == markup.rows


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """One message. The newest revision is what people see.

    extra: fields beside the text, as the API shows them: a photo, a service event.
    thread: the topic it is in. is_caption: the text stands below a file.
    """

    chat: "Chat"
    id: int
    sender: User | None
    revisions: list[Revision]
    thread: int | None = None
    reply_to: "Message | None" = None
    extra: Json = field(default_factory=dict)
    is_caption: bool = False
    business: str = ""
    reaction: str = ""
    deleted_at: float | None = None
    deleted_by: str = ""

    def __repr__(self) -> str:
        return f"<message {self.id} in {self.chat.id}: {self.text!r}>"

    @property
    def text(self) -> str:
        return self.revisions[-1].body.text

    @property
    def body(self) -> Formatted:
        return self.revisions[-1].body

    @property
    def markup(self) -> Markup:
        return self.revisions[-1].markup

    @property
    def at(self) -> float:
        """When it was sent, in seconds of `time.monotonic`."""
        return self.revisions[0].at

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def edits(self) -> int:
        return len(self.revisions) - 1

    @property
    def from_bot(self) -> bool:
        return self.sender is self.chat.emulator.bot

    @property
    def buttons(self) -> list[Button]:
        return list(self.markup.buttons)

    def shown(self, *, deep: bool = True) -> Json:
        """The message as an update or a result has it; deep: with what it replies to."""
        first, last = self.revisions[0], self.revisions[-1]
        body: Json = {"message_id": self.id, "date": int(first.date), "chat": self.chat.brief()}
        body |= self._author()
        if self.chat.kind == "channel":
            body["sender_chat"] = self.chat.brief()
        body |= self._text(last.body) | self.extra
        if len(self.revisions) > 1:
            body["edit_date"] = int(last.date)
        if last.markup.rows:
            body["reply_markup"] = last.markup.shown()
        return body | self._place(deep=deep)

    def _author(self) -> Json:
        """Who wrote it; the bot of a business account writes in its owner's name."""
        if self.sender is None:
            return {}
        if not (self.business and self.from_bot):
            return {"from": self.sender.shown()}
        owner = self.chat.emulator.connections[self.business].owner
        return {"from": owner.shown(), "sender_business_bot": self.sender.shown()}

    def _text(self, text: Formatted) -> Json:
        names = ("caption", "caption_entities") if self.is_caption else ("text", "entities")
        body: Json = {names[0]: text.text} if text.text else {}
        if text.entities:
            body[names[1]] = [entity.shown() for entity in text.entities]
        return body

    def _place(self, *, deep: bool) -> Json:
        body: Json = {}
        if self.thread is not None:
            body["message_thread_id"] = self.thread
            if self.chat.has_topic(self.thread):
                body["is_topic_message"] = True
        if self.reply_to is not None and deep:
            body["reply_to_message"] = self.reply_to.shown(deep=False)
        if self.business:
            body["business_connection_id"] = self.business
        return body

    async def press(self, label: str, by: "Person | None" = None) -> str:
        """Press a button of this message; returns the id of the callback query."""
        return self.chat.press(self, label, by)


@dataclass(slots=True, eq=False)
class Draft:
    """A draft as it was streamed: every text with its time, and how it ended.

    ended: "" while it is visible, else "sent", "expired", "stopped" or "replaced".
    """

    id: int
    thread: int | None
    revisions: list[Revision]
    can_stop: bool = False
    keep_on_stop: bool = False
    expires: float = 0.0
    ended: str = ""

    @property
    def text(self) -> str:
        return self.revisions[-1].body.text
