"""What systemd is told of a service (Type=notify), without a library.

A datagram of `KEY=VALUE` lines to the socket that `$NOTIFY_SOCKET` names; see sd_notify(3). Where
nobody listens, all of it does nothing.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from bridge.logs import get, redact

log = get(__name__)

EVERY = 5.0  # seconds between two signs of life, where systemd does not want them sooner
ABSTRACT = "@"  # stands for the NUL that an abstract socket's name begins with
LONGEST = 200  # characters of a status


class Notifier:
    """address: of systemd's socket; empty if there is none.

    watchdog: seconds after which systemd ends a service of which it has heard nothing; None if
        it does not.
    """

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self.watchdog = watchdog
        self._address = f"\0{address[1:]}" if address.startswith(ABSTRACT) else address
        self._complained = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Notifier":
        """Read `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID`."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog = int(microseconds) / 1e6 if meant and microseconds.isdecimal() else 0.0
        return cls(environment.get("NOTIFY_SOCKET", ""), watchdog or None)

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._address)

    @property
    def every(self) -> float:
        """Seconds between two signs of life: three before systemd loses its patience."""
        return min(EVERY, self.watchdog / 3) if self.watchdog else EVERY

    def tell(self, **told: str | int) -> None:
        """Send keys and values; never waits, never raises."""
        if not self._address:
            return
        lines = "\n".join(f"{key}={value}" for key, value in told.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto(lines.encode(), self._address)
        except OSError as error:
            if not self._complained:
                log.warning("systemd.not_told", error=str(error))
            self._complained = True


class Worth(Protocol):
    """Whether a process is worth keeping; as text, one line on how it goes."""

    @property
    def are_good(self) -> bool:
        """Whether it gets anything done; while it does not, systemd hears nothing and ends it."""


class Pulse:
    """The signs of life of a process, for as long as it is worth keeping."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._vitals: Worth | None = None

    def watch(self, vitals: Worth) -> None:
        """From now on it depends on these; before, the loop need only turn."""
        self._vitals = vitals

    def ready(self) -> None:
        """The start is over."""
        self._notifier.tell(READY=1, STATUS=self._line())

    async def beat(self, stop: asyncio.Event, grace: float) -> None:
        """Give signs of life until cancelled. grace: seconds that the end may take after `stop`."""
        while not stop.is_set():
            self._live()
            await _until(stop, self._notifier.every)
        self._notifier.tell(STOPPING=1, STATUS="finishing what has begun")
        ends = asyncio.get_running_loop().time() + grace
        while asyncio.get_running_loop().time() < ends:
            self._live(EXTEND_TIMEOUT_USEC=int(3e6 * self._notifier.every))
            await asyncio.sleep(self._notifier.every)

    def _live(self, **more: int) -> None:
        watched = self._notifier.watchdog is not None
        if watched and self._vitals is not None and not self._vitals.are_good:
            log.critical("process.stuck", remedy="systemd starts it anew")
            return
        life = {"WATCHDOG": 1} if watched else {}
        self._notifier.tell(STATUS=self._line(), **life, **more)

    def _line(self) -> str:
        told = "starting" if self._vitals is None else str(self._vitals)
        return redact(" ".join(told.split()))[:LONGEST]


@asynccontextmanager
async def pulse(notifier: Notifier, stop: asyncio.Event, grace: float) -> AsyncIterator[Pulse]:
    """Give signs of life for as long as the context is open.

    stop: set when the process is asked to end. grace: seconds which that may take.
    """
    it = Pulse(notifier)
    if not notifier.is_heard:
        yield it
        return
    beating = asyncio.create_task(it.beat(stop, grace), name="systemd")
    try:
        yield it
    finally:
        beating.cancel()
        await asyncio.wait([beating])


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
