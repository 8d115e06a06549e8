"""How long a replica may believe that its lanes are still its own."""

import time
from collections.abc import Callable

from bridge.store.turns import Fenced


class Lease:
    """Renewed by the database's word; past its end whoever asks must not go on.

    A process that was paused (a laptop's lid, a frozen container) wakes up in the middle of what
    it did, and others have taken that over. The fence keeps it from writing; this keeps it from
    speaking to people, which no database can prevent.

    lasts: seconds, half of the time after which others take over.
    """

    def __init__(self, lasts: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lasts = lasts
        self._monotonic = monotonic
        self._until = monotonic() + lasts

    def renew(self, asked_at: float) -> None:
        """The database saw us alive at `asked_at` (monotonic) or later."""
        self._until = max(self._until, asked_at + self._lasts)

    def check(self) -> None:
        """Raises `Fenced` if others may have taken over."""
        if self._monotonic() > self._until:
            raise Fenced("this replica was away for too long; others have taken over its work")
