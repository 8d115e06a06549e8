"""procrastinate as we use it: jobs that say "this lane has work", one at a time for each lane.

One job for each message, so that no wake-up can be lost; those that find nothing to do end at
once. Its seven sharp edges, each found by killing or pausing it, are in docs/operations.md.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any, LiteralString

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, JobDeferrer, Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker

from bridge.engine.cluster.faults import as_unreachable
from bridge.errors import Unreachable
from bridge.lanes import account_of
from bridge.logs import get
from bridge.store.migrate import ONE_AT_A_TIME
from bridge.store.postgres import ABANDONED, conninfo
from bridge.store.run import Transaction, await_in_job

log = get(__name__)

LONGEST_NAME = 40  # letters of a queue's, whose channel PostgreSQL would cut, or refuse
TASK = "drain"
POLL = 0.5  # seconds; nobody is told when a lane becomes free (procrastinate #213)
MOST_AT_ONCE = 4000  # lanes drained by one replica; most of them wait for something
PATIENCE = 4.0  # seconds for a connection, and for one that is lost to be there again
STRIKE = 3600.0  # seconds of silence until a replica's name is removed, which takes its jobs away
CUT = 0.1  # seconds for lanes at work when the worker fails, which had its reason

# It tells of every job, and of each again with its arguments: the names of lanes hold user ids.
logging.getLogger("procrastinate").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Beats:
    """How often a replica says that it lives, and when it counts as dead; seconds."""

    every: float = 2.0
    stall: float = 10.0


class OwnJobs(JobManager):
    """Ends a job only while it is this worker's.

    procrastinate ends it whoever runs it by now, and so frees a lane that is somebody else's.
    """

    def __init__(self, connector: BaseConnector, calm: Callable[[], Awaitable[None]]) -> None:
        super().__init__(connector)
        self._calm = calm

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take a job, if there is one, once nobody is kept waiting at the door by that.

        Two replicas may begin two jobs of one lane at the same moment; the index lets one of
        them. To the worker of the other that would be the end, and to all it has at work.
        """
        await self._calm()
        try:
            return await super().fetch_job(queues, worker_id)
        except UniqueViolation:
            return None

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Remove it once its lane is drained; however else it ended, let others go on.

        Where the database is away the job stays, and is found by `give_back` or `revive`.
        """
        query = _END if status is Status.SUCCEEDED else _GIVE_BACK
        try:
            with as_unreachable():
                await self.connector.execute_query_async(query, job=job.id, worker=job.worker_id)
        except Unreachable as error:
            log.warning("job.not_ended", job=job.id, error=str(error))


def queue_of(account: str) -> str:
    """Each account has a queue, for not every replica need have every account.

    So it is while a new configuration is rolled out.
    """
    name = f"lanes/{account}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"lanes/{blake2s(account.encode(), digest_size=16).hexdigest()}"


async def _at_once() -> None:
    """There is nobody to wait for."""


class LaneQueue:
    """Raises `Unreachable` where the database does not answer.

    accounts: whose lanes are worked on here, None for all.
    calm: waited for before each job is taken.
    """

    def __init__(
        self,
        url: str,
        work: Callable[[str], Awaitable[None]],
        beats: Beats,
        *,
        grace: float,
        accounts: Collection[str] | None = None,
        calm: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self._queues = None if accounts is None else sorted(map(queue_of, accounts))
        self._beats = beats
        self._grace = grace
        connector = PsycopgConnector(
            conninfo=url,
            min_size=1,
            max_size=8,
            timeout=PATIENCE,
            reconnect_timeout=PATIENCE,
            configure=_configure,
        )
        self._app = App(connector=connector)
        self._app.job_manager = OwnJobs(connector, calm)
        drain = self._of_lane(work)
        self._task = self._app.task(name=TASK, pass_context=True)(drain)
        self._worker: Worker | None = None
        self._jobs: dict[str, Job] = {}  # those at work, by their lanes
        self._former: list[int] = []  # our earlier names, under which nobody works any more
        self._idle: set[int] = set()  # ours, it was said, though nobody works on them

    async def open(self) -> None:
        """Connect."""
        with as_unreachable():
            await self._app.open_async()

    async def close(self) -> None:
        """Release every connection, whatever became of `open`; takes up to five seconds.

        Not to be left out: whoever of the pool is just connecting does not obey a cancellation.
        """
        await self._app.close_async()

    def defer(self, transaction: Transaction, lanes: Sequence[str]) -> None:
        """Add a job for each, with one statement, in the transaction of a job of the store."""
        raw = transaction.connection.driver_connection
        jobs = [self._job(lane).make_new_job(lane=lane) for lane in lanes]
        with as_unreachable():
            await_in_job(self._app.job_manager.batch_defer_jobs_async(jobs, connection=raw))

    async def put(self, lane: str) -> None:
        """Add a job by itself."""
        with as_unreachable():
            await self._job(lane).defer_async(lane=lane)

    def _job(self, lane: str) -> JobDeferrer:
        return self._task.configure(lock=lane, queue=queue_of(account_of(lane)))

    async def work(self) -> None:
        """Take jobs until cancelled; after `leave`, those at work have the grace they were given.

        Ends when the database goes away, with all that was at work; call it again.
        """
        self._worker = Worker(
            self._app,
            queues=self._queues,
            concurrency=MOST_AT_ONCE,
            fetch_job_polling_interval=POLL,
            shutdown_graceful_timeout=CUT,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=self._beats.every,
            stalled_worker_timeout=STRIKE,
        )
        worker = self._worker
        try:
            with as_unreachable():
                await worker.run()  # type: ignore[no-untyped-call]  # the library is typed almost whole
        finally:
            if worker.worker_id is not None:  # the database was not told that it is no more
                self._former.append(worker.worker_id)

    def name(self) -> int | None:
        """What the database knows us as; None while it does not."""
        return self._worker.worker_id if self._worker else None

    def leave(self) -> None:
        """Let those at work have their grace when `work` is cancelled."""
        if self._worker is not None:
            self._worker.shutdown_graceful_timeout = self._grace

    def _of_lane(self, work: Callable[[str], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def drain(context: JobContext, *, lane: str) -> None:
            self._jobs[lane] = context.job
            try:
                await work(lane)
            finally:
                if self._jobs.get(lane) is context.job:
                    del self._jobs[lane]

        return drain

    async def lost(self) -> list[str]:
        """Those lanes at work that are not ours any more."""
        jobs = dict(self._jobs)
        rows = await self._rows(
            _OURS,
            jobs=[job.id for job in jobs.values()],
            workers=[job.worker_id for job in jobs.values()],
        )
        ours = {row["id"] for row in rows}
        return [lane for lane, job in jobs.items() if job.id not in ours]

    async def age(self) -> float | None:
        """Seconds since the database last heard that we live; None if it does not know us.

        If another replica has struck us off its list, `work` ends, to begin under a new name.
        """
        worker = self._worker
        if worker is None or worker.worker_id is None:
            return None
        [row] = await self._rows(_AGE, worker_id=worker.worker_id)
        if row["age"] is None:
            worker.stop()  # type: ignore[no-untyped-call]  # as below
            return None
        return float(row["age"])

    async def revive(self, *, sure: Callable[[], bool] = lambda: True) -> int:
        """Give the jobs of dead replicas to whoever is free; returns how many there were.

        sure: whether silence means death, asked before the database is and when it has answered.
        """
        if not sure():
            return 0
        stall = self._beats.stall
        with as_unreachable():
            stalled = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stall)
        if not sure():  # the answer may have waited for as long as the others were silent
            return 0
        revived = 0
        for job in stalled:  # `retry_job` would take it from a replica that was quicker, at work
            revived += len(await self._rows(_REVIVE, job=job.id, worker=job.worker_id))
        return revived

    async def give_back(self) -> int:
        """Let others have those jobs that count as ours though we do not work on them.

        The answer that we had them, or the word that they ended, was lost with a connection. One
        that is just beginning or ending looks the same, so only what is seen twice counts. What
        we had under a name that the database's absence ended goes at once.
        """
        if former := list(self._former):
            await self._rows(_BEQUEATH, workers=former)
            self._former = self._former[len(former) :]
        worker = self._worker.worker_id if self._worker else None
        rows = await self._rows(_AT_WORK, worker=worker)
        idle = {row["id"] for row in rows} - {job.id for job in self._jobs.values()}
        again, self._idle = idle & self._idle, idle
        for job in again:
            await self._rows(_GIVE_BACK, job=job, worker=worker)
        return len(again)

    async def sweep(self, lanes: Collection[str]) -> int:
        """Add a job for each of these lanes that has none; returns how many there were."""
        rows = await self._rows(_LOCKS, task=TASK)
        missing = set(lanes) - {row["lock"] for row in rows}
        for lane in missing:
            await self.put(lane)
        return len(missing)

    async def _rows(self, query: LiteralString, **values: Any) -> list[dict[str, Any]]:
        with as_unreachable():
            return await self._app.connector.execute_query_all_async(query, **values)


async def _configure(connection: psycopg.AsyncConnection) -> None:
    await connection.execute(ABANDONED)
    await connection.commit()
    # Each question of procrastinate's is one statement: without a BEGIN and a COMMIT it is one
    # trip to the server, not three.
    await connection.set_autocommit(True)


_AGE = """
SELECT (SELECT extract(epoch FROM clock_timestamp() - last_heartbeat)
        FROM procrastinate_workers WHERE id = %(worker_id)s) AS age
