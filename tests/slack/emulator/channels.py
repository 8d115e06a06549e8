"""A place to talk in: its members, its messages and threads, and what is shown above them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tests.slack.emulator.content import Content
from tests.slack.emulator.errors import Refused
from tests.slack.emulator.model import Message, Revision, User, Workspace
from tests.slack.emulator.params import Json

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator
    from tests.slack.emulator.files import File
    from tests.slack.emulator.people import Person
    from tests.slack.emulator.streams import Stream

T = TypeVar("T")
STATUS_LIFE = 120.0  # seconds a status stays without a message


@dataclass(frozen=True, slots=True)
class Ping:
    """Somebody was, or would have been, pinged by a message of ours."""

    whom: str
    message: Message


@dataclass(frozen=True, slots=True)
class Status:
    """A line like "is thinking…". date: seconds since 1970; at: of `time.monotonic`."""

    text: str
    loading: tuple[str, ...]
    date: float
    at: float


@dataclass(slots=True, eq=False, repr=False)
class Channel:
    """kind: channel, group, im or mpim. teams: more than one is Slack Connect.

    streams: whether messages may be streamed here. locked: only some may post (an
    announcement channel). edit_window: seconds in which a message may be edited.
    """

    emulator: "Emulator"
    id: str
    name: str
    kind: str
    team: Workspace
    members: dict[str, User]
    teams: list[Workspace]
    messages: dict[str, Message] = field(default_factory=dict)
    archived: bool = False
    locked: bool = False
    streams: bool = True
    edit_window: float | None = None
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    prompts: dict[str, list[Json]] = field(default_factory=dict)
    sessions: dict[str, list[str]] = field(default_factory=dict)
    threads: dict[str, list[Message]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id} {self.name}>"

    @property
    def is_private(self) -> bool:
        return self.kind != "channel"

    @property
    def is_direct(self) -> bool:
        return self.kind == "im"

    @property
    def is_shared(self) -> bool:
        return len(self.teams) > 1

    @property
    def answers(self) -> list[Message]:
        """What our app wrote and nobody deleted, oldest first."""
        return [m for m in self.messages.values() if m.from_app and not m.deleted]

    def replies(self, ts: str) -> list[Message]:
        """The thread below a message, without it."""
        return [m for m in self.threads.get(ts, []) if not m.deleted]

    def status(self, thread: str) -> str:
        """What stands below a thread now; it goes with a message or after two minutes."""
        known = self.statuses.get(thread, [])
        fresh = known and self.emulator.clock() - known[-1].date < STATUS_LIFE
        return known[-1].text if fresh else ""

    def set_status(self, thread: str, text: str, loading: Iterable[str] = ()) -> None:
        status = Status(text, tuple(loading), self.emulator.clock(), self.emulator.now())
        self.statuses.setdefault(thread, []).append(status)

    def find(self, ts: str, error: str = "message_not_found") -> Message:
        """A message that is there. Raises `Refused`."""
        message = self.messages.get(ts)
        if message is None or message.deleted:
            raise Refused(error)
        return message

    def post(
        self,
        sender: User,
        content: Content,
        *,
        thread: str = "",
        subtype: str = "",
        files: "Iterable[File]" = (),
        stream: "Stream | None" = None,
        whisper: str = "",
    ) -> Message:
        """Put a message here; says nothing to the app."""
        ts, revision = self.emulator.next_ts(), self._revision(content)
        message = Message(self, ts, sender, [revision], thread, subtype, [*files], stream, whisper)
        if sender in self.emulator.bots:
            message.app_id = self.emulator.app_id
        self.messages[ts] = message
        if thread:
            self.threads.setdefault(thread, []).append(message)
        self._note(message)
        if message.from_app and not whisper and self.status(message.root):
            self.set_status(message.root, "")
        self.emulator.changed()
        return message

    def revise(self, message: Message, content: Content) -> None:
        message.revisions.append(self._revision(content))
        self._note(message)
        self.emulator.changed()

    def remove(self, message: Message) -> None:
        message.deleted_at = self.emulator.clock()
        self.emulator.changed()

    def _revision(self, content: Content) -> Revision:
        return Revision(content, self.emulator.clock(), self.emulator.now())

    def _note(self, message: Message) -> None:
        if message.from_app:
            known = {(ping.whom, ping.message) for ping in self.emulator.pings}
            fresh = [whom for whom in message.content.pings if (whom, message) not in known]
            self.emulator.pings += [Ping(whom, message) for whom in fresh]

    def shown(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.is_direct,
            "is_mpim": self.kind == "mpim",
            "is_private": self.is_private,
            "is_archived": self.archived,
            "is_ext_shared": self.is_shared,
            "context_team_id": self.team.id,
            "shared_team_ids": [team.id for team in self.teams],
            "num_members": len(self.members),
        }

    async def until(self, happened: "Callable[[Channel], T]", *, within: float = 10.0) -> T:
        """Wait for something to be true of this place, and return what it was."""
        await self.emulator.until(lambda _: happened(self), within=within)
        return happened(self)

    async def final(self, end: str, *, thread: str = "", within: float = 10.0) -> Message:
        """Wait for an answer that ends like this and is not being streamed any more."""
        found = await self.until(
            lambda _: [
                answer
                for answer in self.answers
                if answer.text.rstrip().endswith(end)
                and not answer.streaming
                and thread in ("", answer.thread)
            ],
            within=within,
        )
        return found[-1]

    async def say(self, by: "Person", text: str, *, thread: str = "") -> Message:
        """Somebody writes here."""
        return await by.at(self, thread).say(text)
