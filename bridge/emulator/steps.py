"""What a turn is made of. A script is a list of these, and a performance plays them."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.emulator.scenario import Cut, ToolCall, Trouble


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds in which nothing happens; `inf` ends the play here."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Begin:
    """chat.created, unless the chat goes on after tool outputs, and chat.in_progress."""

    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """An increment of the answer message number `line`."""

    line: int
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class NullDelta:
    """An increment whose content is null, and one that has none."""

    line: int


@dataclass(frozen=True, slots=True)
class Whole:
    """The answer message number `line` is complete. `shown` on the wire, or only stored."""

    line: int
    text: str
    reasoning: str = ""
    shown: bool = True
    content_type: str = "text"


@dataclass(frozen=True, slots=True)
class Aside:
    """A complete message that is no answer."""

    type: str
    content: str
    role: str = "assistant"


@dataclass(frozen=True, slots=True)
class Raw:
    """A frame outside the protocol, or an error event."""

    event: str
    data: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are no event, with their line ends."""

    text: str


@dataclass(frozen=True, slots=True)
class Audio:
    """A piece of speech, base64."""

    content: str


@dataclass(frozen=True, slots=True)
class Tools:
    """The chat waits: for what its calls bring, or without any for the user's next message."""

    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Complete:
    """chat.completed; without `shown` nobody is told."""

    shown: bool = True


@dataclass(frozen=True, slots=True)
class Fail:
    """chat.failed, or with `as_event` the error event; nothing is played after it."""

    trouble: Trouble
    as_event: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The last frame."""


@dataclass(frozen=True, slots=True)
class Break:
    """The stream is cut here; the play goes on unseen."""

    cut: Cut


@dataclass(frozen=True, slots=True)
class Hush:
    """The stream stays open and silent from here on; the play goes on unseen."""


Step: TypeAlias = (
    Wait
    | Begin
    | Delta
    | NullDelta
    | Whole
    | Aside
    | Raw
    | Lines
    | Audio
    | Tools
    | Complete
    | Fail
    | Done
    | Break
    | Hush
)
