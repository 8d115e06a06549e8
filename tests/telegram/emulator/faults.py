"""What may go wrong on the way to the Bot API and back, on demand."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.telegram.emulator.errors import Refused, too_many


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
class Fault:
    """One thing that goes wrong.

    method, chat: which calls; None is any. Method names count in any case.
    times: how often; 0 is until it is removed. skip: how many calls go well before.
    code, description: the refusal, word for word; retry_after: a 429 with these seconds.
    html: a body that is no JSON, with the status `code` (a proxy's 502).
    delay: seconds before acting, whatever comes then. gate: where to stop before acting. A
        client that hangs up meanwhile does not undo the call.
    """

    method: str | None = None
    chat: int | None = None
    times: int = 1
    skip: int = 0
    code: int = 0
    description: str = ""
    retry_after: int | None = None
    html: str = ""
    drop: Drop | None = None
    delay: float = 0.0
    gate: Gate | None = None

    def fits(self, method: str, chat: int | None) -> bool:
        return (self.method is None or self.method.lower() == method.lower()) and (
            self.chat is None or self.chat == chat
        )

    @property
    def takes_time(self) -> bool:
        return self.delay > 0 or self.gate is not None

    @property
    def refusal(self) -> Refused | None:
        """What the Bot API answers; None where it does not refuse."""
        if self.retry_after is not None:
            return too_many(self.retry_after)
        return Refused(self.code, self.description) if self.code and not self.html else None


BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n"
NOTHING = Fault()


@dataclass(slots=True)
class _Planned:
    fault: Fault
    seen: int = 0

    @property
    def over(self) -> bool:
        return 0 < self.fault.times <= self.seen - self.fault.skip


class Faults:
    """The faults still to happen. The first that fits a call is taken."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, fault: Fault) -> None:
        self._planned.append(_Planned(fault))

    def clear(self) -> None:
        """Remove all; whoever stands at a gate goes on."""
        for planned in self._planned:
            if planned.fault.gate is not None:
                planned.fault.gate.open()
        self._planned.clear()

    @property
    def open(self) -> tuple[Fault, ...]:
        """Those that may still happen."""
        return tuple(planned.fault for planned in self._planned)

    def about(self, method: str, chat: int | None) -> Fault:
        """The fault of this call; `NOTHING` if all goes well."""
        for planned in self._planned:
            if not planned.fault.fits(method, chat):
                continue
            planned.seen += 1
            if planned.seen <= planned.fault.skip:
                continue
            if planned.over:
                self._planned.remove(planned)
            return planned.fault
        return NOTHING


def parse(told: Mapping[str, object]) -> Fault:
    """Read a fault from JSON. Raises `ValueError` naming what is wrong."""
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
    }
    for name, value in told.items():
        if name not in kinds:
            raise ValueError(f"a fault has no {name!r}; it has {', '.join(kinds)}")
        if isinstance(value, bool) or not isinstance(value, kinds[name]):
            raise ValueError(f"{name}: {value!r} is of the wrong type")
    known: dict[str, object] = dict(told)
    if "drop" in known:
        known["drop"] = Drop(str(known["drop"]))
    return Fault(**known)  # type: ignore[arg-type]  # every type was checked above
