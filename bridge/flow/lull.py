"""The while in which an answer grows unread, because nothing more of it may be shown yet."""

import asyncio
import math
from collections.abc import Awaitable

from bridge.flow.together import Together

SOON = 0.25  # of the time between two times that it is shown, if it may be and is not
SHORTEST, LONGEST = 0.02, 1.5  # seconds


class Lull:
    """Ends when what has gathered may be shown, so that what is shown is never old.

    interval: seconds between two times that the answer may be shown; of any length.
    together: with which other answers it grows.
    """

    def __init__(self, interval: float, together: Together | None = None) -> None:
        self._interval = min(LONGEST, interval)
        self._part = (together or Together()).part()
        self._due = -math.inf
        self._limit: asyncio.Timeout | None = None  # of the lull that is

    def shown(self) -> None:
        """The answer is being shown as it is now: the lull lasts until it may be again."""
        self._due = asyncio.get_running_loop().time() + self._interval
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._due)

    def ended(self) -> None:
        """The end of the answer has been read and stored."""
        self._part.leave()

    async def give_way(self) -> None:
        """The answer stands: let those be shown that have ended and do not stand yet."""
        await self._part.give_way()

    async def __call__(self, end: Awaitable[object]) -> None:
        """Wait until the lull is over, or for `end`, which is the end of the answer."""
        now = asyncio.get_running_loop().time()
        with self._part.unread() as patience:
            self._limit = asyncio.timeout_at(max(self._until(now, patience), now + SHORTEST))
            try:
                async with self._limit:
                    await end
            except TimeoutError:
                return
            finally:
                self._limit = None
        await self._part.take()

    def _until(self, now: float, patience: float) -> float:
        """When it is over: later, if many wait for their turn to be shown."""
        if self._due > now:
            return self._due
        return now + min(LONGEST, max(patience, self._interval * SOON))
