"""Those who come in go before those who are at work already."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Rush:
    """A crowd at the door is let in before anything is begun that could wait.

    Platforms count the seconds until an event is acknowledged; whoever asks waits for seconds
    anyway. Without this a thousand events in one second are acknowledged as late as the work on
    them lets the door be heard.

    most: how many may be coming in at once and be no crowd.
    longest: seconds that work waits for a crowd; one without an end must not stop it.
    """

    def __init__(self, *, most: int = 8, longest: float = 2.0) -> None:
        self._most = most
        self._longest = longest
        self._inside = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def entering(self) -> Iterator[None]:
        """Somebody comes in."""
        self._inside += 1
        if self._inside > self._most:
            self._calm.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if self._inside <= self._most:
                self._calm.set()

    async def over(self) -> None:
        """Wait until there is no crowd, or for long enough."""
        if self._calm.is_set():
            return
        try:
            async with asyncio.timeout(self._longest):
                await self._calm.wait()
        except TimeoutError:
            return
