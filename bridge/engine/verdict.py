"""What an error means for a turn: decided once, here. The table is in docs/architecture.md."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.errors import BridgeError, Departed, Permanent, Transient, Unauthorised
from bridge.flow.retry import backoff
from bridge.store.turns import Turn, TurnState

MOST_RETRIES = 8  # with the backoff about a minute and a half, then one apology
MOST_FAILURES = 3  # bugs
LONGEST_WAIT = 900.0  # seconds that Coze may ask for; who asks for days is broken, not busy
LOOK_AGAIN = 30.0  # seconds between two tries with a key that was refused
# Runs that ended with the process and without progress: a poison message. Once Coze was asked
# there is an answer to be had, so more is borne before it is given up.
MOST_ATTEMPTS = 5
MOST_ATTEMPTS_ONCE_ASKED = 10


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


def is_poison(turn: Turn) -> bool:
    """Tell whether a turn has ended too many processes to be run once more."""
    asked = turn.state in {TurnState.ASKED, TurnState.ANSWERED}
    return turn.attempts >= (MOST_ATTEMPTS_ONCE_ASKED if asked else MOST_ATTEMPTS)


def verdict(turn: Turn, error: BaseException) -> Verdict:
    """Judge a run that ended with `error`. What is no `BridgeError` is a bug of ours."""
    match error:
        case Departed():
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
    if error.retry_after is None:
        return Again(backoff(turn.retries + 1))
    return Again(min(error.retry_after, LONGEST_WAIT))


def _bug(turn: Turn) -> Again | Apologise:
    if turn.failures + 1 >= MOST_FAILURES:
        return Apologise(Permanent("internal error"))
    return Again(backoff(turn.failures + 1))
