"""Whether the janitor delays those who bring messages.

    python -m bench.retention [--old 200000] [--seconds 20] [--postgres]

A database full of old turns; messages come in at 50 a second, each committed before the next
counts as acknowledged. Measured in alternating seconds: with the janitor at rest, and with it in
the middle of a round. Exits 1 if a median is more than 1.5 times the other.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from sqlalchemy import Connection, func, insert, select

from bench.figures import distribution, percentile
from bridge import logs
from bridge.config import RetentionSettings
from bridge.events import ChatRef, Inbound, User
from bridge.store import Job, Store, migrate, open_store
from bridge.store.inbox import accept
from bridge.store.tables import inbox, outbox, turns
from bridge.testing import postgres
from bridge.tidying import Janitor

RATE = 50.0  # messages a second
SLICE = 1.0  # seconds of each kind in turn
PIECE = 5000  # rows made in one transaction
MOST = 1.5


def now() -> datetime:
    return datetime.now(UTC)


def old_turns(first: int, number: int, at: datetime) -> Job[None]:
    """Messages answered long ago, about 1 KB each."""

    def job(connection: Connection) -> None:
        ids = range(first, first + number)
        where = {"platform": "bench", "account": "bench", "received_at": at, "payload": "x" * 500}
        ended = {"kind": "message", "state": "delivered", "answer": "y" * 200, "attempts": 1}
        times = {"failures": 0, "retries": 0, "created_at": at, "ended_at": at}
        page = {"page": 0, "state": "settled", "content": "z" * 250, "message_id": "1"}
        lanes = {id_: f"bench/bench/{id_ % 1000}/" for id_ in ids}
        events = [{"id": i, "event_id": f"old{i}", "lane": lanes[i], **where} for i in ids]
        connection.execute(insert(inbox), events)
        connection.execute(
            insert(turns), [{"id": i, "lane": lanes[i], **ended, **times} for i in ids]
        )
        connection.execute(insert(outbox), [{"turn": i, **page} for i in ids])

    return job


@asynccontextmanager
async def database(old: int, *, is_postgres: bool) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        if is_postgres:
            url = stack.enter_context(postgres.database(postgres.server()))
        else:
            url = f"sqlite:///{Path(stack.enter_context(TemporaryDirectory())) / 'bench.db'}"
        await migrate(url)
        store = await open_store(url)
        stack.push_async_callback(store.close)
        long_ago = now() - timedelta(days=100)
        for first in range(1, old + 1, PIECE):
            await store.write(old_turns(first, min(PIECE, old + 1 - first), long_ago))
        if is_postgres:
            await store.write(_skip_to(old + 1))
        yield store


def _skip_to(first: int) -> Job[None]:
    sequence = func.pg_get_serial_sequence("inbox", "id")
    return lambda it: it.execute(select(func.setval(sequence, first))) and None


async def bring(store: Store, seconds: float, number: int) -> list[float]:
    """Bring messages for a while; returns seconds until each was committed."""
    took: list[float] = []

    async def one(number: int) -> None:
        chat = ChatRef("bench", "bench", f"room{number % 100}")
        event = Inbound(f"new{number}", chat, User("u"), "hello " * 20, now())
        began = time.perf_counter()
        await store.write(accept(event, f"bench/bench/room{number % 100}/", now()))
        took.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for each in range(int(seconds * RATE)):
            group.create_task(one(number + each))
            await asyncio.sleep(1 / RATE)
    return took


async def measure(store: Store, seconds: int) -> tuple[list[float], list[float], int]:
    """Alternate; returns both kinds of latencies, and how many rows went meanwhile."""
    at_rest: list[float] = []
    at_work: list[float] = []
    removed, number = 0, 0
    janitor = Janitor(store, RetentionSettings(), now=now)
    for _ in range(seconds // 2):
        at_rest += await bring(store, SLICE, number)
        number += int(RATE)
        before = await rows(store)
        working = asyncio.create_task(janitor.round())
        at_work += await bring(store, SLICE, number)
        number += int(RATE)
        if working.done():
            raise SystemExit("the janitor had nothing left to do: give it more with --old")
        working.cancel()
        await asyncio.wait([working])
        removed += before + int(RATE) - await rows(store)
    return at_rest, at_work, removed


async def rows(store: Store) -> int:
    counting = select(func.count()).select_from(inbox)
    return await store.read(lambda it: int(it.execute(counting).scalar_one()))


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old", type=int, default=200_000, help="turns to remove")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    logs.configure("warning", "console", sys.stderr)
    async with database(given.old, is_postgres=given.postgres) as store:
        at_rest, at_work, removed = await measure(store, given.seconds)
    print(f"at rest   {distribution(at_rest)}")
    print(f"at work   {distribution(at_work)}")
    ratio = percentile(at_work, 0.5) / percentile(at_rest, 0.5)
    print(
        f"median {ratio:.2f} times; {removed / (given.seconds // 2):.0f} messages removed a second"
    )
    return int(ratio > MOST)


if __name__ == "__main__":
    raise SystemExit(uvloop.run(main()))