"""
_OURS = """
SELECT id FROM procrastinate_jobs
WHERE id = ANY(%(jobs)s) AND worker_id = ANY(%(workers)s) AND status = 'doing'
"""
_AT_WORK = """
SELECT id FROM procrastinate_jobs WHERE worker_id = %(worker)s AND status = 'doing'
"""
_END = """
DELETE FROM procrastinate_jobs
WHERE id = %(job)s AND worker_id = %(worker)s AND status = 'doing'
"""
_GIVE_BACK = """
UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL
WHERE id = %(job)s AND worker_id = %(worker)s AND status = 'doing'
RETURNING id
"""
_BEQUEATH = """
UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL
WHERE worker_id = ANY(%(workers)s) AND status = 'doing'
RETURNING id
"""
_REVIVE = """
UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL
WHERE id = %(job)s AND worker_id IS NOT DISTINCT FROM %(worker)s AND status = 'doing'
RETURNING id
"""
_LOCKS = """
SELECT DISTINCT lock FROM procrastinate_jobs
WHERE task_name = %(task)s AND status IN ('todo', 'doing')
"""


async def schema_is_there(url: str) -> bool:
    """Tell whether `apply_schema` was called. Raises `Unreachable`."""
    with as_unreachable():
        async with await psycopg.AsyncConnection.connect(
            conninfo(url), autocommit=True
        ) as connection:
            return await _is_there(connection)


async def apply_schema(url: str) -> None:
    """Create procrastinate's tables, unless they are there. Raises `Unreachable`."""
    with as_unreachable():
        async with await psycopg.AsyncConnection.connect(conninfo(url)) as connection:
            await connection.execute(ONE_AT_A_TIME)
            if not await _is_there(connection):
                await connection.execute(SchemaManager.get_schema())


async def _is_there(connection: psycopg.AsyncConnection) -> bool:
    cursor = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
    row = await cursor.fetchone()
    return row is not None and row[0] is not None
