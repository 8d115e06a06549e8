"""procrastinate as we use it: jobs that say "this lane has work", one at a time for each lane.

One job for each message, so that no wake-up can be lost; those that find nothing to do end at
once. Its seven sharp edges, each found by killing or pausing it, are in docs/operations.md.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException, ProcrastinateException
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker

from bridge.errors import Unreachable
from bridge.logs import get
from bridge.store.run import Transaction, await_in_job

log = get(__name__)

QUEUE = "lanes"
POLL = 0.5  # seconds; nobody is told when a lane becomes free (procrastinate #213)
MOST_AT_ONCE = 4000  # lanes drained by one replica; most of them wait for something

# It tells of every job, and of each again with its arguments: the names of lanes hold user ids.
logging.getLogger("procrastinate").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Beats:
    """How often a replica says that it lives, and when it counts as dead; seconds."""

    every: float = 2.0
    stall: float = 10.0


class LaneQueue:
    """Raises `Unreachable` where the database does not answer."""

    def __init__(
        self, url: str, work: Callable[[str], Awaitable[None]], beats: Beats, grace: float
    ) -> None:
        self._beats = beats
        self._grace = grace
        self._app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=8))
        self._task = self._app.task(name="drain", queue=QUEUE)(_of_lane(work))
        self._worker: Worker | None = None

    async def open(self) -> None:
        """Connect."""
        try:
            await self._app.open_async()
        except (ConnectorException, psycopg.Error) as error:
            raise Unreachable(f"database: {error}") from error

    async def close(self) -> None:
        """Release every connection."""
        await self._app.close_async()

    def defer(self, transaction: Transaction, lane: str) -> None:
        """Add a job in the transaction of a job of the store."""
        raw = transaction.connection.driver_connection
        await_in_job(self._task.configure(lock=lane, connection=raw).defer_async(lane=lane))

    async def put(self, lane: str) -> None:
        """Add a job by itself."""
        await self._task.configure(lock=lane).defer_async(lane=lane)

    async def work(self) -> None:
        """Take jobs until cancelled; then those at work have the grace they were given.

        Ends when the database goes away; call it again.
        """
        self._worker = Worker(
            self._app,
            queues=[QUEUE],
            concurrency=MOST_AT_ONCE,
            fetch_job_polling_interval=POLL,
            shutdown_graceful_timeout=self._grace,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=self._beats.every,
            stalled_worker_timeout=self._beats.stall,
        )
        try:
            await self._worker.run()  # type: ignore[no-untyped-call]  # the library is typed almost whole
        except (ConnectorException, psycopg.Error) as error:
            raise Unreachable(f"database: {error}") from error

    async def age(self) -> float | None:
        """Seconds since the database last heard that we live; None if it knows us no more."""
        worker = self._worker.worker_id if self._worker else None
        if worker is None:
            return None
        row = await self._app.connector.execute_query_one_async(_AGE, worker_id=worker)
        return None if row["age"] is None else float(row["age"])

    async def revive(self) -> int:
        """Give the jobs of dead replicas to whoever is free; returns how many there were."""
        stall = self._beats.stall
        stalled = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stall)
        revived = 0
        for job in stalled:
            try:
                await self._app.job_manager.retry_job(job)
                revived += 1
            except ProcrastinateException as error:  # another replica was quicker
                log.debug("job.not_revived", job=job.id, error=str(error))
        return revived

    async def sweep(self, lanes: Collection[str]) -> int:
        """Add a job for each of these lanes that has none; returns how many there were."""
        rows = await self._app.connector.execute_query_all_async(_LOCKS, queue=QUEUE)
        missing = set(lanes) - {row["lock"] for row in rows}
        for lane in missing:
            await self.put(lane)
        return len(missing)


_AGE = """
SELECT (SELECT extract(epoch FROM clock_timestamp() - last_heartbeat)
        FROM procrastinate_workers WHERE id = %(worker_id)s) AS age
"""
_LOCKS = """
SELECT DISTINCT lock FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND status IN ('todo', 'doing')
"""


def _of_lane(work: Callable[[str], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def drain(*, lane: str) -> None:
        await work(lane)

    return drain


async def schema_is_there(url: str) -> bool:
    """Tell whether `apply_schema` was called. Raises `Unreachable`."""
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            cursor = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
            row = await cursor.fetchone()
            return row is not None and row[0] is not None
    except psycopg.Error as error:
        raise Unreachable(f"database: {error}") from error


async def apply_schema(url: str) -> None:
    """Create procrastinate's tables, unless they are there. Raises `Unreachable`."""
    if await schema_is_there(url):
        return
    try:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute(SchemaManager.get_schema())
    except psycopg.Error as error:
        raise Unreachable(f"database: {error}") from error
