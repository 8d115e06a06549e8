"""Work that nobody waits for, each piece under a key: one of a kind at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any


class Background:
    """Owns the tasks; what they raise is told to `failed`, and to nobody else.

    most: tasks that work at the same time; the others wait their turn.
    """

    def __init__(self, failed: Callable[[str, Exception], None], *, most: int) -> None:
        self._failed = failed
        self._slots = asyncio.Semaphore(most)
        self._tasks: dict[tuple[str, Hashable], asyncio.Task[None]] = {}

    def start(
        self, name: str, key: Hashable, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None]:
        """Begin, or return what is already under way for this name and key."""
        if running := self.running(name, key):
            return running
        task = asyncio.create_task(self._run(name, work), name=name)
        self._tasks[name, key] = task
        task.add_done_callback(lambda _: self._tasks.pop((name, key), None))
        return task

    def running(self, name: str, key: Hashable) -> asyncio.Task[None] | None:
        """What is under way for this name and key."""
        return self._tasks.get((name, key))

    async def end(self, key: Hashable) -> None:
        """End what is under way for a key, whatever its name."""
        tasks = [task for (_, its), task in self._tasks.items() if its == key]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, grace: float) -> None:
        """Wait a little for what is under way, then end it."""
        if tasks := set(self._tasks.values()):
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            async with self._slots:
                await work()
        except Exception as error:  # noqa: BLE001  nobody awaits it, so it is told here
            self._failed(name, error)
