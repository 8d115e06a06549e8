"""What the core needs of an agent, and the events it tells while it answers.

`coze/` implements this for Coze. An answer is one walk of events:

    Started  ( Using* Delta* Said )*  Spoken  Suggested*  ( Finished | Failed | Cancelled | Needs )

`Sounded` may come anywhere. After `Needs` with calls, `Agent.submit` goes on with the walk, without
another `Started`. Everything else Coze says on the way never leaves `coze/`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from bridge.errors import BridgeError, Gone
from bridge.events import Place

Lull: TypeAlias = Callable[[Awaitable[object]], Awaitable[None]]
MADE_UP = "answer-"
"""Begins the ids of messages that came without one: they tell messages apart, and name none."""


class ConversationLost(Gone):
    """Coze does not know the conversation (any more): a new one can be begun instead."""


class PartKind(StrEnum):
    """What a file is to the agent. Audio is heard and answered; other sound is a file."""

    FILE = "file"
    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a question, by the id that `Agent.upload` gave it."""

    kind: PartKind
    file_id: str


@dataclass(frozen=True, slots=True)
class Asking:
    """What a user wants to ask. Either `text` or `parts` is not empty.

    lull: waits while increments may gather once the answer has begun, or for the end that it is
        given; None to be told each as it comes. Ten that are read together cost little more than
        one.
    """

    text: str
    parts: tuple[Part, ...] = ()
    place: Place | None = None
    lull: Lull | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way to Coze, which judges it by the extension of its name.

    size: bytes, where it is known. content: read once, piece by piece; it is never held whole.
    """

    name: str
    content: AsyncIterator[bytes]
    size: int | None = None
    mime: str = ""


class Rating(StrEnum):
    """What somebody thinks of an answer, in Coze's words."""

    LIKE = "like"
    DISLIKE = "unlike"


@dataclass(frozen=True, slots=True)
class Question:
    """One turn to ask.

    uid: Coze's `user_id`, our `connector_uid`.
    conversation_id: always known before asking, so that a lost answer can be looked for.
    mark: our own id of the turn, sent as `meta_data` and found again with `Agent.find`.
    custom_variables: for the places in the agent's prompt that are named so; parameters: for
        the first step of its workflow.
    lull: see `Asking`.
    """

    uid: str
    conversation_id: str
    text: str
    mark: str
    custom_variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    place: Place | None = None
    lull: Lull | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The agent accepted the question; from here on it must never be asked again."""

    conversation_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class Delta:
    """An increment of one message of the answer; `message_id` may be empty but is stable."""

    message_id: str
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the answer, whole. It replaces the deltas, which may differ from it."""

    message_id: str
    text: str
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Using:
    """The agent uses a tool of its own, by the name its author gave it, before it goes on."""

    tool: str


@dataclass(frozen=True, slots=True)
class Sounded:
    """A piece of the spoken answer: one packet of Opus at 48 kHz, or PCM, as was asked in."""

    sound: bytes


