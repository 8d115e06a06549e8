"""The ends of answers that come in one instant, a few at a time.

An event loop takes everybody one step and then everybody the next, so of fifty answers that end
together the first would stand when the last does. Here those who ended first are read, stored and
shown while the others are not read yet (decision 15). It is a courtesy, on which nothing depends.
"""

import asyncio

MOST = 6  # enough that a commit is shared, few enough that the first need not wait for it
LONGEST = 0.05  # seconds that anybody keeps a place; a database or a tool may take its time


class Ends:
    """Places for answers that are being ended: `most` at a time, each for `longest` seconds."""

    def __init__(self, most: int = MOST, longest: float = LONGEST) -> None:
        self._free = asyncio.Semaphore(most)
        self._longest = longest

    def place(self) -> "Place":
        """For one answer."""
        return Place(self._free, self._longest)


class Place:
    """The place of one answer, which it takes when it ends and leaves when that is stored."""

    def __init__(self, free: asyncio.Semaphore, longest: float) -> None:
        self._free = free
        self._longest = longest
        self._until: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for a place, first come first served."""
        if self._until is None:
            await self._free.acquire()
            loop = asyncio.get_running_loop()
            self._until = loop.call_later(self._longest, self.leave)

    def leave(self) -> None:
        """Let the next one in."""
        if self._until is not None:
            self._until.cancel()
            self._until = None
            self._free.release()
