"""Of several replicas one may receive, and there is always one that does."""

import asyncio

import psycopg
import pytest

from bridge.engine.cluster import leader
from bridge.engine.cluster.leader import leading
from bridge.errors import Unreachable

pytestmark = pytest.mark.postgres
PATIENCE = 30.0  # seconds


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


async def test_who_fails_to_become_the_one_leaves_no_connection(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        hides = "CREATE FUNCTION public.pg_try_advisory_lock(bigint) RETURNS bool LANGUAGE sql AS"
        await admin.execute(f"{hides} 'SELECT 1 / 0 > 0'")
        path = psycopg.sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog")
        await admin.execute(path.format(psycopg.sql.Identifier(admin.info.dbname)))
        with pytest.raises(Unreachable, match="division by zero"):
            async with leading(url, "bot"):
                pass
        others = "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        async with asyncio.timeout(PATIENCE):
            while (await admin.execute(others)).rowcount > 1:
                await asyncio.sleep(0.05)
