"""The life of an emulator's server: up, down for an outage, up again, always on one port."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias, TypeVar

from aiohttp import web

Underway: TypeAlias = set[asyncio.Task[web.Response]]


class Served(Protocol):
    """What an emulator shows of being served."""

    url: str
    is_up: bool
    port: "Port | None"

    def changed(self) -> None: ...
    def application(self, underway: Underway) -> web.Application: ...
    def deliver(self) -> Coroutine[None, None, None]: ...


S = TypeVar("S", bound=Served)


@asynccontextmanager
async def serve(emulator: S, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[S]:
    """Serve until the context is left; whoever waits for something then is cut off.

    The state stays in `emulator`. Raises `OSError` if the port is taken.
    """
    server = Port(emulator, host, port)
    emulator.port = server
    await server.start()
    try:
        yield emulator
    finally:
        emulator.port = None
        await server.close()


class Port:
    """Starts and stops as often as outages need it."""

    def __init__(self, emulator: Served, host: str, port: int) -> None:
        self._emulator = emulator
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._deliveries: asyncio.Task[None] | None = None
        self._resting: asyncio.Task[None] | None = None
        self._underway: Underway = set()

    def rest(self, seconds: float) -> None:
        """Stop, and start again later."""
        if self._resting is None or self._resting.done():
            self._resting = asyncio.create_task(self._rest(seconds), name="outage")

    async def _rest(self, seconds: float) -> None:
        await self.stop()
        await asyncio.sleep(seconds)
        await self.start()

    async def close(self) -> None:
        """Stop for good."""
        if self._resting is not None:
            self._resting.cancel()
            await asyncio.wait([self._resting])
        await self.stop()

    async def start(self) -> None:
        """Raises `OSError` if the port is taken. Does nothing if it is started."""
        if self._runner is not None:
            return
        runner = web.AppRunner(
            self._emulator.application(self._underway),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.01,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._emulator.url = f"http://{self._host}:{self._port}"
        self._deliveries = asyncio.create_task(self._emulator.deliver(), name="deliveries")
        self._set_up(up=True)

    def _set_up(self, *, up: bool) -> None:
        self._emulator.is_up = up
        self._emulator.changed()

    async def stop(self) -> None:
        """Close the port and every connection. Raises what the deliveries ended with."""
        runner, self._runner = self._runner, None
        deliveries, self._deliveries = self._deliveries, None
        if runner is not None:
            await runner.cleanup()
        self._set_up(up=False)
        ending = [*self._underway, *([deliveries] if deliveries else [])]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        if deliveries is not None and not deliveries.cancelled():
            deliveries.result()
