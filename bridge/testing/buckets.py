"""Budgets that pacers of one process share, kept in memory by the rules of the real ones."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.errors import BridgeError
from bridge.flow.buckets import (
    AGAIN,
    UNANSWERED,
    Answered,
    Claimed,
    Demand,
    Found,
    GivenBack,
    Note,
)
from bridge.flow.crowd import LINGER


@dataclass
class Bucket:
    """One key: instants by the clock, oldest first."""

    due: float = -math.inf
    held_until: float = -math.inf
    claimed: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    edits: list[float] = field(default_factory=list)
    crowds: dict[str, tuple[int, float]] = field(default_factory=dict)

    def wait(self, demand: Demand, now: float) -> float:
        """Seconds until it would allow the call."""
        self._prune(demand.seconds, now)
        due = now if self.due > now + demand.reach else self.due
        waits = [due - demand.ahead - now, self.held_until - now]
        used = sorted(self.claimed + self.answered)
        if demand.calls is not None and len(used) >= demand.calls:
            waits.append(max(AGAIN, used[len(used) - demand.calls] + demand.seconds - now))
        if demand.edits is not None and len(self.edits) >= demand.edits:
            waits.append(self.edits[len(self.edits) - demand.edits] + demand.seconds - now)
        return max(waits)

    def take(self, demand: Demand, replica: str, now: float) -> None:
        """Count the call."""
        if demand.step > 0:
            due = now if self.due > now + demand.reach else self.due
            self.due = max(due, now) + demand.step
        if demand.calls is not None:
            self.claimed.append(now)
            self.crowds[replica] = (demand.crowd, now)
        if demand.edits is not None:
            self.edits.append(now)

    def elsewhere(self, replica: str, now: float) -> int:
        """How many answers grow in other replicas."""
        crowds = [it for who, it in self.crowds.items() if who != replica]
        return sum(size for size, at in crowds if at > now - LINGER)

    def undo(self, note: GivenBack) -> None:
        """Forget a claim."""
        self.due -= note.step
        self.claimed = [at for at in self.claimed if at != note.at]
        self.edits = [at for at in self.edits if at != note.at]

    def answer(self, note: Answered, at: float) -> None:
        """Count a call from its answer instead of from its claim."""
        self.claimed = [claimed for claimed in self.claimed if claimed != note.at]
        self.answered.append(at)

    def _prune(self, seconds: float, now: float) -> None:
        self.claimed = [at for at in self.claimed if now - seconds - UNANSWERED < at <= now]
        self.answered = [at for at in self.answered if now - seconds < at <= now]
        self.edits = [at for at in self.edits if now - seconds < at <= now]


class FakeBuckets:
    """Buckets whose every answer takes `delay` seconds.

    trouble: what is raised instead; speaks: while it is not set, nothing is answered at all.
    """

    def __init__(self, clock: Callable[[], float], delay: float = 0.0) -> None:
        self._clock = clock
        self.delay = delay
        self.trouble: BridgeError | None = None
        self.speaks = asyncio.Event()
        self.speaks.set()
        self.buckets: defaultdict[str, Bucket] = defaultdict(Bucket)
        self._last = -math.inf
        self.asked = 0
        self.noted: list[Note] = []

    async def claim(self, demands: Sequence[Demand], replica: str) -> Claimed:
        self.asked += 1
        await self._answer()
        now = self._last = max(self._clock(), self._last + 1e-6)  # each claim has its instant
        found = {
            demand.key: Found(
                wait=self.buckets[demand.key].wait(demand, now),
                held=max(self.buckets[demand.key].held_until - now, 0.0),
                elsewhere=self.buckets[demand.key].elsewhere(replica, now),
            )
            for demand in demands
        }
        if max(each.wait for each in found.values()) <= 0:
            for demand in demands:
                self.buckets[demand.key].take(demand, replica, now)
        return Claimed(now, found)

    async def note(self, notes: Sequence[tuple[Note, float]]) -> None:
        await self._answer()
        for note, age in notes:
            self.noted.append(note)
            self._write(self.buckets[note.key], note, self._clock() - age)

    async def forget_idle(self) -> None:
        await self._answer()
        now = self._clock()
        kept = {key: it for key, it in self.buckets.items() if max(it.due, it.held_until) > now}
        self.buckets = defaultdict(Bucket, kept)

    def _write(self, bucket: Bucket, note: Note, at: float) -> None:
        match note:
            case Answered():
                bucket.answer(note, at)
            case GivenBack():
                bucket.undo(note)
            case _:
                bucket.held_until = max(bucket.held_until, at + note.seconds)

    async def _answer(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        await self.speaks.wait()
        if self.trouble:
            raise self.trouble
