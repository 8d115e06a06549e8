"""A fast stream and a slow screen: read everything, show only the newest.

The source is read at full speed in a task of its own, so a reader that waits 30 s for its next
edit never stalls the socket upstream. One slot is pacing and back-pressure at once: values that
nobody took are overwritten, and rendering costs one call per edit instead of one per token.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest value of a stream, taken when the reader is ready for it.

    Iterating yields the newest value not yet taken, and always the last one. It begins with the
    first for which `begins` holds: what comes before has nothing to show. Between values it
    asks `claim`: 0 means go, anything else the seconds to wait before asking again. A value for
    which `urgent` holds, and the end of the stream, wait for no claim but one being asked for.
    """

    def __init__(
        self,
        begins: Callable[[T], bool],
        claim: Callable[[], Awaitable[float]],
        urgent: Callable[[T], bool],
    ) -> None:
        self._begins = begins
        self._begun = False
        self._claim = claim
        self._urgent = urgent
        self._slot: list[T] = []  # at most one: an empty list tells "taken" from a None
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None

    def close(self) -> None:
        """End the iteration after the value in the slot, whatever the stream still says."""
        self._closed = True
        self._changed.set()
        self._hurry.set()

    def __aiter__(self) -> "Latest[T]":
        return self

    async def __anext__(self) -> T:
        await self._changed.wait()
        if self._slot:
            await self._pace()
            value = self._slot.pop()
            if not self._closed:
                self._changed.clear()
            return value
        if self._error:
            raise self._error
        raise StopAsyncIteration

    async def _pace(self) -> None:
        while not self._hurry.is_set() and (seconds := await self._claim()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), seconds)

    def _put(self, value: T) -> None:
        if self._closed:
            return
        self._slot[:] = [value]
        self._begun = self._begun or self._begins(value)
        if self._begun:
            self._changed.set()
        if self._urgent(value):
            self._hurry.set()
        else:
            self._hurry.clear()  # a step of the stream may have ended, and the next one begun

    async def _pump(self, source: AsyncGenerator[T, None], within: float | None) -> None:
        try:
            async with asyncio.timeout(within), aclosing(source):
                async for value in source:
                    self._put(value)
        except Exception as error:  # noqa: BLE001  raised again in the reader's own task
            self._error = error
        finally:
            self.close()


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


async def _now() -> float:
    return 0.0


@asynccontextmanager
async def latest(
    source: AsyncGenerator[T, None],
    *,
    begins: Callable[[T], bool] = _always,
    claim: Callable[[], Awaitable[float]] = _now,
    urgent: Callable[[T], bool] = _never,
    within: float | None = None,
) -> AsyncIterator[Latest[T]]:
    """Read `source` in the background for as long as the context is open.

    What the source raises is raised to the reader once it has taken the last value. Leaving
    the context ends the reading task and closes the source.

    within: seconds the whole stream may take; then `TimeoutError` is raised to the reader.
    """
    values = Latest(begins, claim, urgent)
    pump = asyncio.create_task(values._pump(source, within), name="latest")
    try:
        yield values
    finally:
        pump.cancel()
        await asyncio.wait([pump])
