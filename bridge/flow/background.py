"""Work that nobody waits for, each piece under a key: one of a kind at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeAlias

_Place: TypeAlias = tuple[str, Hashable]
_Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Background:
    """Owns the tasks; what they raise is told to `failed`, and to nobody else.

    most: tasks that work at the same time; the others wait their turn.
    """

    def __init__(self, failed: Callable[[str, Exception], None], *, most: int) -> None:
        self._failed = failed
        self._slots = asyncio.Semaphore(most)
        self._tasks: dict[_Place, asyncio.Task[None]] = {}
        self._next: dict[_Place, _Work] = {}

    def start(self, name: str, key: Hashable, work: _Work) -> asyncio.Task[None]:
        """Begin; where something is under way for this name and key, as soon as that has ended.

        Of what waits so, only the newest is done.
        """
        place = (name, key)
        if running := self.running(name, key):
            self._next[place] = work
            return running
        task = asyncio.create_task(self._run(place, work), name=name)
        self._tasks[place] = task
        task.add_done_callback(lambda ended: self._forget(place, ended))
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

    def _forget(self, place: _Place, ended: asyncio.Task[None]) -> None:
        if self._tasks.get(place) is ended:  # and not the one that came after it
            del self._tasks[place]
            self._next.pop(place, None)

    async def _run(self, place: _Place, work: _Work) -> None:
        following: _Work | None = work
        while following is not None:
            await self._attempt(place[0], following)
            following = self._next.pop(place, None)

    async def _attempt(self, name: str, work: _Work) -> None:
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
