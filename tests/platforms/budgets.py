"""Two ways of counting calls, and a clock to count them by."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Clock:
    """Seconds since 1970, which pass only when told to."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds


class Bucket(Protocol):
    """Says how long to wait for the next call, and takes one."""

    def wait(self, now: float) -> float: ...
    def take(self, now: float) -> None: ...


class Steady:
    """One call per interval, and a few more after silence."""

    def __init__(self, interval: float, burst: int) -> None:
        self._interval = interval
        self._ahead = interval * (burst - 1)
        self._due = -math.inf

    def wait(self, now: float) -> float:
        return max(self._due - self._ahead - now, 0.0)

    def take(self, now: float) -> None:
        self._due = max(self._due, now) + self._interval


class Window:
    """At most so many calls in any stretch of so many seconds."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls = calls
        self._seconds = seconds
        self._taken: deque[float] = deque()

    def wait(self, now: float) -> float:
        while self._taken and self._taken[0] <= now - self._seconds:
            self._taken.popleft()
        if len(self._taken) < self._calls:
            return 0.0
        return self._taken[0] + self._seconds - now

    def take(self, now: float) -> None:
        self._taken.append(now)
