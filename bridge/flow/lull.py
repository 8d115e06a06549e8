"""The while in which an answer grows unread, because nothing more of it may be shown yet."""

import asyncio
import math
from collections.abc import Awaitable

LOOKS = 4  # at an answer, while it may be shown and is not, between two times that it is
SHORTEST, LONGEST = 0.02, 1.5  # seconds


class Lull:
    """Ends when what has gathered may be shown, so that what is shown is never old.

    interval: seconds between two times that the answer may be shown; of any length.
    """

    def __init__(self, interval: float) -> None:
        self._interval = min(LONGEST, interval)
        self._due = -math.inf
        self._limit: asyncio.Timeout | None = None  # of the lull that is

    def shown(self) -> None:
        """The answer is being shown as it is now: the lull lasts until it may be again."""
        self._due = asyncio.get_running_loop().time() + self._interval
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._due)

    async def __call__(self, end: Awaitable[object]) -> None:
        """Wait until the lull is over, or for `end`, which is the end of the answer."""
        now = asyncio.get_running_loop().time()
        until = self._due if self._due > now else now + self._interval / LOOKS
        self._limit = asyncio.timeout_at(max(until, now + SHORTEST))
        try:
            async with self._limit:
                await end
        except TimeoutError:
            pass
        finally:
            self._limit = None
