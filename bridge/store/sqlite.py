"""SQLite: one writer thread with group commit, a few query-only readers.

The writer takes whatever queued while its last commit ran (no timer), runs it in one
transaction and commits once, so a burst of 50 costs one fsync. More than one writing connection
makes SQLite slower, and a deferred BEGIN that reads before it writes fails at once with
SQLITE_BUSY_SNAPSHOT: hence one writer and BEGIN IMMEDIATE. `synchronous=FULL`, because NORMAL
may forget commits at a power failure, after they were acknowledged to a platform.
"""

import asyncio
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from bridge.errors import Unreachable
from bridge.store.lock import FileLock
from bridge.store.run import Job, as_bridge_errors, run_all

T = TypeVar("T")

READERS = 4
BATCH = 500  # jobs in one transaction; more would only delay the first
BUSY_TIMEOUT = 5.0  # seconds to wait for another program's lock (a backup, an operator)


class _Request(Generic[T]):
    """A job and where its result is awaited."""

    def __init__(self, job: Job[T]) -> None:
        self.job = job
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """In the loop's thread. Whoever stopped waiting finds the row committed all the same."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # None is a T then


class _Kept:
    """An engine whose connections are not given back to it after each transaction.

    To take one from its pool and to give it back costs as much as two statements. One that had an
    error is not kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[Connection] = []  # what a list does with its end is atomic

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._engine.dispose()


class SqliteStore:
    """A database file that belongs to this process for as long as the store is open."""

    def __init__(self, url: str, lock: FileLock) -> None:
        self._lock = lock
        self._writer = _Kept(sqlite_engine(url, query_only=False, size=1))
        self._reader = _Kept(sqlite_engine(url, query_only=True, size=READERS))
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._requests: queue.SimpleQueue[_Request[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._closed = False
        self._thread.start()

    async def read(self, job: Job[T]) -> T:
        self._require_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, job)

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        self._require_open()  # and one writer keeps any order there is
        request = _Request(job)
        self._requests.put(request)
        return await request.future

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._requests.put(None)
        await asyncio.to_thread(self._thread.join)
        self._readers.shutdown()
        self._writer.close()
        self._reader.close()
        self._lock.release()

    def _require_open(self) -> None:
        if self._closed:
            raise Unreachable("database: closed")

    def _read(self, job: Job[T]) -> T:
        with as_bridge_errors(), self._reader.begin() as connection:
            return job(connection)

    def _write_all(self) -> None:
        while (first := self._requests.get()) is not None:
            batch, last = self._gather(first)
            self._commit(batch)
            _hand_back(batch)
            if last:
                return

    def _gather(self, first: _Request[Any]) -> tuple[list[_Request[Any]], bool]:
        batch = [first]
        while len(batch) < BATCH:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                break
            if request is None:
                return batch, True
            batch.append(request)
        return batch, False

    def _commit(self, batch: Sequence[_Request[Any]]) -> None:
        at_work = False  # else it is the transaction itself that failed, so each would alone
        try:
            with as_bridge_errors(), self._writer.begin() as connection:
                at_work = True
                results = run_all(connection, [request.job for request in batch])
                at_work = False
        except Exception as error:  # noqa: BLE001  handed to whoever awaits the job
            if not at_work or len(batch) == 1:
                _fail(batch, error)
                return
            # One bad row rolled all back: find it by giving each its own transaction.
            for request in batch:
                self._commit([request])
            return
        for request, result in zip(batch, results, strict=True):
            request.result = result


def _fail(batch: Sequence[_Request[Any]], error: Exception) -> None:
    for request in batch:
        request.error = error


def _hand_back(batch: Sequence[_Request[Any]]) -> None:
    """Resolve a batch with one wake-up of each loop, and only after its commit."""
    for loop in {request.loop for request in batch}:
        mine = [request for request in batch if request.loop is loop]
        try:
            loop.call_soon_threadsafe(_resolve_all, mine)
        except RuntimeError:
            continue  # the loop is closed: nobody waits any more, and the rows are committed


def _resolve_all(requests: Sequence[_Request[Any]]) -> None:
    for request in requests:
        request.resolve()


def sqlite_engine(url: str, *, query_only: bool, size: int) -> Engine:
    """An engine whose connections have our pragmas and whose transactions are IMMEDIATE."""
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,  # messages and keys have no place in an error's text, nor in a log
        connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # pysqlite must not begin transactions of its own
        for pragma in _pragmas(query_only=query_only):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if query_only else "BEGIN IMMEDIATE")

    return engine


def _pragmas(*, query_only: bool) -> list[str]:
    pragmas = ["foreign_keys=ON"]
    if query_only:
        return [*pragmas, "query_only=ON"]
    return [*pragmas, "journal_mode=WAL", "synchronous=FULL"]
