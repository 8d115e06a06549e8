"""Time for tests: moved by hand, or by an event loop that skips over every wait.

    clock = Clock()
    loop = ClockLoop(clock)     # asyncio.sleep(3600) on it takes no time at all

What is really waited for (threads, sockets) still is: the clock stands still meanwhile.
"""

import asyncio
import selectors
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, Unpack

from typing_extensions import Buffer

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_Address: TypeAlias = tuple[Any, ...] | str | Buffer

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
A_TURN = 1e-6  # seconds a turn of the loop takes: without it, waiting 1e-17 s would never end
A_MOMENT = 0.002  # real seconds in which the other end of a local socket will have answered


class Clock:
    """Shows the same time until somebody moves it. Seconds everywhere."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Move on. On a `ClockLoop`, whoever sleeps until then wakes."""
        if seconds < 0:
            raise ValueError("time does not go back; use `set_back` for a clock that does")
        self._passed += seconds

    def set_back(self, seconds: float) -> None:
        """Let `now` alone go back, as when somebody corrects the clock of a machine."""
        self._start -= timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock has moved so far. Needs a `ClockLoop`."""
        await asyncio.sleep(seconds)


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a `Clock`, which it moves whenever everybody waits."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._outside = 0
        super().__init__(_Skipping(self._skip, lambda: clock.advance(A_TURN)))

    def time(self) -> float:
        """The clock's, so every timer of asyncio goes by it."""
        return self.clock.monotonic()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Inside, something is waited for that needs real time: the clock stands still."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run `func` in a thread, for which the clock waits."""
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._came_back)
        return future

    async def sock_connect(self, sock: socket.socket, address: _Address) -> None:
        """Connect, for which the clock waits: a lost greeting is said again after a real second."""
        with self.outside():
            await super().sock_connect(sock, address)

    async def shutdown_default_executor(self, *_limit: float) -> None:
        """Wait for its threads. Since Python 3.12 there is a limit, over at once by this clock."""
        with self.outside():
            await super().shutdown_default_executor()

    def _came_back(self, _: object) -> None:
        self._outside -= 1

    def _skip(self, seconds: float) -> bool:
        if self._outside:
            return False
        self.clock.advance(seconds)
        return True


class _Skipping(selectors.DefaultSelector):
    """Waits only for what happens outside of the loop; other time is skipped."""

    def __init__(self, skip: Callable[[float], bool], tick: Callable[[], None]) -> None:
        super().__init__()
        self._skip = skip
        self._tick = tick

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, without waiting for timers."""
        self._tick()
        has_sockets = len(self.get_map()) > 1  # one is the loop's own, to be woken by
        ready = super().select(A_MOMENT if has_sockets and timeout else 0)
        if ready or timeout == 0:
            return ready
        if timeout is None or not self._skip(timeout):
            return super().select(None)
        return ready
