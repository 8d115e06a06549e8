"""Where chats are played: the owner of their tasks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.emulator.performance import Performance


class Stage:
    """Plays every chat to its end, whether anybody listens or not.

    Leaving `open` interrupts them; the next `open` plays them on, as a server would that was
    only out of reach.
    """

    def __init__(self) -> None:
        self._unfinished: dict[str, Performance] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Own the tasks. Raises whatever a performance raised that should not have."""
        for performance in self._unfinished.values():
            self._play_on(performance)
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            results = await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
        bugs = [result for result in results if isinstance(result, Exception)]
        if bugs:
            raise ExceptionGroup("performances that broke", bugs)

    def start(self, performance: Performance) -> None:
        """Begin to play a chat."""
        performance.begin()
        self._unfinished[performance.chat.id] = performance
        self._play_on(performance)

    def cancel(self, chat_id: str) -> None:
        """Mark a chat as cancelled, if it still plays."""
        if chat_id in self._unfinished:
            self._unfinished[chat_id].cancel()

    def _play_on(self, performance: Performance) -> None:
        task = asyncio.create_task(self._play(performance), name=f"chat {performance.chat.id}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # One that broke stays, so that `open` tells.
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    async def _play(self, performance: Performance) -> None:
        try:
            await performance.play()
        except Exception:
            performance.tape.end()  # or its reader would wait for ever
            raise
        if self._unfinished.get(performance.chat.id) is performance:
            del self._unfinished[performance.chat.id]
