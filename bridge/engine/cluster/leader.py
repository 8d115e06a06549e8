"""What only one replica may do, such as polling Telegram: whoever holds a lock in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg

from bridge.engine.cluster.faults import as_unreachable
from bridge.flow.retry import backoff
from bridge.logs import get
from bridge.store.postgres import ABANDONED
from bridge.store.run import one_line

log = get(__name__)

TRY_EVERY = 1.0  # seconds between two attempts to become the one
LOOK_EVERY = 2.0  # seconds between two looks at whether we still are
PATIENCE = 4.0  # seconds for the database's answer to that

# A killed process is noticed at once. Of one that was stopped, or that the network cuts off, the
# server would keep the session, and with it the lock, for hours; so it ends one that does not look.
# Before PostgreSQL 14 there is no such setting, and `ABANDONED` must do.
SILENT = """
SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'idle_session_timeout'
"""


@asynccontextmanager
async def leading(url: str, what: str) -> AsyncIterator[asyncio.Event]:
    """Wait until we are the one; yields what is set when we are it no more.

    A session's advisory lock, so a connection pooler that shares sessions must not be between.
    url: as `conninfo` gives it.
    """
    connection = await _elected(url, what)
    lost = asyncio.Event()
    watch = asyncio.create_task(_watch(connection, lost), name=f"leader of {what}")
    log.info("leader.elected", of=what)
    try:
        yield lost
    finally:
        watch.cancel()
        await asyncio.wait([watch])
        with suppress(psycopg.Error):
            await connection.close()


async def _elected(url: str, what: str) -> psycopg.AsyncConnection:
    attempt = 0
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        except psycopg.Error as error:
            attempt += 1
            log.warning("leader.no_database", of=what, error=one_line(error))
            await asyncio.sleep(backoff(attempt))
            continue
        attempt, elected = 0, False
        try:
            await _prepare(connection)
            elected = await _locked(connection, what)
        finally:  # not left open, whatever happens: unseen, it might have the lock
            if not elected:
                await connection.close()
        if elected:
            return connection
        await asyncio.sleep(TRY_EVERY)


async def _prepare(connection: psycopg.AsyncConnection) -> None:
    with as_unreachable():
        await connection.execute(ABANDONED)
        await connection.execute(SILENT)


async def _locked(connection: psycopg.AsyncConnection, what: str) -> bool:
    """Try until somebody else's connection, and with it their lock, may be gone."""
    with as_unreachable():
        cursor = await connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"coze-bridge/{what}",)
        )
        row = await cursor.fetchone()
    return bool(row and row[0])


async def _watch(connection: psycopg.AsyncConnection, lost: asyncio.Event) -> None:
    """A lock ends with its connection, whichever side ends that."""
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            async with asyncio.timeout(PATIENCE):
                await connection.execute("SELECT 1")
    except (psycopg.Error, TimeoutError) as error:
        log.warning("leader.lost", error=one_line(error) or "no answer")
    finally:
        lost.set()  # whatever it was: who does not look must not believe
