"""What a turn is: a message, what is said to it, and how far it has come.

    received ─> asking ─> asked ─> answered ─> delivered
        └> merged    └──────┴─────────┴──────> failed / dead ─> dropped

`bridge.store.ledger` moves it along.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.events import Inbound
from bridge.spans import Traced
from bridge.store.sessions import Session
from bridge.upstream import Trace
from bridge.words import command_in


class TurnState(StrEnum):
    """Where a turn is. The last five are ends; an operator has seen what is dropped."""

    RECEIVED = "received"
    ASKING = "asking"
    ASKED = "asked"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    MERGED = "merged"
    DROPPED = "dropped"


class TurnKind(StrEnum):
    """What an event is for: something to answer, or words of ours alone.

    BUSY, STRANGER, PAUSED: its sender is told that we are, or that we do not know them.
    ADMIN: a word of an admin to the bridge. NEWS: something an admin wants everybody to know.
    """

    MESSAGE = "message"
    BUSY = "busy"
    STRANGER = "stranger"
    PAUSED = "paused"
    ADMIN = "admin"
    NEWS = "news"


_ASKING = frozenset({TurnKind.MESSAGE, TurnKind.BUSY})  # whoever was told so did want to ask


@dataclass(frozen=True, slots=True)
class Start:
    """What was found out, and written, in the transaction that took a turn.

    session: who asks, and in which conversation. noted: the ledger says already that the question
        is about to leave, in that conversation.
    """

    session: Session
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a user and what became of it.

    events: the message itself, then those that were merged into it, in order.
    question: what to ask, where it is not what the events say (/retry).
    again: the turn in which that was first asked.
    trace: where the answer is found at Coze, once asked; `chat_id` is empty before `asked`.
    attempts: runs begun since the last progress, this one included.
    start: of the run that goes on; None where nothing is known of it.
    """

    id: int
    lane: str
    fence: int
    kind: TurnKind
    state: TurnState
    events: tuple[Inbound, ...]
    question: str | None
    trace: Trace | None
    attempts: int
    failures: int
    retries: int
    created_at: datetime
    asked_at: datetime | None
    error: str | None = None
    again: int | None = None
    start: Start | None = None

    @property
    def event(self) -> Inbound:
        return self.events[0]

    @property
    def text(self) -> str:
        """What the user said, all parts of it."""
        if self.question is not None:
            return self.question
        return "\n".join(event.text for event in self.events if event.text)

    @property
    def is_question(self) -> bool:
        """It is for the agent, not for us, and was not a change that came too late."""
        if self.kind not in _ASKING or (self.event.edits and self.again is None):
            return False
        # Asked anew, files and position are found with the first.
        brings = any(event.attachments or event.place for event in self.events)
        brings = brings or self.again is not None
        return (brings or bool(self.text.strip())) and command_in(self.text) is None

    @property
    def is_plain(self) -> bool:
        """It is a question in words alone, that was never asked before."""
        is_bare = not any(event.attachments or event.place for event in self.events)
        return self.is_question and is_bare and not self.event.edits and self.again is None

    @property
    def is_visit(self) -> bool:
        """Its sender was here, and is somebody to be remembered."""
        return self.kind not in {TurnKind.STRANGER, TurnKind.NEWS}

    @property
    def asked_in(self) -> str | None:
        """The conversation in which Coze has this question already; None if it has not."""
        return self.trace.conversation_id if self.trace and self.state is TurnState.ASKED else None

    @property
    def mark(self) -> str:
        """How the question is found again at Coze. Two bridges never share a conversation."""
        return f"turn-{self.id}"

    @property
    def traced(self) -> Traced:
        """Which trace it is."""
        return Traced(self.id, self.created_at)

    @property
    def reference(self) -> str:
        """The number a user quotes and an operator searches the log for."""
        return f"{self.id:05d}"

    @property
    def may_have_shown(self) -> bool:
        """A run before this one may have posted what nobody noted, because it died."""
        return self.state in {TurnState.ASKED, TurnState.ANSWERED}

    @property
    def is_untouched(self) -> bool:
        """Nobody has begun to work on it."""
        return self.state is TurnState.RECEIVED and not self.attempts and not self.retries

    @property
    def is_first_run(self) -> bool:
        """Nothing that it could go on with is at Coze, or on the platform."""
        is_new = self.state is TurnState.RECEIVED and self.attempts <= 1 and not self.retries
        return is_new and self.again is None


@dataclass(frozen=True, slots=True)
class Settled:
    """A page that shows its final content. message_id: None if it has none to show."""

    number: int
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ends. settled: its pages of which that is not in the ledger yet."""

    turn: Turn
    state: TurnState
    settled: tuple[Settled, ...] = ()
