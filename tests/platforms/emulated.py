"""What every emulator lets a test do: cause an outage, and wait for something to be true."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from tests.platforms.port import Port


class Emulated:
    """A platform that may be served. url: where, once it is."""

    def __init__(self) -> None:
        self.url = ""
        self.is_up = False
        self.port: Port | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Nobody answers on the port meanwhile. Raises `RuntimeError` if nobody serves."""
        port = self._served()
        await port.stop()
        try:
            yield
        finally:
            await port.start()

    def fail_for(self, seconds: float) -> None:
        """Begin an outage that ends by itself. Raises `RuntimeError` if nobody serves."""
        self._served().rest(seconds)

    def _served(self) -> Port:
        if self.port is None:
            raise RuntimeError("the emulator is not served")
        return self.port

    async def until(self, happened: Callable[[Self], object], *, within: float = 30.0) -> None:
        """Wait for something to be true; looks again after every call and change.

        Raises `TimeoutError` after `within` seconds.
        """
        async with asyncio.timeout(within):
            while not happened(self):
                await self.change()

    async def change(self) -> None:
        """Wait until anything changed."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    def changed(self) -> None:
        """Wake everybody who waits in `until`."""
        for change in self._waiting:
            if not change.done():
                change.set_result(None)
