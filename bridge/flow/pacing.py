"""How often one place may be written to, as arithmetic on a clock.

Each key (an account, a chat) has a bucket of the generic cell rate algorithm: one number, the
theoretical arrival time of the next call. Priorities differ in how far they may run ahead of
it: an intermediate edit must find the bucket idle, while a final one may use the call that was
kept in reserve. So an answer's end never waits behind its own animation.
"""

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Who goes first. The value is how many calls it may run ahead of the steady pace."""

    TYPING = -1  # only where a whole interval was left unused
    EDIT = 0
    FIRST = 1
    FINAL = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """One pace to keep: `interval` seconds between two calls under `key`; 0 is no limit."""

    key: Hashable
    interval: float


@dataclass(slots=True)
class _Bucket:
    due: float = -math.inf  # when the steady pace allows the next call
    held_until: float = -math.inf  # nobody may call before: the far side said so

    def wait(self, now: float, ahead: float) -> float:
        # A hold is the far side's word, so no priority runs ahead of it.
        return max(self.due - ahead, self.held_until) - now


class Pacer:
    """Steady paces for any number of keys; `forget_idle` frees those that went quiet.

    clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[Hashable, _Bucket] = {}

    def claim(self, limits: Sequence[Limit], priority: Priority) -> float:
        """Take the right to one call under every limit and return 0, or the seconds to wait.

        A refused claim takes nothing from any of them.
        """
        now = self._clock()
        buckets = [(self._buckets.setdefault(x.key, _Bucket()), x.interval) for x in limits]
        wait = max(bucket.wait(now, interval * priority) for bucket, interval in buckets)
        if wait > 0:
            return wait
        for bucket, interval in buckets:
            bucket.due = max(bucket.due, now) + interval
        return 0.0

    def hold(self, key: Hashable, seconds: float) -> None:
        """Let nobody call for so many seconds: a Retry-After, for this key only."""
        bucket = self._buckets.setdefault(key, _Bucket())
        bucket.held_until = max(bucket.held_until, self._clock() + seconds)

    def forget_idle(self) -> None:
        """Drop the buckets that would allow a call at once, as new ones do."""
        now = self._clock()
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if max(bucket.due, bucket.held_until) > now
        }
