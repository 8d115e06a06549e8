"""The engine of one replica: when it begins to drain a lane."""

import asyncio

import pytest
from sqlalchemy import text

from bridge.app import utcnow
from bridge.engine.cluster import Beats, ClusterEngine, Replicas
from bridge.engine.cluster.lease import Lease
from bridge.errors import Permanent
from bridge.flow.interrupts import Interrupts
from bridge.store import Store
from bridge.store.fence import Fenced
from bridge.store.ledger import Ledger

pytestmark = pytest.mark.postgres
PATIENCE = 30.0  # seconds
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


class Fails(Drained):
    """One that finds its lane with somebody else."""

    async def __call__(self, lane: str) -> None:
        raise Fenced(lane)


async def test_whoever_fails_leaves_nothing_at_work(url: str, store: Store) -> None:
    """Those who connect for the queue's pool obey no cancellation: the process would not end."""
    ledger, before = Ledger(store, utcnow), asyncio.all_tasks()
    replicas = Replicas(url, ledger, Interrupts(), beats=Beats(every=0.2, stall=1.0))
    engine = ClusterEngine(replicas, ledger, Fails(), grace=0.1)
    await store.write(lambda connection: engine.defer(connection, ["telegram/bot/42/"]))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Permanent, match="start this one again"):
            await engine.run(asyncio.Event(), 0.1)
    assert asyncio.all_tasks() == before


async def test_whoever_is_cancelled_while_it_connects_leaves_nothing_at_work(
    url: str, store: Store
) -> None:
    ledger, before = Ledger(store, utcnow), asyncio.all_tasks()
    replicas = Replicas(url, ledger, Interrupts())
    engine = ClusterEngine(replicas, ledger, Drained(), grace=0.1)
    running = asyncio.create_task(engine.run(asyncio.Event(), 0.1))
    while not any("worker" in task.get_name() for task in asyncio.all_tasks()):
        await asyncio.sleep(0)
    running.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert asyncio.all_tasks() == before
