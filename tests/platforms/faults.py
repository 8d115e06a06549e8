"""What may go wrong on the way to a platform and back, on demand; and what every one has alike.

A platform's own `Fault` derives from `Trouble` and says what its refusal looks like.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from aiohttp import web

BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n"


class Drop(StrEnum):
    """The connection breaks: before anything happened, or when it had happened already."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class Gate:
    """Calls stop here until the test opens it; `reached` tells that one stands there."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def open(self) -> None:
        """Let everybody go on, and nobody stop any more."""
        self.opened.set()

    async def pass_through(self) -> None:
        self.waiting += 1
        self.reached.set()
        try:
            await self.opened.wait()
        finally:
            self.waiting -= 1


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong.

    method, chat: which calls; None is any. Method names count in any case.
    times: how often; 0 is until it is removed. skip: how many calls go well before.
    code, description: the status of the refusal, and its words.
    retry_after: a 429 with these seconds.
    html: a body that is no JSON, with the status `code` (a proxy's 502).
    delay: seconds before acting, whatever comes then. gate: where to stop before acting. A
        client that hangs up meanwhile does not undo the call.
    """

    method: str | None = None
    chat: int | str | None = None
    times: int = 1
    skip: int = 0
    code: int = 0
    description: str = ""
    retry_after: int | None = None
    html: str = ""
    drop: Drop | None = None
    delay: float = 0.0
    gate: Gate | None = None

    def fits(self, method: str, chat: int | str | None) -> bool:
        return (self.method is None or self.method.lower() == method.lower()) and (
            self.chat is None or self.chat == chat
        )

    @property
    def takes_time(self) -> bool:
        return self.delay > 0 or self.gate is not None

    @property
    def refusal(self) -> Exception | None:
        """What the platform answers; None where it does not refuse."""
        raise NotImplementedError


F = TypeVar("F", bound=Trouble)


@dataclass(slots=True)
class _Planned(Generic[F]):
    fault: F
    seen: int = 0

    @property
    def over(self) -> bool:
        return 0 < self.fault.times <= self.seen - self.fault.skip


class Faults(Generic[F]):
    """The faults still to happen. The first that fits a call is taken.

    nothing: the fault of a call where all goes well.
    """

    def __init__(self, nothing: F) -> None:
        self._nothing = nothing
        self._planned: list[_Planned[F]] = []

    def add(self, fault: F) -> None:
        self._planned.append(_Planned(fault))

    def clear(self) -> None:
        """Remove all; whoever stands at a gate goes on."""
        for planned in self._planned:
            if planned.fault.gate is not None:
                planned.fault.gate.open()
        self._planned.clear()

    @property
    def open(self) -> tuple[F, ...]:
        """Those that may still happen."""
        return tuple(planned.fault for planned in self._planned)

    def about(self, method: str, chat: int | str | None) -> F:
        """The fault of this call; `nothing` if all goes well."""
        for planned in self._planned:
            if not planned.fault.fits(method, chat):
                continue
            planned.seen += 1
            if planned.seen <= planned.fault.skip:
                continue
            if planned.over:
                self._planned.remove(planned)
            return planned.fault
        return self._nothing


async def before(request: web.Request, fault: Trouble) -> web.Response | None:
    """What a fault does before anything happens. Raises its refusal if it refuses."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.gate is not None:
        await fault.gate.pass_through()
    if fault.drop is Drop.BEFORE:
        return cut(request)
    if fault.refusal is not None:
        raise fault.refusal
    if fault.html:
        return web.Response(text=fault.html, status=fault.code or 502, content_type="text/html")
    return None


async def outlasting(
    deed: Coroutine[None, None, web.Response],
    fault: Trouble,
    underway: set[asyncio.Task[web.Response]],
) -> web.Response:
    """Do it to its end, whether or not the client still waits to hear of it.

    underway: where such deeds live. What takes no time needs no task of its own.
    """
    if not fault.takes_time:
        return await deed
    task = asyncio.create_task(deed, name="call")
    underway.add(task)
    task.add_done_callback(underway.discard)
    return await asyncio.shield(task)


def cut(request: web.Request) -> web.Response:
    """Break the connection; what is returned never leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def parse(kind: type[F], told: Mapping[str, object], **more: type) -> F:
    """Read a fault from JSON. Raises `ValueError` naming what is wrong.

    more: types of the fields this platform's faults have, or have otherwise.
    """
    kinds: dict[str, type | tuple[type, ...]] = {
        "method": str,
        "chat": int,
        "times": int,
        "skip": int,
        "code": int,
        "description": str,
        "retry_after": int,
        "html": str,
        "drop": str,
        "delay": (int, float),
        **more,
    }
    for name, value in told.items():
        if name not in kinds:
            raise ValueError(f"a fault has no {name!r}; it has {', '.join(kinds)}")
        if isinstance(value, bool) or not isinstance(value, kinds[name]):
            raise ValueError(f"{name}: {value!r} is of the wrong type")
    known: dict[str, object] = dict(told)
    if "drop" in known:
        known["drop"] = Drop(str(known["drop"]))
    return kind(**known)  # type: ignore[arg-type]  # every type was checked above
