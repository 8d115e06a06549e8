"""Those who come in go before those who are at work already."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Rush:
    """A crowd at the door is let in before anything is begun that could wait.

    Platforms count the seconds until an event is acknowledged; whoever asks waits for seconds
    anyway. Without this a thousand events in one second are acknowledged as late as the work on
    them lets the door be heard.

    most: how many may be coming in at once and be no crowd.
    longest: seconds that work waits for a crowd; one without an end must not stop it. What was
        waited is had again by as much time without a crowd, so many crowds are no way round it.
    """

    def __init__(
        self,
        *,
        most: int = 8,
        longest: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._longest = longest
        self._monotonic = monotonic
        self._inside = 0
        self._calm = asyncio.Event()
        self._calm.set()
        self._patience = longest  # seconds that were left at `_changed`
        self._changed = monotonic()

    @contextmanager
    def entering(self) -> Iterator[None]:
        """Somebody comes in."""
        self._inside += 1
        if self._inside > self._most and self._calm.is_set():
            self._turn()
            self._calm.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if self._inside <= self._most and not self._calm.is_set():
                self._turn()
                self._calm.set()

    @property
    def is_on(self) -> bool:
        """Whether there is a crowd at the door."""
        return not self._calm.is_set()

    async def over(self) -> None:
        """Wait until there is no crowd, or for long enough."""
        if self._calm.is_set():
            return
        try:
            async with asyncio.timeout(self._left()):
                await self._calm.wait()
        except TimeoutError:
            return

    def _turn(self) -> None:
        self._patience, self._changed = self._left(), self._monotonic()

    def _left(self) -> float:
        """Seconds of patience, which a crowd uses up and its absence gives back."""
        passed = self._monotonic() - self._changed
        if self._calm.is_set():
            return min(self._patience + passed, self._longest)
        return max(self._patience - passed, 0.0)
