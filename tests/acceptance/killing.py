"""A process that is killed again and again while people talk."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from daemon_process import Daemon, eventually

SILENT = 20.0  # seconds without a sign of life
Talking = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


async def kill_at_random(
    daemon: Daemon, people: Iterable[Talking], *, kills: int, life: tuple[float, float], seed: int
) -> list[float]:
    """Start and kill a daemon, and start it once more; returns when it was killed.

    people: each talks until the event. life: least and most seconds from listening to a kill.
    """
    dice = random.Random(seed)
    enough = asyncio.Event()
    killed: list[float] = []
    async with asyncio.TaskGroup() as talking:
        for talk in people:
            talking.create_task(talk(enough))
        for _ in range(kills):
            daemon.start()
            await eventually(lambda: daemon.url)
            await asyncio.sleep(dice.uniform(*life))
            killed.append(time.monotonic())
            daemon.kill()
        enough.set()
    daemon.start()
    return killed


@asynccontextmanager
async def looked_after(daemons: list[Daemon]) -> AsyncIterator[list[Daemon]]:
    """Be the service manager, who starts again what ended; yields those that did.

    One that does not say that it lives is ended first, as the probe in `deploy/` does.
    """
    ended: list[Daemon] = []
    silent: dict[int, float] = {}  # since when, by their places in the list

    async def look() -> None:
        while True:
            for number, daemon in enumerate(daemons):
                if daemon.has_ended:
                    assert await daemon.exit_code() == 1
                    ended.append(daemon)
                    daemon.start()
                    silent.pop(number, None)
                elif not daemon.url or await _lives(daemon):
                    silent.pop(number, None)
                elif time.monotonic() - silent.setdefault(number, time.monotonic()) > SILENT:
                    daemon.kill()
                    daemon.start()
                    silent.pop(number)
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look())
    try:
        yield ended
    finally:
        looking.cancel()


async def _lives(daemon: Daemon) -> bool:
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(5):
            status, _ = await daemon.get("/healthz")
            return status == 200
    return False
