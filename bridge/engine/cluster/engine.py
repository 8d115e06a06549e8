"""The engine of several replicas: whoever is free drains a lane; who dies is taken over."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, NoReturn

from bridge.engine.cluster.pulse import Pulse
from bridge.engine.cluster.queue import LaneQueue, schema_is_there
from bridge.engine.cluster.replicas import Replicas
from bridge.engine.drain import Drain
from bridge.errors import Permanent, Transient, Unreachable
from bridge.flow.asked import end_if_asked
from bridge.flow.retry import backoff
from bridge.logs import get
from bridge.pausing import LOOK_EVERY
from bridge.store.fence import Fenced
from bridge.store.ledger import Beginning, Ledger
from bridge.store.run import Transaction
from bridge.store.turns import Turn

log = get(__name__)

SWEEP_EVERY = 30.0  # seconds between two looks for turns that nobody was told about
LAST_WORDS = 5.0  # seconds for the queue to note that we leave


class ClusterEngine:
    """The same promises as `EmbeddedEngine`; more than one process may keep them.

    accounts: the configured ones, None for all.
    """

    def __init__(
        self,
        replicas: Replicas,
        ledger: Ledger,
        drain: Drain,
        *,
        accounts: Collection[str] | None = None,
        grace: float = 20.0,
    ) -> None:
        self._replicas = replicas
        self._ledger = ledger
        self._drain = drain
        self._accounts = accounts
        self._queue = LaneQueue(
            replicas.conninfo,
            self._work,
            replicas.beats,
            grace=grace,
            accounts=accounts,
            calm=drain.calm,
        )
        self._broken: asyncio.Future[NoReturn] | None = None
        self._closing = False

    # What the inbox asks for

    def defer(self, transaction: Transaction, lanes: Sequence[str]) -> None:
        """Messages are being accepted: their jobs belong to the same transaction."""
        self._queue.defer(transaction, lanes)

    async def beginning(self, lane: str) -> Beginning | None:
        """Nothing: which replica answers is for the queue to say."""
        return None

    def wake(self, lane: str, taken: Turn | None = None) -> None:
        """The queue has told somebody already."""

    # The life of the engine

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        """Work until `stop`. Raises what is a bug, or `Permanent`; then the process must end.

        Then no turn is begun, and those at work have `grace` seconds before they are cancelled;
        other replicas go on with the rest.
        """
        if not await schema_is_there(self._replicas.url):
            raise Permanent("the database lacks the queue's tables: run `coze-bridge migrate`")
        self._broken = asyncio.get_running_loop().create_future()
        beats = self._replicas.beats
        pulse = Pulse(self._replicas.conninfo, self._queue.name, 2 * beats.stall)
        try:
            await self._queue.open()
            with pulse.felt(beats.every):
                await self._run(stop, grace, pulse)
        finally:  # however it ends: what is left open here may keep the process from ending
            await self._queue.close()
            await self._replicas.calling.close()
        if self._broken.done():
            _tell(self._broken)

    async def _run(self, stop: asyncio.Event, grace: float, pulse: Pulse) -> None:
        assert self._broken is not None  # noqa: S101  `run` has made it
        async with asyncio.TaskGroup() as group:
            chores = [
                group.create_task(self._work_always(), name="lanes"),
                group.create_task(self._every(self._replicas.beats.every / 2, self._look_at_us)),
                group.create_task(self._every(self._replicas.beats.every / 2, self._revive)),
                group.create_task(self._every(SWEEP_EVERY, self._sweep)),
                group.create_task(self._every(LOOK_EVERY, self._drain.look)),
                group.create_task(self._replicas.calling.listen(), name="calling"),
                group.create_task(
                    self._every(self._replicas.beats.every, partial(self._feel, pulse))
                ),
            ]
            stopping = group.create_task(stop.wait())
            either: list[asyncio.Future[Any]] = [stopping, self._broken]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            self._closing = True
            if not self._broken.done():
                self._queue.leave()
            self._drain.close()
            for task in (stopping, *chores):
                task.cancel()
            patience = LAST_WORDS if self._broken.done() else grace + LAST_WORDS
            _, late = await asyncio.wait(chores, timeout=patience)
            if late and self._broken.done():
                log.critical("engine.hangs", error=str(self._broken.exception()))
                os._exit(1)  # nobody would wait for us; the ledger has everything

    async def _work_always(self) -> None:
        attempt = 0
        while True:
            began = time.monotonic()
            try:
                await self._queue.work()
            except Unreachable as error:
                log.warning("queue.lost", error=str(error))
            end_if_asked()  # it raises that instead, where the database is away
            attempt = 1 if time.monotonic() - began > self._replicas.beats.stall else attempt + 1
            await asyncio.sleep(backoff(attempt))

    async def _work(self, lane: str) -> None:
        """A job of the queue. Whatever happens, the lane is not left without one."""
        try:
            await self._drained(lane)
        except Exception as error:  # noqa: BLE001  ends the process, by way of `run`
            self._break(error)
            await asyncio.Event().wait()  # until it is cancelled: then others get the job

    async def _drained(self, lane: str) -> None:
        attempt = 0
        while True:
            try:
                self._replicas.lease.check()  # or we woke up with a job that others have by now
                if attempt and not await self._still_ours(lane):
                    return
                await self._drain(lane)
            except Transient as error:
                end_if_asked()  # the queue asks only once, and would wait for ever
                attempt += 1
                log.error("lane.delayed", lane=lane, error=str(error))
                await asyncio.sleep(backoff(attempt))
            else:
                break
        if self._closing:
            await self._pass_on(lane)

    async def _still_ours(self, lane: str) -> bool:
        """After an error: another replica may work on the lane by now, and must not be fenced."""
        return lane not in await self._queue.lost()

    async def _pass_on(self, lane: str) -> None:
        """We leave; who has less to do goes on."""
        try:
            await self._queue.put(lane)
        except Unreachable as error:
            log.warning("lane.not_passed_on", lane=lane, error=str(error))  # the sweeper will

    # Chores

    async def _look_at_us(self) -> None:
        """Renew our lease, unless it ran out and somebody has used that."""
        lease, asked_at = self._replicas.lease, time.monotonic()
        age = await self._queue.age()
        if lease.is_over and (lost := await self._queue.lost()):
            self._break(Fenced(f"this replica was away; others have taken over {len(lost)} lanes"))
        elif age is not None:
            lease.renew(asked_at - age)

    async def _feel(self, pulse: Pulse) -> None:
        if pulse.is_gone():
            self._break(Permanent("the connections of the queue hang: start this replica again"))

    async def _revive(self) -> None:
        if revived := await self._queue.revive(sure=self._knows_silence):
            log.warning("lanes.taken_over", jobs=revived)
        if idle := await self._queue.give_back():
            log.warning("lanes.given_back", jobs=idle)

    def _knows_silence(self) -> bool:
        """Whether those who are silent have had their chance to be heard, as we had ours.

        After the database was away some connect sooner than others: psycopg gives a connection
        that hangs up to ten seconds to end.
        """
        return self._replicas.lease.has_lasted(3 * self._replicas.beats.stall)

    async def _sweep(self) -> None:
        lanes = await self._ledger.open_lanes(self._accounts)
        if swept := await self._queue.sweep(lanes):
            log.warning("lanes.swept", lanes=swept)

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await chore()
            except Unreachable as error:
                log.warning("engine.no_database", error=str(error))
            end_if_asked()
            await asyncio.sleep(seconds)

    def _break(self, error: BaseException) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)


def _tell(broken: asyncio.Future[NoReturn]) -> NoReturn:
    try:
        broken.result()
    except Fenced as error:
        raise Permanent(f"{error}; start this one again") from error
