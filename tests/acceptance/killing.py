"""A process that is killed again and again while people talk."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterable
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
