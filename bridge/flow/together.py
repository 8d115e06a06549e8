"""Answers that grow at the same time, and what each leaves to the others.

An event loop takes everybody one step and then everybody the next, so of fifty answers that end
together the first would stand when the last does. Here those who ended first are read, stored and
shown while the others are not read yet, and what is left to do for an answer that stands is done
once nobody waits (decision 15). It is a courtesy, on which nothing depends.
"""

import asyncio
from collections.abc import Callable, Iterator
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
        self._nobody_waits.set()
        self._overdue = 0

    def part(self) -> "Part":
        """For one answer."""
        return Part(self)

    @contextmanager
    def overdue(self) -> Iterator[float]:
        """While one may be shown and is not. Yields seconds: a look at it so often is its share."""
        self._overdue += 1
        try:
            yield self._overdue / LOOKS
        finally:
            self._overdue -= 1

    async def enter(self, leave: Callable[[], None]) -> asyncio.TimerHandle:
        """Wait for a place, first come first served. leave: called when its time is over."""
        self._queued += 1
        self._nobody_waits.clear()
        try:
            await self._free.acquire()
        finally:
            self._queued -= 1
            if not self._queued:
                self._nobody_waits.set()
        return asyncio.get_running_loop().call_later(self._longest, leave)

    def let_in(self) -> None:
        """A place is free."""
        self._free.release()

    async def give_way(self) -> None:
        """Wait until nobody waits for a place; not for long, for one comes after another."""
        if not self._nobody_waits.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._longest):
                    await self._nobody_waits.wait()


class Part:
    """One answer's. It takes a place when it ends, and leaves it when that is stored."""

    def __init__(self, together: Together) -> None:
        self._together = together
        self._until: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for a place, unless it has one."""
        if self._until is None:
            self._until = await self._together.enter(self.leave)

    def leave(self) -> None:
        """Let the next one in."""
        if self._until is not None:
            self._until.cancel()
            self._until = None
            self._together.let_in()
