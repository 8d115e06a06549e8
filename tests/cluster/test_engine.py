"""The engine of one replica: when it begins to drain a lane."""

import asyncio

import pytest
from sqlalchemy import text

from bridge.app import utcnow
from bridge.engine.cluster import Beats, ClusterEngine, Replicas
from bridge.engine.cluster.lease import Lease
from bridge.flow.interrupts import Interrupts
from bridge.store import Store
from bridge.store.ledger import Ledger

pytestmark = pytest.mark.postgres
PATIENCE = 10.0  # seconds
AT_WORK = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"


class Drained:
    """A `Drain` that notes what it was called for."""

    def __init__(self) -> None:
        self.lanes: asyncio.Queue[str] = asyncio.Queue()

    async def look(self) -> None:
        """Nothing is ever paused."""

    async def __call__(self, lane: str) -> None:
        self.lanes.put_nowait(lane)

    async def calm(self) -> None:
        """Nobody comes in."""

    def close(self) -> None:
        """There is nothing to end."""


async def test_whoever_was_away_begins_no_lane_that_others_may_have(url: str, store: Store) -> None:
    ledger, drain = Ledger(store, utcnow), Drained()
    replicas = Replicas(url, ledger, Interrupts(), beats=Beats(every=0.2, stall=1.0))
    replicas.lease = Lease(-60.0)  # it woke up with the queue's answer in its hands
    engine, stop = ClusterEngine(replicas, ledger, drain, grace=0.1), asyncio.Event()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(engine.run(stop, 0.1))
        await store.write(lambda connection: engine.defer(connection, ["telegram/bot/42/"]))
        while not await store.read(lambda it: it.execute(text(AT_WORK)).scalar_one()):
            await asyncio.sleep(0.05)
        assert drain.lanes.empty()
        replicas.lease = Lease(60.0)
        assert await drain.lanes.get() == "telegram/bot/42/"
        stop.set()
