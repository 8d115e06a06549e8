"""A process that is killed again and again while people talk."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from daemon_process import Daemon, eventually

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
    """Be the service manager, who starts again what ended; yields those that did."""
    ended: list[Daemon] = []

    async def look() -> None:
        while True:
            for daemon in daemons:
                if daemon.has_ended:
                    assert await daemon.exit_code() == 1
                    ended.append(daemon)
                    daemon.start()
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look())
    try:
        yield ended
    finally:
        looking.cancel()
