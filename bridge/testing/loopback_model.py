"""What the loopback platform is told, what it keeps, and what can stand in a call's way."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from pydantic import BaseModel

from bridge.events import ChatKind


class Verb(StrEnum):
    """What an adapter can ask the platform to do; the path of the call."""

    UPDATES = "updates"
    SEND = "send"
    EDIT = "edit"
    RETRACT = "retract"
    TYPING = "typing"
    FETCH = "fetch"
    SEND_FILE = "send_file"


class When(Enum):
    """Where an obstacle stands: before the call acts, or between that and its answer."""

    BEFORE = "before"
    AFTER = "after"


class Body(BaseModel):
    """The JSON of a call; each verb reads its own part of it.

    hold: seconds to wait for updates. ref: of a file that somebody sent. name, kind, mime: of
    one that the bot sends, whose bytes are the body.
    """

    offset: int = 0
    hold: float = 0.0
    chat: str = ""
    message: str = ""
    text: str = ""
    final: bool = False
    plain: bool = False
    buttons: list[tuple[str, str]] = []
    ref: str = ""
    name: str = ""
    kind: str = ""
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is not obeyed. status 0: the connection is closed without an answer."""

    status: int
    error: str = ""
    retry_after: float | None = None


HANG_UP = Refusal(0)
MARKUP = Refusal(400, "cannot parse the markup")
KICKED = Refusal(403, "the bot was removed")
BROKEN = Refusal(502, "bad gateway")


def flood(retry_after: float) -> Refusal:
    """Too many calls; welcome again after so many seconds."""
    return Refusal(429, "too many requests", retry_after)


@dataclass(slots=True)
class Gate:
    """Calls wait here. reached: how many have come so far."""

    reached: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        """Let everybody through, now and later."""
        self.opened.set()


@dataclass(slots=True)
class Obstacle:
    """What happens to the next `times` calls that match (None: to all)."""

    verb: Verb
    when: When
    does: Gate | Refusal
    matches: Callable[[Body], bool]
    times: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from `at` (monotonic seconds) on."""

    text: str
    final: bool
    plain: bool
    buttons: tuple[tuple[str, str], ...]
    at: float


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file, of a person's or of the bot's."""

    name: str
    content: bytes
    kind: str = "document"
    mime: str = ""


@dataclass(slots=True)
class Message:
    """A message of the bot, with everything it ever showed, oldest first."""

    id: str
    chat: str
    history: list[Version]
    retracted: bool = False
    file: SentFile | None = None

    @property
    def now(self) -> Version:
        return self.history[-1]

    @property
    def text(self) -> str:
        return self.now.text


@dataclass(slots=True)
class Update:
    """Something a person wrote. at: Unix seconds.

    offers: how often it is still delivered; None until it is acknowledged.
    """

    id: int
    event: str
    chat: str
    kind: ChatKind
    user: str
    language: str
    text: str
    at: float
    files: tuple[tuple[str, SentFile], ...] = ()  # by the names under which they are fetched
    offers: int | None = None
    offered: int = 0
    acknowledged: bool = False
    refused: bool = False
