"""How often one place may be written to, as arithmetic on a clock.

Two kinds of limits. A `Pace` is steady: so many seconds between two calls under a key, after the
generic cell rate algorithm (one number, when the next call is due). A `Quota` is a budget: so
many calls in any stretch of so many seconds, whoever makes them.

Priorities differ in how much of either they may use up. An intermediate edit must find the pace
idle and some of the quota left, and all of them together get less than half of a quota; a final
one may run ahead of the pace and spend the rest. So an answer's end never waits behind its own
animation, nor behind that of others. Where many answers grow at once, they take turns.

The far side counts a call when it arrives, some time between its claim and its answer. So an
answered call is counted anew: until then it is not certain that the far side has counted it.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from bridge.flow.crowd import Crowd
from bridge.limits import Limit, Pace, Quota


class Priority(Enum):
    """Who goes first.

    ahead: calls it may run ahead of a steady pace; -1 wants a whole interval left unused.
    share: how much of a quota may be used up before it has to wait.
    """

    TYPING = (-1, 0.3)
    EDIT = (0, 0.7)
    FIRST = (1, 0.85)
    FINAL = (2, 1.0)

    def __init__(self, ahead: int, share: float) -> None:
        self.ahead = ahead
        self.share = share


SLOWER = 1.5  # the factor by which a refusal stretches a pace
SLOWEST = 4.0  # and how far it can be stretched
CALM = 60.0  # seconds without a refusal, after which one such factor is taken back


def open_to(quota: Quota, priority: Priority) -> int:
    """How many of the calls a priority may see used; with so many it has to wait."""
    return max(1, int(quota.calls * priority.share))


def open_to_edits(quota: Quota) -> int:
    """How many of the calls may be intermediate edits."""
    return max(1, int(quota.calls * quota.edits))


@dataclass(slots=True)
class _Paced:
    """A pace in use. held_until: the far side said so, so nobody runs ahead of it."""

    due: float = -math.inf
    held_until: float = -math.inf
    factor: float = 1.0
    refused_at: float = -math.inf

    def wait(self, limit: Pace, priority: Priority, now: float) -> float:
        ahead = limit.interval * priority.ahead
        return max(self.due - ahead, self.held_until) - now

    def take(self, limit: Pace, now: float) -> None:
        self.due = max(self.due, now) + self.step(limit, now)

    def give_back(self, limit: Pace, now: float) -> None:
        self.due -= self.step(limit, now)

    def step(self, limit: Pace, now: float) -> float:
        """Seconds by which a call moves on when the next one is due."""
        return limit.interval * self._stretch(now)

    def hold(self, seconds: float, now: float) -> None:
        self.held_until = max(self.held_until, now + seconds)
        self.factor = min(SLOWEST, self._stretch(now) * SLOWER)
        self.refused_at = now

    def is_idle(self, now: float) -> bool:
        return max(self.due, self.held_until) <= now and self._stretch(now) == 1.0

    def _stretch(self, now: float) -> float:
        if self.factor == 1.0:
            return 1.0
        calm = (now - max(self.refused_at, self.held_until)) / CALM
        return max(1.0, self.factor / SLOWER ** max(0, int(calm)))


@dataclass(slots=True)
class _Spent:
    """A quota in use: when its calls were claimed and when they were answered, oldest first."""

    claimed: deque[float] = field(default_factory=deque)
    answered: deque[float] = field(default_factory=deque)
    edits: deque[float] = field(default_factory=deque)  # claimed for intermediate ones
    crowd: Crowd = field(default_factory=Crowd)

    def wait(self, limit: Quota, who: Hashable, priority: Priority, now: float) -> float:
        self._forget(limit.seconds, now)
        over = len(self.claimed) + len(self.answered) - open_to(limit, priority)
        wait = 0.0
        if over >= 0:
            wait = sorted((*self.claimed, *self.answered))[over] + limit.seconds - now
        return max(wait, self._turn(limit, who, now)) if priority is Priority.EDIT else wait

    def _turn(self, limit: Quota, who: Hashable, now: float) -> float:
        turn = self.crowd.wait(who, limit.seconds / open_to_edits(limit), now)
        over = len(self.edits) - open_to_edits(limit)
        return turn if over < 0 else max(turn, self.edits[over] + limit.seconds - now)

    def take(self, who: Hashable, priority: Priority, now: float) -> None:
        self.claimed.append(now)
        if priority is Priority.EDIT:
            self.edits.append(now)
        if priority is Priority.FINAL:
            self.crowd.leave(who)
        elif priority is not Priority.TYPING:
            self.crowd.called(who, now)

    def give_back(self) -> None:
        """Forget the newest claim; an edit's stands in both lists, with one time."""
        if self.claimed:
            claimed = self.claimed.pop()
            if self.edits and self.edits[-1] == claimed:
                self.edits.pop()

    def answer(self, now: float) -> None:
        """One of the calls was answered; which one makes no difference to the sum."""
        if self.claimed:
            self.claimed.popleft()
        self.answered.append(now)

    def _forget(self, seconds: float, now: float) -> None:
        for calls in (self.claimed, self.answered, self.edits):
            while calls and calls[0] <= now - seconds:
                calls.popleft()

    def is_idle(self, now: float) -> bool:
        return all(not calls or calls[-1] < now - CALM for calls in (self.claimed, self.answered))


