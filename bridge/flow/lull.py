"""The while in which an answer grows unread, because nothing more of it may be shown yet."""

import asyncio
import math
from collections.abc import Awaitable

from bridge.flow.ends import Ends

SOON = 0.25  # of the time between two times that it is shown, if it may be and is not
SHORTEST, LONGEST = 0.02, 1.5  # seconds


class Lull:
    """Ends when what has gathered may be shown, so that what is shown is never old.

    interval: seconds between two times that the answer may be shown; of any length.
    ends: where it waits to be read to its end, if many others end with it.
    """

    def __init__(self, interval: float, ends: Ends | None = None) -> None:
        self._interval = min(LONGEST, interval)
        self._place = (ends or Ends()).place()
        self._due = -math.inf
        self._patience = self._interval * SOON
        self._limit: asyncio.Timeout | None = None  # of the lull that is

    def shown(self) -> None:
        """The answer is being shown as it is now: the lull lasts until it may be again."""
        self._due = asyncio.get_running_loop().time() + self._interval
        self._patience = self._interval * SOON
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._due)

    def ended(self) -> None:
        """The end of the answer has been read and stored."""
        self._place.leave()

    async def __call__(self, end: Awaitable[object]) -> None:
        """Wait until the lull is over, or for `end`, which is the end of the answer."""
        now = asyncio.get_running_loop().time()
        self._limit = asyncio.timeout_at(max(self._until(now), now + SHORTEST))
        try:
            async with self._limit:
                await end
        except TimeoutError:
            return
        finally:
            self._limit = None
        await self._place.take()

    def _until(self, now: float) -> float:
        """When it is over: later each time, if many wait for their turn to be shown."""
        if self._due > now:
            return self._due
        patience, self._patience = self._patience, min(LONGEST, 2 * self._patience)
        return now + patience
