"""What several replicas ask of the budgets they share, and tell them, as values.

A bucket stands for the key of one limit. `SharedPacer` (`flow/sharing.py`) asks, `Buckets` answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bridge.limits import Limit, Pace

UNANSWERED = 2.0  # seconds; a call may be under way so much longer than its quota's window
AGAIN = 0.05  # seconds until a call that is under way for too long may have been answered


@dataclass(frozen=True, slots=True)
class Demand:
    """What a claim asks of one bucket. Of a pace: ahead, step, reach; of a quota: the others.

    ahead: seconds the call may run ahead of the pace; step: how far it moves the pace on.
    reach: no pace is further ahead than this; if one seems to be, the clock was set back.
    calls: of those in any `seconds`, how many may be used with one more still granted; None if
        there is no quota. edits: likewise, of the intermediate edits; None if this is not one.
    crowd: how many answers of this replica grow at the cost of the quota.
    """

    key: str
    ahead: float = 0.0
    step: float = 0.0
    reach: float = 0.0
    seconds: float = 0.0
    calls: int | None = None
    edits: int | None = None
    crowd: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """How a claim found one bucket.

    wait: seconds, 0 or less if the bucket allows the call. held: seconds for which a Retry-After
    that some replica was told still lasts. elsewhere: answers that grow in other replicas.
    """

    wait: float
    held: float
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a claim. at: when it was decided, by the buckets' own clock."""

    at: float
    found: Mapping[str, Found]

    @property
    def wait(self) -> float:
        """The seconds to wait; 0 or less if the call was granted, under every demand."""
        return max(found.wait for found in self.found.values())


@dataclass(frozen=True, slots=True)
class Answered:
    """A call was answered. at: of its claim; None if it was granted without asking.

    noted: here and below, when that was, by the monotonic clock of the replica.
    """

    key: str
    noted: float
    seconds: float
    at: float | None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A call that was granted will not be made."""

    key: str
    noted: float
    step: float
    at: float


@dataclass(frozen=True, slots=True)
class Held:
    """The far side wants no calls for so many seconds."""

    key: str
    noted: float
    seconds: float


Note: TypeAlias = Answered | GivenBack | Held


class Buckets(Protocol):
    """Where the budgets are kept. Raises `Transient`, or `Permanent` where that is for good."""

    async def claim(self, demands: Sequence[Demand], replica: str) -> Claimed:
        """Take one call from every bucket, or nothing from any of them.

        Of claims made at the same time, each counts what those before it have taken.
        """

    async def note(self, notes: Sequence[tuple[Note, float]]) -> None:
        """Write down what happened, each so many seconds ago."""

    async def forget_idle(self) -> None:
        """Remove the buckets that would allow a call at once, as a new one does."""


def name_of(limit: Limit) -> str:
    """The bucket's key. Raises `TypeError` for a limit whose key is not of words and numbers."""
    kind = "pace" if isinstance(limit, Pace) else "quota"
    return json.dumps([kind, limit.key], ensure_ascii=False)
