"""Answers that grow at the same time, and what each leaves to the others.

An event loop takes everybody one step and then everybody the next, so of fifty answers that end
together the first would stand when the last does. Here those who ended first are read, stored and
shown while the others are not read yet, and what is left to do for an answer that stands is done
once nobody waits (decision 15). It is a courtesy, on which nothing depends.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MOST = 6  # enough that a commit is shared, few enough that the first need not wait for it
LONGEST = 0.05  # seconds that anybody keeps a place, or waits for others to have one
LOOKS = 200  # a second, at all answers that may be shown and are not: a hundredth of a core


class Together:
    """Places for answers that are being ended: `most` at a time, each for `longest` seconds."""

    def __init__(self, most: int = MOST, longest: float = LONGEST) -> None:
        self._free = asyncio.Semaphore(most)
        self._longest = longest
        self._queued = 0  # who wait for a place
        self._nobody_waits = asyncio.Event()
        self._unread = 0

    def part(self) -> "Part":
        """For one answer."""
        return Part(self)

    async def _enter(self) -> None:
        self._queued += 1
        self._nobody_waits.clear()
        try:
            await self._free.acquire()
        finally:
            self._queued -= 1
            if not self._queued:
                self._nobody_waits.set()


class Part:
    """One answer's. It takes a place when it ends, and leaves it when that is stored."""

    def __init__(self, together: Together) -> None:
        self._together = together
        self._until: asyncio.TimerHandle | None = None

    @contextmanager
    def unread(self) -> Iterator[float]:
        """While it grows unread. Yields seconds: looked at so often, none takes too much time."""
        self._together._unread += 1
        try:
            yield self._together._unread / LOOKS
        finally:
            self._together._unread -= 1

    async def take(self) -> None:
        """Wait for a place, first come first served."""
        if self._until is None:
            await self._together._enter()
            loop = asyncio.get_running_loop()
            self._until = loop.call_later(self._together._longest, self.leave)

    def leave(self) -> None:
        """Let the next one in."""
        if self._until is not None:
            self._until.cancel()
            self._until = None
            self._together._free.release()

    async def give_way(self) -> None:
        """Wait until nobody waits for a place; not for long, for one comes after another."""
        if self._together._queued:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._together._longest):
                    await self._together._nobody_waits.wait()
