"""How long a replica may believe that its lanes are still its own."""

import time
from collections.abc import Callable

from bridge.errors import Unreachable


class Lease:
    """Renewed by the database's word; past its end whoever asks must not go on.

    A process that was paused (a laptop's lid, a frozen container) wakes up in the middle of what
    it did, and others may have taken that over; one that cannot reach the database cannot know.
    The fence keeps both from writing; this keeps them from speaking to people, which no database
    can prevent.

    lasts: seconds, half of the time after which others take over.
    """

    def __init__(self, lasts: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lasts = lasts
        self._monotonic = monotonic
        self._until = monotonic() + lasts
        self._since = float("-inf")

    def renew(self, asked_at: float) -> None:
        """The database saw us alive at `asked_at` (monotonic) or later."""
        if asked_at > self._until:
            self._since = self._monotonic()
        self._until = max(self._until, asked_at + self._lasts)

    @property
    def is_over(self) -> bool:
        """Others may have taken over."""
        return self._monotonic() > self._until

    def check(self) -> None:
        """Raises `Unreachable` if it is over. That passes with a renewal."""
        if self.is_over:
            raise Unreachable("database: it has not heard of this replica for too long")

    def has_lasted(self, seconds: float) -> bool:
        """Tell whether it holds, and has held for so long without a gap.

        Who was cut off itself, or whose database was away, knows nothing of the silence of others.
        """
        return not self.is_over and self._monotonic() - self._since >= seconds