@dataclass(frozen=True, slots=True)
class Spoken:
    """The visible text has ended; suggestions may follow seconds later."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A question the user might ask next."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as Coze counts them."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete."""

    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The agent gave up; what it said before stays valid."""

    error: BridgeError


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody cancelled the answer; what was said before stays valid."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the agent wants us to call. arguments: JSON text, as its model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What came of a call. output: a text, usually JSON; what failed says so in it."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Needs:
    """The agent waits for something of ours: outputs of `calls`, else the user's next message.

    options: what the user may reply; free text is accepted as well.
    """

    calls: tuple[ToolCall, ...] = ()
    options: tuple[str, ...] = ()


AnswerEvent: TypeAlias = (
    Started
    | Delta
    | Said
    | Using
    | Sounded
    | Spoken
    | Suggested
    | Finished
    | Failed
    | Cancelled
    | Needs
)


@dataclass(frozen=True, slots=True)
class Running:
    """The outcome of an answer that is not there yet."""


@dataclass(frozen=True, slots=True)
class Over:
    """The outcome of an answer that has ended: its events, the last one terminal."""

    events: Sequence[AnswerEvent]


Outcome: TypeAlias = Running | Over


@dataclass(frozen=True, slots=True)
class Trace:
    """Proof that a question arrived. `chat_id` is empty where Coze did not tell."""

    conversation_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class Field:
    """What a shortcut wants to know. options: what may be said, where not anything may."""

    name: str
    default: str = ""
    options: tuple[str, ...] = ()
    is_asked: bool = True


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A command that the agent's author made: `/word text` stands for a longer question.

    template: the question, with `{{name}}` for what a field is given.
    """

    word: str
    description: str = ""
    template: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """How the agent introduces itself. `prologue` may contain `{{user_name}}`.

    version: changes whenever the agent was published anew; empty if Coze does not tell.
    """

    name: str = ""
    prologue: str = ""
    questions: tuple[str, ...] = ()
    version: str = ""
    shortcuts: tuple[Shortcut, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """A user variable as Coze has it. set_at: None for a default that nobody ever set."""

    keyword: str
    value: str
    set_at: datetime | None = None


def is_the_agents(keyword: str) -> bool:
    """Tell a variable of the agent from one of Coze's own (`sys_…`), which nobody else may set."""
    return not keyword.startswith("sys_")


class KeepsVariables(Protocol):
    """What an agent remembers of each user, under names that its author gave out.

    Raises `bridge.errors`; a `Permanent` without a known reason where a keyword does not exist,
    is not enabled, or belongs to Coze.
    """

    async def variables(self, uid: str) -> list[Variable]:
        """Read all of a user's variables, defaults included."""

    async def set_variables(self, uid: str, values: Mapping[str, str]) -> None:
        """Set some of them; none of them if any is refused. `values` is not empty."""


class Agent(KeepsVariables, Protocol):
    """One configured agent. Every method raises `bridge.errors`, with code and logid."""

    def of(self, uid: str) -> "Agent":
        """The same agent, called on behalf of one person.

        A conversation may exist for its person only, so every call about one goes through
        here. Cheap: ask for it each time. Two people who get the very same object share their
        conversations at Coze.
        """

    async def begin(self, name: str = "") -> str:
        """Create an empty conversation and return its id."""

    def ask(self, question: Question) -> AbstractAsyncContextManager[AsyncIterator[AnswerEvent]]:
        """Ask, and stream the answer; leaving the context releases the connection.

        Entering raises before anything was asked: `Occupied` while another chat of the
        conversation runs, `ConversationLost`, `Transient` (look at `happened`),
        `Permanent`. Iterating ends after a terminal event; a stream that is cut or stays
        silent for the idle timeout raises `Unreachable(happened=True)`.
        """

    def submit(
        self, trace: Trace, outputs: Sequence[ToolOutput], lull: Lull | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[AnswerEvent]]:
        """Hand in what the agent needed, for every call at once, and stream how it goes on.

        lull: see `Asking`. Raises like `ask`; nothing is asked anew by it. Once it was handed
        in, `outcome` tells of a stream that was lost.
        """

    async def find(self, conversation_id: str, mark: str) -> Trace | None:
        """Look for a question asked with this mark among the conversation's newest messages."""

    async def outcome(self, trace: Trace) -> Outcome:
        """Say how an answer ended, or that it has not. Raises `Gone` if Coze forgot it."""

    async def cancel(self, trace: Trace) -> None:
        """Ask Coze to stop an answer. One that has ended already is no error.

        Does not end a running stream: leave its context as well.
        """

    async def clear(self, conversation_id: str) -> None:
        """Cut the conversation's context; its messages stay."""

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation with its messages; one that is gone already is no error."""

    async def rename(self, conversation_id: str, name: str) -> None:
        """Name a conversation; what Coze has no room for is cut off."""

    async def rate(
        self, conversation_id: str, message_id: str, rating: Rating | None, reason: str = ""
    ) -> None:
        """Say what its reader thinks of an answer; None takes it back. The last one counts."""

    async def upload(self, file: Upload) -> str:
        """Store a file at Coze and return its id. Raises `Rejected` for one it does not take."""

    async def transcribe(self, file: Upload) -> str:
        """Write down what somebody says in a recording of at most 10 MB and 30 minutes."""

    def speak(self, text: str, voice: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Read a text of at most 1,024 bytes aloud: an Ogg Opus file, piece by piece."""

    async def profile(self) -> Profile:
        """How the published agent introduces itself."""

    async def check(self) -> Profile | None:
        """See whether the agent could answer now, without asking it anything; read its profile.

        Raises `Unauthorised` if the credentials are refused, `Permanent` if there is no such
        agent, `Transient`. Credentials that may ask but not read the agent are good enough, and
        bring None.
        """
