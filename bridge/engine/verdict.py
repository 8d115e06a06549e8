"""What an error means for a turn: decided once, here. The table is in docs/architecture.md."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.errors import BridgeError, Gone, Permanent, Transient, Unauthorised
from bridge.flow.retry import backoff
from bridge.store.turns import Turn

MOST_RETRIES = 8  # with the backoff about a minute and a half, then one apology
MOST_FAILURES = 3  # bugs
LOOK_AGAIN = 30.0  # seconds between two tries with a key that was refused
MOST_ATTEMPTS = 5  # runs that ended with the process and without progress: a poison message


@dataclass(frozen=True, slots=True)
class Again:
    """Run the turn again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Park:
    """Only the operator can help: keep the turn, look again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Apologise:
    """End the turn with one short sentence; `error` chooses it."""

    error: BridgeError


@dataclass(frozen=True, slots=True)
class Close:
    """End the turn in silence: nobody is there to read."""


Verdict: TypeAlias = Again | Park | Apologise | Close


def verdict(turn: Turn, error: BaseException) -> Verdict:
    """Judge a run that ended with `error`. What is no `BridgeError` is a bug of ours."""
    match error:
        case Gone():
            return Close()
        case Unauthorised():
            return Park(LOOK_AGAIN)
        case Transient():
            return _later(turn, error)
        case Permanent():
            return Apologise(error)
        case _:
            return _bug(turn)


def _later(turn: Turn, error: Transient) -> Again | Apologise:
    if turn.retries >= MOST_RETRIES:
        return Apologise(error)
    seconds = error.retry_after
    return Again(backoff(turn.retries + 1) if seconds is None else seconds)


def _bug(turn: Turn) -> Again | Apologise:
    if turn.failures + 1 >= MOST_FAILURES:
        return Apologise(Permanent("internal error"))
    return Again(backoff(turn.failures + 1))