class Pacing(Protocol):
    """Who gives out the rights to call: for this process (`Pacer`) or for several (`SharedPacer`).

    Only `grant` may take time. Nothing here raises for a database that does not answer.
    """

    async def grant(self, limits: Sequence[Limit], priority: Priority) -> float:
        """Take the right to one call under every limit and return 0, or the seconds to wait.

        A refused claim takes nothing from any of them, nor does one that was cancelled for long.
        """

    def give_back(self, limits: Sequence[Limit]) -> None:
        """Undo the last claim: there was nothing to call for."""

    def answered(self, limits: Sequence[Limit]) -> None:
        """Note that a call claimed under these limits has been answered, however."""

    def hold(self, key: Hashable, seconds: float) -> None:
        """Let nobody call for so many seconds, and less often afterwards: a Retry-After.

        key: of a `Pace`; no other key is affected.
        """

    def forget_idle(self) -> None:
        """Drop what would allow a call at once, as a new key does."""


class Pacer:
    """Paces and quotas for any number of keys; `forget_idle` frees those that went quiet.

    clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paced: dict[Hashable, _Paced] = {}
        self._spent: dict[Hashable, _Spent] = {}

    def claim(self, limits: Sequence[Limit], priority: Priority) -> float:
        """Take the right to one call under every limit and return 0, or the seconds to wait.

        A refused claim takes nothing from any of them. Those who share a quota are told apart
        by their first limit. Typing must find a pace idle, but leaves it so: it is no message.
        """
        wait = self.wait(limits, priority)
        if wait > 0:
            return wait
        self.take(limits, priority)
        return 0.0

    async def grant(self, limits: Sequence[Limit], priority: Priority) -> float:
        return self.claim(limits, priority)

    def wait(self, limits: Sequence[Limit], priority: Priority) -> float:
        """Tell what `claim` would, and take nothing."""
        now, who = self._clock(), _who(limits)
        return max((self._wait(limit, who, priority, now) for limit in limits), default=0.0)

    def take(self, limits: Sequence[Limit], priority: Priority) -> None:
        """Count a call that somebody else has allowed."""
        now, who = self._clock(), _who(limits)
        for limit in limits:
            self._take(limit, who, priority, now)

    def step(self, pace: Pace) -> float:
        """Tell by how many seconds the next call moves its pace on."""
        return self._paced.setdefault(pace.key, _Paced()).step(pace, self._clock())

    def held(self, pace: Pace) -> float:
        """Tell for how many seconds a Retry-After still lasts; less than 0 if it is over."""
        return self._paced.setdefault(pace.key, _Paced()).held_until - self._clock()

    def crowd(self, quota: Quota) -> int:
        """Tell how many grow at the cost of a quota."""
        return len(self._spent.setdefault(quota.key, _Spent()).crowd.members)

    def hear(self, quota: Quota, elsewhere: int) -> None:
        """Note how many grow at its cost in other replicas."""
        self._spent.setdefault(quota.key, _Spent()).crowd.hear(elsewhere, self._clock())

    def give_back(self, limits: Sequence[Limit]) -> None:
        now = self._clock()
        for limit in limits:
            if isinstance(limit, Quota):
                self._spent.setdefault(limit.key, _Spent()).give_back()
            else:
                self._paced.setdefault(limit.key, _Paced()).give_back(limit, now)

    def answered(self, limits: Sequence[Limit]) -> None:
        now = self._clock()
        for limit in limits:
            if isinstance(limit, Quota):
                self._spent.setdefault(limit.key, _Spent()).answer(now)

    def hold(self, key: Hashable, seconds: float) -> None:
        self._paced.setdefault(key, _Paced()).hold(seconds, self._clock())

    def forget_idle(self) -> None:
        now = self._clock()
        self._paced = {key: it for key, it in self._paced.items() if not it.is_idle(now)}
        self._spent = {key: it for key, it in self._spent.items() if not it.is_idle(now)}

    def _wait(self, limit: Limit, who: Hashable, priority: Priority, now: float) -> float:
        if isinstance(limit, Pace):
            return self._paced.setdefault(limit.key, _Paced()).wait(limit, priority, now)
        return self._spent.setdefault(limit.key, _Spent()).wait(limit, who, priority, now)

    def _take(self, limit: Limit, who: Hashable, priority: Priority, now: float) -> None:
        if isinstance(limit, Quota):
            self._spent.setdefault(limit.key, _Spent()).take(who, priority, now)
        elif priority is not Priority.TYPING:
            self._paced.setdefault(limit.key, _Paced()).take(limit, now)


def _who(limits: Sequence[Limit]) -> Hashable:
    return limits[0].key if limits else None
