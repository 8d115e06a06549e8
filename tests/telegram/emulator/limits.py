"""Flood limits, as far as they are known.

Sends and edits share one budget per chat: about one a second in a private chat, twenty a
minute in a group, thirty a second for the whole bot (the Bot FAQ, and the server's author in
tdlib/td #2592 and #3034). Drafts have a budget of their own, whose size nobody published.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum

from tests.platforms.budgets import Bucket, Steady, Window


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls and seconds. hold: until the Retry-After it told is over, a chat stays refused."""

    private_interval: float = 1.0
    private_burst: int = 3
    group_calls: int = 20
    group_window: float = 60.0
    bot_calls: int = 30
    bot_window: float = 1.0
    draft_interval: float = 1.0
    draft_burst: int = 3
    hold: bool = True


class Kind(Enum):
    """Which budget a call is paid from."""

    PRIVATE = "private"
    GROUP = "group"
    DRAFT = "draft"


class Throttle:
    """Keeps the books. `limits=None` lets everything pass."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._buckets: dict[Hashable, Bucket] = {}
        self._held: dict[Hashable, float] = {}

    def set(self, limits: Limits | None) -> None:
        """Change the limits and forget what was used."""
        self.limits = limits
        self._buckets.clear()
        self._held.clear()

    def claim(self, chat: Hashable, kind: Kind) -> int:
        """Pay for a call and return 0, or return the seconds to retry after."""
        if self.limits is None:
            return 0
        now = self._clock()
        key = (chat, kind is Kind.DRAFT)
        own = self._bucket(key, kind, self.limits)
        if wait := max(own.wait(now), self._held.get(key, now) - now):
            return self._refuse(key, now, wait)
        everyone = self._everyone(self.limits)
        if kind is not Kind.DRAFT:
            if wait := everyone.wait(now):
                return math.ceil(wait)
            everyone.take(now)
        own.take(now)
        return 0

    def _refuse(self, key: Hashable, now: float, wait: float) -> int:
        seconds = math.ceil(wait)
        if self.limits is not None and self.limits.hold:
            self._held.setdefault(key, now)
            self._held[key] = max(self._held[key], now + seconds)
        return seconds

    def _everyone(self, limits: Limits) -> Bucket:
        if "bot" not in self._buckets:
            self._buckets["bot"] = Window(limits.bot_calls, limits.bot_window)
        return self._buckets["bot"]

    def _bucket(self, key: Hashable, kind: Kind, limits: Limits) -> Bucket:
        if key not in self._buckets:
            self._buckets[key] = _fresh(kind, limits)
        return self._buckets[key]


def _fresh(kind: Kind, limits: Limits) -> Bucket:
    if kind is Kind.GROUP:
        return Window(limits.group_calls, limits.group_window)
    if kind is Kind.DRAFT:
        return Steady(limits.draft_interval, limits.draft_burst)
    return Steady(limits.private_interval, limits.private_burst)
