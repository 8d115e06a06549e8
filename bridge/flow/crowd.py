"""Many that want the same few calls take turns, instead of first come first served."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

LINGER = 5.0  # seconds somebody belongs to the crowd after they last had reason to ask
LOOK_EVERY = 1.0  # seconds between two looks for those who left


@dataclass(slots=True)
class _Member:
    """When they last made a call, and until when they belong to the crowd."""

    called: float = -math.inf
    until: float = -math.inf


@dataclass(slots=True)
class Crowd:
    """Everybody who shows something that grows, at the cost of one budget."""

    members: dict[Hashable, _Member] = field(default_factory=dict)
    looked: float = -math.inf
    elsewhere: int = 0  # how many there are in other replicas, as was heard last
    heard: float = -math.inf

    def wait(self, key: Hashable, each: float, now: float) -> float:
        """Seconds until it is the turn of `key`; whoever asks belongs to the crowd.

        each: seconds the budget needs for one call. One alone need not wait for anybody.
        """
        self._forget(now)
        member = self.members.setdefault(key, _Member())
        others = len(self.members) - 1 + self._elsewhere(now)
        turn = member.called + (others + 1) * each - now if others else 0.0
        member.until = now + max(turn, 0.0) + LINGER
        return turn

    def called(self, key: Hashable, now: float) -> None:
        """Note that `key` had its turn."""
        self.members[key] = _Member(called=now, until=now + LINGER)

    def leave(self, key: Hashable) -> None:
        """`key` has nothing more to show."""
        self.members.pop(key, None)

    def hear(self, elsewhere: int, now: float) -> None:
        """Note how many show something at the cost of the same budget in other replicas."""
        self.elsewhere, self.heard = elsewhere, now

    def _elsewhere(self, now: float) -> int:
        return self.elsewhere if now - self.heard < LINGER else 0

    def _forget(self, now: float) -> None:
        if now - self.looked >= LOOK_EVERY:
            self.looked = now
            self.members = {key: it for key, it in self.members.items() if it.until > now}
