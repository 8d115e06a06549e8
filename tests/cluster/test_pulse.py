"""A queue that the database has not heard for long, while it hears us, hangs."""

import asyncio

import pytest
from sqlalchemy import text

from bridge.engine.cluster.pulse import Pulse
from bridge.store import Store

pytestmark = pytest.mark.postgres
PATIENCE = 30.0
OFTEN = 0.02  # seconds
LONGEST = 0.5  # seconds without a beat


async def worker(store: Store, heard: str) -> int:
    """A worker that was heard so long ago; returns its name."""
    made = text(
        "INSERT INTO procrastinate_workers (last_heartbeat)"
        f" VALUES (now() - interval '{heard}') RETURNING id"
    )
    return int(await store.write(lambda connection: connection.execute(made).scalar_one()))


async def becomes(pulse: Pulse, *, gone: bool) -> None:
    async with asyncio.timeout(PATIENCE):
        while pulse.is_gone() is not gone:
            await asyncio.sleep(OFTEN)


async def test_who_is_heard_no_more_is_gone_until_heard_again(url: str, store: Store) -> None:
    name = await worker(store, "1 hour")
    pulse = Pulse(url, lambda: name, LONGEST)
    with pulse.felt(OFTEN):
        await becomes(pulse, gone=True)
        beat = text("UPDATE procrastinate_workers SET last_heartbeat = now() + interval '1 hour'")
        await store.write(lambda connection: connection.execute(beat).close())
        await becomes(pulse, gone=False)


async def test_who_is_heard_or_has_no_name_is_not_gone(url: str, store: Store) -> None:
    heard = await worker(store, "-1 hour")
    for name in (heard, None):
        pulse = Pulse(url, lambda name=name: name, LONGEST)
        with pulse.felt(OFTEN):
            await asyncio.sleep(3 * LONGEST)  # in which it would have been found
            assert not pulse.is_gone()


async def test_a_database_that_is_away_says_nothing_of_the_queue() -> None:
    pulse = Pulse("postgresql:///nowhere?host=/nowhere", lambda: 1, LONGEST)
    with pulse.felt(OFTEN):
        await asyncio.sleep(3 * LONGEST)
        assert not pulse.is_gone()
