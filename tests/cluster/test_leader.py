"""Of several replicas one may receive, and there is always one that does."""

import asyncio

import psycopg
import pytest

from bridge.engine.cluster import leader
from bridge.engine.cluster.leader import leading

pytestmark = pytest.mark.postgres
PATIENCE = 10.0  # seconds


async def lead(url: str, what: str, elected: asyncio.Event, over: asyncio.Event) -> None:
    async with leading(url, what):
        elected.set()
        await over.wait()


async def test_one_leads_and_the_next_one_after_it(url: str) -> None:
    first, second, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(lead(url, "bot", first, over))
        await first.wait()
        group.create_task(lead(url, "bot", second, over))
        await asyncio.sleep(2 * leader.TRY_EVERY)
        assert not second.is_set()
        over.set()
        await second.wait()


async def test_each_account_has_a_leader_of_its_own(url: str) -> None:
    first, second, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(lead(url, "bot", first, over))
        group.create_task(lead(url, "other", second, over))
        await first.wait()
        await second.wait()
        over.set()


async def test_who_lost_the_connection_is_told(url: str) -> None:
    async with asyncio.timeout(PATIENCE), leading(url, "bot") as lost:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
        await lost.wait()
        async with leading(url, "bot") as again:
            assert not again.is_set()
