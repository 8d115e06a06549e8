"""Workspaces, accounts, and messages with every version they had."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.slack.emulator.content import Content
from tests.slack.emulator.params import Json
from tests.slack.emulator.streams import Stream

if TYPE_CHECKING:
    from tests.slack.emulator.channels import Channel
    from tests.slack.emulator.files import File
    from tests.slack.emulator.people import Person


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An organisation of several workspaces."""

    id: str
    name: str


@dataclass(slots=True, eq=False)
class Workspace:
    """A team. lacks: methods it does not know yet, such as those of streaming."""

    id: str
    name: str
    domain: str
    enterprise: Enterprise | None = None
    lacks: set[str] = field(default_factory=set)

    @property
    def enterprise_id(self) -> str | None:
        return self.enterprise.id if self.enterprise else None

    def shown(self) -> Json:
        return {"id": self.id, "name": self.name, "domain": self.domain}


@dataclass(slots=True, eq=False)
class User:
    """An account of a workspace. bot_id: of a bot's."""

    id: str
    name: str
    team: Workspace
    language: str = "en-US"
    bot_id: str = ""
    timezone: str = "Europe/London"
    deleted: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    @property
    def is_bot(self) -> bool:
        return bool(self.bot_id)

    def shown(self, *, locale: bool = False) -> Json:
        names: Json = {"real_name": self.name, "display_name": self.name, "team": self.team.id}
        body: Json = {
            "id": self.id,
            "team_id": self.team.id,
            "name": self.name.lower(),
            "real_name": self.name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "tz": self.timezone,
            "profile": names | ({"bot_id": self.bot_id} if self.bot_id else {}),
        }
        if (enterprise := self.team.enterprise) is not None:
            body["enterprise_user"] = {"enterprise_id": enterprise.id, "teams": [self.team.id]}
        return body | ({"locale": self.language} if locale else {})


@dataclass(frozen=True, slots=True)
class Revision:
    """What a message showed from a moment on.

    date: seconds since 1970; at: seconds of `time.monotonic`.
    """

    content: Content
    date: float
    at: float


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """One message. The newest revision is what people see.

    thread: the `ts` of its thread's first message. whisper: the only user who sees it.
    """

    channel: "Channel"
    ts: str
    sender: User
    revisions: list[Revision]
    thread: str = ""
    subtype: str = ""
    files: "list[File]" = field(default_factory=list)
    stream: Stream | None = None
    whisper: str = ""
    reactions: list[tuple[str, str]] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    deleted_at: float | None = None
    app_id: str = ""

    def __repr__(self) -> str:
        return f"<message {self.ts} in {self.channel.id}: {self.text!r}>"

    @property
    def content(self) -> Content:
        return self.revisions[-1].content

    @property
    def text(self) -> str:
        return self.content.seen

    @property
    def blocks(self) -> tuple[Json, ...]:
        return self.content.blocks

    @property
    def at(self) -> float:
        """When it was sent, in seconds of `time.monotonic`."""
        return self.revisions[0].at

    @property
    def edits(self) -> int:
        return len(self.revisions) - 1

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def from_app(self) -> bool:
        """Whether our app wrote it."""
        return bool(self.app_id)

    @property
    def streaming(self) -> bool:
        return self.stream is not None and self.stream.is_open(self.channel.emulator.clock())

    @property
    def root(self) -> str:
        """The thread it begins or is in."""
        return self.thread or self.ts

    @property
    def labels(self) -> list[str]:
        """What stands on its buttons."""
        return [label for block in self.blocks for label in _labels(block)]

    async def press(self, label: str, by: "Person") -> "Json":
        """Press a button, by its label or action_id; returns the payload that was sent."""
        return self.channel.emulator.interactions.press(self, label, by)

    async def choose(self, option: str, by: "Person") -> "Json":
        """Choose from a menu, by an option's label or value."""
        return self.channel.emulator.interactions.choose(self, option, by)

    def shown(self) -> Json:
        """The message as an event or a result has it."""
        body: Json = {
            "type": "message",
            "user": self.sender.id,
            "text": self.text,
            "ts": self.ts,
            "team": self.sender.team.id,
        }
        if self.sender.is_bot:
            body |= {"bot_id": self.sender.bot_id, "app_id": self.app_id}
        if self.blocks:
            body["blocks"] = list(self.blocks)
        if self.content.metadata:
            body["metadata"] = self.content.metadata
        return body | self._state()

    def _state(self) -> Json:
        body: Json = {"subtype": self.subtype} if self.subtype else {}
        if self.files:
            body["files"] = [file.shown(in_event=True) for file in self.files]
        if self.attachments:
            body["attachments"] = self.attachments
        if self.edits and self.stream is None:
            edited = self.revisions[-1].date
            body["edited"] = {"user": self.sender.id, "ts": f"{edited:.6f}"}
        if self.reactions:
            body["reactions"] = [{"name": name, "users": [by]} for name, by in self.reactions]
        if self.thread and self.thread != self.ts:
            parent = self.channel.messages.get(self.thread)
            body["thread_ts"] = self.thread
            body |= {"parent_user_id": parent.sender.id} if parent else {}
        elif replies := self.channel.replies(self.ts):
            body |= {"thread_ts": self.ts, "reply_count": len(replies)}
        return body


def _labels(value: object) -> list[str]:
    """Labels of everything that can be pressed or chosen, wherever it stands in a block."""
    if isinstance(value, list):
        return [label for each in value for label in _labels(each)]
    if not isinstance(value, dict):
        return []
    text = value.get("text")
    pressable = value.get("type") == "button" or "value" in value
    if pressable and isinstance(text, dict):
        return [str(text.get("text"))]
    return [label for each in value.values() for label in _labels(each)]
