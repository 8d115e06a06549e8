"""Places: private chats, groups, forums and channels, with everything said in them."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tests.telegram.emulator.entities import Formatted
from tests.telegram.emulator.errors import Refused, bad, forbidden, migrated
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.keyboards import NO_MARKUP, Markup
from tests.telegram.emulator.limits import Kind
from tests.telegram.emulator.model import Draft, Message, Revision, User

if TYPE_CHECKING:
    from tests.telegram.emulator.emulator import Emulator
    from tests.telegram.emulator.people import Person

GENERAL_TOPIC = 1
DRAFT_SECONDS = 30.0
Seen: TypeAlias = Callable[[list[Message]], object]


@dataclass(slots=True)
class TopicState:
    """A topic of a forum, or of a private chat with a bot that has topics."""

    id: int
    name: str
    closed: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Chat:
    """One chat. status: the bot's own in it, as ChatMember has it.

    deactivated: the account is deleted. started: the bot may write here first.
    """

    emulator: "Emulator"
    id: int
    kind: str
    title: str
    owner: "Person | None" = None
    username: str = ""
    is_forum: bool = False
    status: str = "member"
    started: bool = True
    deactivated: bool = False
    may_write: bool = True
    migrated_to: int | None = None
    business: str = ""
    people: "list[Person]" = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    topics: dict[int, TopicState] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    actions: list[tuple[float, str]] = field(default_factory=list)
    _ids: Iterator[int] | None = None

    def __post_init__(self) -> None:
        own = self.kind in {"supergroup", "channel"}
        self._ids = itertools.count(2) if own else self.emulator.message_ids

    def __repr__(self) -> str:
        return f"<{self.kind} chat {self.id}: {self.texts()}>"

    @property
    def is_private(self) -> bool:
        return self.kind == "private"

    @property
    def budget(self) -> Kind:
        return Kind.PRIVATE if self.is_private else Kind.GROUP

    @property
    def lane(self) -> str:
        return f"{self.business}/{self.id}"

    def brief(self) -> Json:
        body: Json = {"id": self.id, "type": self.kind}
        body["first_name" if self.is_private else "title"] = self.title
        if self.username:
            body["username"] = self.username
        if self.is_forum:
            body["is_forum"] = True
        return body

    def full(self) -> Json:
        """What getChat shows."""
        gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
        return self.brief() | {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), False),
        }

    # What is there to see.

    @property
    def visible(self) -> list[Message]:
        """Everything not deleted, oldest first."""
        return [message for message in self.messages.values() if not message.deleted]

    @property
    def answers(self) -> list[Message]:
        """What the bot said and did not take back, oldest first."""
        return [message for message in self.visible if message.from_bot]

    @property
    def keys(self) -> list[Json]:
        """What people see in place of their letters; nothing if those are there."""
        given = [
            json.loads(each.markup.other) for each in self.messages.values() if each.markup.other
        ]
        rows = given[-1].get("keyboard", []) if given else []
        return [key for row in rows for key in row]

    @property
    def draft(self) -> Draft | None:
        """The draft people see now."""
        self._expire_drafts()
        return next((draft for draft in reversed(self.drafts) if not draft.ended), None)

    async def until(self, seen: Seen, *, within: float = 30.0) -> list[Message]:
        """Wait until `seen` says yes to the visible messages; returns them.

        Looks again after every change. Raises `TimeoutError` after `within` seconds.
        """
        await self.emulator.until(lambda _: seen(self.visible), within=within)
        return self.visible

    async def final(
        self, ending: str, *, after: Message | None = None, within: float = 30.0
    ) -> list[Message]:
        """Wait until what the bot said (after a message) ends with these words; returns it."""
        least = 0 if after is None else after.id

        def answer() -> list[Message]:
            return [message for message in self.answers if message.id > least]

        def ended(_: object) -> bool:
            return "".join(message.text for message in answer()).endswith(ending)

        await self.emulator.until(ended, within=within)
        return answer()

    # What changes it.

    def post(
        self,
        sender: User | None,
        body: Formatted,
        *,
        markup: Markup = NO_MARKUP,
        thread: int | None = None,
        reply_to: Message | None = None,
        extra: Json | None = None,
    ) -> Message:
        """Add a message, by whomever. Tells nobody but those who wait in `until`."""
        assert self._ids is not None
        revision = self._revision(body, markup)
        message = Message(
            self, next(self._ids), sender, [revision], thread, reply_to, dict(extra or {})
        )
        message.is_caption = bool(extra) and bool(body.text)
        message.business = self.business
        self.messages[message.id] = message
        self.emulator.changed()
        return message

    def revise(self, message: Message, body: Formatted, markup: Markup) -> None:
        message.revisions.append(self._revision(body, markup))
        self.emulator.changed()

    def remove(self, message: Message, by: str) -> None:
        message.deleted_at = self.emulator.clock()
        message.deleted_by = by
        self.emulator.changed()

    def _revision(self, body: Formatted, markup: Markup) -> Revision:
        return Revision(body, markup, self.emulator.clock(), self.emulator.now())

    def act(self, action: str) -> None:
        """The bot shows that it types."""
        self.actions.append((self.emulator.now(), action))
        self.emulator.changed()

    # What the bot may do.

    def check_access(self, *, write: bool = True) -> None:
        """Raises `Refused` where the server would. write: to send, and not only to edit."""
        if self.is_private:
            return self._check_person(write=write)
        if self.migrated_to is not None and write:
            raise migrated(self.migrated_to)
        name = "group" if self.kind == "group" else self.kind
        if self.status == "kicked":
            raise forbidden(f"bot was kicked from the {name} chat")
        if self.status == "left":
            raise forbidden(f"bot is not a member of the {name} chat")
        if write and not self.may_write:
            raise bad("not enough rights to send text messages to the chat")
        return None

    def _check_person(self, *, write: bool) -> None:
        if self.deactivated:
            raise forbidden("user is deactivated")
        if not write:
            return
        if self.owner is not None and self.owner.is_bot:
            raise forbidden("bot can't send messages to bots")
        if self.status == "kicked":
            raise forbidden("bot was blocked by the user")
        if not self.started:
            raise forbidden("bot can't initiate conversation with a user")

    def check_topic(self, thread: int | None) -> int | None:
        """The topic a message goes to. Raises `Refused` for one that is not there.

        Outside of forums and private chats a thread is ignored, as the server does.
        """
        if thread is None or not (self.is_forum or self.is_private):
            return None
        topic = self.topics.get(thread)
        if topic is None:
            raise bad("message thread not found")
        if topic.closed:
            raise bad("TOPIC_CLOSED")
        return thread

    def has_topic(self, thread: int) -> bool:
        return thread in self.topics

    def find(self, message_id: int | None, what: str) -> Message:
        """A message people can see. Raises `Refused`: "message to edit not found"."""
        if message_id is None:
            raise bad("message identifier is not specified")
        message = self.messages.get(message_id)
        if message is None or message.deleted:
            raise bad(f"{what} not found")
        return message

    # Drafts.

    def show_draft(self, draft_id: int, thread: int | None, body: Formatted) -> Draft:
        """Show a draft, or the next text of the one shown."""
        revision = self._revision(body, NO_MARKUP)
        draft = self._current(thread)
        if draft is not None and draft.id == draft_id:
            draft.revisions.append(revision)
        else:
            self.end_draft(thread, "replaced")
            draft = Draft(draft_id, thread, [revision])
            self.drafts.append(draft)
        draft.expires = self.emulator.clock() + DRAFT_SECONDS
        self.emulator.changed()
        return draft

    def end_draft(self, thread: int | None, how: str) -> None:
        draft = self._current(thread)
        if draft is not None:
            draft.ended = how

    def _current(self, thread: int | None) -> Draft | None:
        self._expire_drafts()
        open_ones = (draft for draft in self.drafts if not draft.ended)
        return next((draft for draft in open_ones if draft.thread == thread), None)

    def _expire_drafts(self) -> None:
        now = self.emulator.clock()
        for draft in self.drafts:
            if not draft.ended and draft.expires <= now:
                draft.ended = "expired"

    # What people do.

    def press(self, message: Message, label: str, by: "Person | None") -> str:
        """Raises `LookupError` if there is no such button, or nobody to press it."""
        button = next((button for button in message.buttons if button.label == label), None)
        if button is None or button.data is None or message.deleted:
            raise LookupError(f"no button {label!r} under message {message.id}")
        person = by or self.owner
        if person is None:
            raise LookupError("in a group somebody has to press: by=person")
        return self.emulator.callbacks.press(message, button.data, person)

    def tell(self, kind: str, payload: Json) -> int | None:
        """Queue an update about this chat, unless the bot cannot know of it."""
        if self.status in {"kicked", "left"} and kind != "my_chat_member":
            return None
        return self.emulator.inbox.put(kind, payload, self.lane)

    def texts(self, messages: Iterable[Message] | None = None) -> list[str]:
        """The visible texts, oldest first."""
        return [message.text for message in (self.visible if messages is None else messages)]


def not_found() -> Refused:
    return bad("chat not found")
