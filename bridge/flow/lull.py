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
    together: with which other answers it grows. longest: seconds that it lasts at most.
    """

    def __init__(
        self, interval: float, together: Together | None = None, longest: float = LONGEST
    ) -> None:
        self._interval = min(longest, interval)
        self._together = together or Together()
        self._part = self._together.part()
        self._longest = longest
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
        await self._together.give_way()

    async def __call__(self, end: Awaitable[object]) -> None:
        """Wait until the lull is over, or for `end`, which is the end of the answer."""
        now = asyncio.get_running_loop().time()
        if self._due > now:
            ended = await self._before(end, max(self._due, now + SHORTEST))
        else:
            with self._together.overdue() as share:
                wait = min(self._longest, max(share, self._interval * SOON, SHORTEST))
                ended = await self._before(end, now + wait)
        if ended:
            await self._part.take()

    async def _before(self, end: Awaitable[object], when: float) -> bool:
        """Tell whether the answer ended until then, or until it was due anew."""
        self._limit = asyncio.timeout_at(when)
        try:
            async with self._limit:
                await end
        except TimeoutError:
            return False
        finally:
            self._limit = None
        return True
