"""How often one place may be written to, as arithmetic on a clock.

Each key (an account, a chat) has a bucket of the generic cell rate algorithm: one number, the
theoretical arrival time of the next call. Priorities differ in how far they may run ahead of
it: an intermediate edit must find the bucket idle, while a final one may use the call that was
kept in reserve. So an answer's end never waits behind its own animation.
"""

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Who goes first. The value is how many calls it may run ahead of the steady pace."""

    TYPING = -1  # only where a whole interval was left unused
    EDIT = 0
    FIRST = 1
    FINAL = 2


@dataclass(slots=True)
class _Bucket:
    due: float = -math.inf  # when the steady pace allows the next call
    held_until: float = -math.inf  # nobody may call before: the far side said so


class Pacer:
    """Steady paces for any number of keys; idle ones cost nothing after `forget_idle`.

    clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[Hashable, _Bucket] = {}

    def claim(self, key: Hashable, interval: float, priority: Priority) -> float:
        """Take the right to one call now and return 0, or return the seconds to wait.

        interval: seconds between two calls at the steady pace; 0 is no limit at all.
        """
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket())
        # A hold is the far side's word, so no priority runs ahead of it.
        wait = max(bucket.due - interval * priority, bucket.held_until) - now
        if wait > 0:
            return wait
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
