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
        task.add_done_callback(lambda ended: self._forget((name, key), ended))
        return task

    def running(self, name: str, key: Hashable) -> asyncio.Task[None] | None:
        """What is under way for this name and key."""
        task = self._tasks.get((name, key))
        return None if task is None or task.done() else task

    async def end(self, key: Hashable, grace: float) -> None:
        """Wait a little for what is under way for a key, whatever its name, then end it."""
        await _end({task for (_, its), task in self._tasks.items() if its == key}, grace)

    async def close(self, grace: float) -> None:
        """Wait a little for what is under way, then end it."""
        await _end(set(self._tasks.values()), grace)

    def _forget(self, place: tuple[str, Hashable], ended: asyncio.Task[None]) -> None:
        if self._tasks.get(place) is ended:  # and not the one that came after it
            del self._tasks[place]

    async def _run(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            async with self._slots:
                await work()
        except Exception as error:  # noqa: BLE001  nobody awaits it, so it is told here
            self._failed(name, error)


async def _end(tasks: set[asyncio.Task[None]], grace: float) -> None:
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
