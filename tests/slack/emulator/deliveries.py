"""What goes to the app, by socket or by HTTP, and again until it is acknowledged.

Events are repeated at once, after one minute and after five; commands and presses are not.
https://docs.slack.dev/apis/events-api/#retries
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from tests.slack.emulator.params import Json

PATIENCE = 3.0  # seconds to acknowledge in
PAUSES = (0.0, 60.0, 300.0)  # seconds before each repetition


@dataclass(slots=True, eq=False)
class Delivery:
    """One thing to tell. kind: as Socket Mode names it. Times are of `time.monotonic`.

    event_id: repeats with a replayed event. sent: when the newest attempt left. latency: of
    the attempt that was acknowledged. answer: what came back with the acknowledgement.
    """

    kind: str
    payload: Json
    at: float
    attempts: int = 0
    sent: float | None = None
    acked: float | None = None
    answer: object = None
    lost: bool = False
    reason: str = ""
    heard: Callable[["Delivery"], None] | None = None

    @property
    def event_id(self) -> str:
        return str(self.payload.get("event_id", ""))

    @property
    def event(self) -> Json:
        event = self.payload.get("event")
        return event if isinstance(event, dict) else {}

    @property
    def done(self) -> bool:
        return self.lost or self.acked is not None

    @property
    def latency(self) -> float | None:
        return None if self.acked is None or self.sent is None else self.acked - self.sent

    def ack(self, now: float, answer: object = None) -> None:
        if not self.done:
            self.acked, self.answer = now, answer
            if self.heard is not None:
                self.heard(self)


@dataclass(frozen=True, slots=True)
class Failed:
    """Why an attempt was not acknowledged. again: False if the app asked not to be told again.

    counts: False where the connection was lost, which is made good at once and without end.
    """

    reason: str
    again: bool = True
    counts: bool = True


class Carrier(Protocol):
    """A way to the app: acknowledges the delivery, or returns what went wrong."""

    async def carry(self, delivery: Delivery) -> Failed | None: ...


@dataclass(slots=True, eq=False)
class Deliveries:
    """Everything that was told. reach: sleeps until the emulator's clock shows so much."""

    carrier: Callable[[], Carrier]
    clock: Callable[[], float]
    now: Callable[[], float]
    reach: Callable[[float], Coroutine[None, None, None]]
    changed: Callable[[], None]
    patience: float = PATIENCE
    pauses: tuple[float, ...] = PAUSES
    all: list[Delivery] = field(default_factory=list)
    _waiting: list[Delivery] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def add(
        self, kind: str, payload: Json, heard: Callable[[Delivery], None] | None = None
    ) -> Delivery:
        """heard: called once it is acknowledged."""
        delivery = Delivery(kind, payload, self.now(), heard=heard)
        self.all.append(delivery)
        self._waiting.append(delivery)
        self._arrived.set()
        self.changed()
        return delivery

    @property
    def open(self) -> list[Delivery]:
        return [delivery for delivery in self.all if not delivery.done]

    @property
    def lost(self) -> list[Delivery]:
        return [delivery for delivery in self.all if delivery.lost]

    @property
    def latencies(self) -> list[float]:
        """Seconds each acknowledgement took."""
        return [delivery.latency for delivery in self.all if delivery.latency is not None]

    def of(self, kind: str) -> list[Delivery]:
        """Events of this type, or deliveries of this kind."""
        return [each for each in self.all if kind in (each.kind, each.event.get("type"))]

    def repeat(self, count: int = 1) -> None:
        """Tell the last `count` acknowledged events once more, as they were."""
        events = [each for each in self.all if each.kind == "events_api" and each.acked]
        for delivery in events[-count:]:
            self.add("events_api", delivery.payload)

    async def run(self) -> None:
        """Deliver for ever; what an outage interrupted begins again."""
        self._waiting = self.open
        async with asyncio.TaskGroup() as group:
            while True:
                fresh, self._waiting = self._waiting, []
                for delivery in fresh:
                    group.create_task(self._deliver(delivery))
                self._arrived.clear()
                if not self._waiting:
                    await self._arrived.wait()

    async def _deliver(self, delivery: Delivery) -> None:
        repetitions = iter(self.pauses)
        while not delivery.done:
            failed = await self.carrier().carry(delivery)
            if failed is None:
                break
            delivery.reason = failed.reason
            if delivery.kind != "events_api" or not failed.again:
                delivery.lost = True
            elif failed.counts:
                await self._pause(delivery, next(repetitions, None))
        self.changed()

    async def _pause(self, delivery: Delivery, seconds: float | None) -> None:
        """None: it was tried often enough."""
        if seconds is None:
            delivery.lost = not delivery.done
            return
        self.changed()
        await self.reach(self.clock() + seconds)

    def started(self, delivery: Delivery) -> int:
        """Note an attempt, and return how many were before it."""
        delivery.attempts += 1
        delivery.sent = self.now()
        return delivery.attempts - 1


async def reach(
    due: float, clock: Callable[[], float], change: Callable[[], Coroutine[None, None, None]]
) -> None:
    """Sleep until `clock` shows `due`, whether it moves by itself or is moved."""
    while (left := due - clock()) > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await change()
