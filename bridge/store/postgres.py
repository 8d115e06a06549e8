"""PostgreSQL: the same jobs on psycopg's asynchronous connections.

One transaction each, but for those with an order among them, the messages that come in: they go
one after another anyway, so those that queued while the last commit ran share the next one.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bridge.errors import Misconfigured, Unreachable
from bridge.store.run import Job, as_bridge_errors, is_deadlock, one_line, run_all

T = TypeVar("T")

EXTRA = "PostgreSQL takes the extra: pip install 'coze-bridge[cluster]'"
READERS = 6  # connections
REST = 1.0  # seconds after which a connection may not be what it was
BATCH = 500  # jobs in one transaction; more would only delay the first
LIMITS = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives": 1,
    "keepalives_idle": 5,  # seconds; the system's two hours would be for who waits for an answer
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""So that a host that vanished is an error soon, and not when the network gives up."""


# Of a process that was stopped, or whose host vanished, the server would keep what it had locked
# for hours: a lane, or a message that is delivered again elsewhere. Five seconds are longer than a
# job ever thinks. The rest ends the sessions of hosts that are silent for ten.
ABANDONED = """
SET idle_in_transaction_session_timeout = '5s';
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '10s'
"""

READ_ONLY = f"{ABANDONED}; SET default_transaction_read_only = on"


def impatient(url: URL) -> dict[str, int]:
    """The limits that an operator has not set otherwise in the URL."""
    return {name: limit for name, limit in LIMITS.items() if name not in url.query}


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    """A job and where its result is awaited."""

    job: Job[T]
    future: "asyncio.Future[T]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


def conninfo(url: str) -> str:
    """The URL for those who speak with libpq themselves. Raises `Misconfigured`.

    libpq would read some URLs in another way than we do: what follows a slash in a password as
    the database, of several hosts only the last. What it cannot read, it tells, password and all.
    """
    try:
        from psycopg import ProgrammingError, conninfo  # noqa: PLC0415  an extra, for who needs it
    except ImportError as error:
        raise Misconfigured([f"database.url: {EXTRA} ({error})"]) from error
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    _, options = parsed.get_dialect()().create_connect_args(parsed)
    try:
        return conninfo.make_conninfo(**{**impatient(parsed), **options})
    except ProgrammingError as error:
        raise Misconfigured([f"database.url: {one_line(error)}"]) from error


def _ask_who_rested(engine: Engine, monotonic: Callable[[], float]) -> None:
    """Ask the server whether a connection still stands, if nobody has used it for a moment.

    It may have been restarted meanwhile. To ask each time, as `pool_pre_ping` does, costs every
    transaction one question more than it has itself. Whoever meets a connection that broke this
    instant is told so, as those are who were using one.
    """

    @event.listens_for(engine, "checkin")
    def rest(_: object, record: ConnectionPoolEntry) -> None:
        record.info["since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if monotonic() - record.info.get("since", math.inf) < REST:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # this one and all others are opened anew


class PostgresStore:
    """A database that other replicas write to as well."""

    def __init__(
        self,
        url: str,
        *,
        connections: int = 10,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._requests: list[_Request[Any]] = []
        self._committing: asyncio.Task[None] | None = None
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = self._opened(parsed, connections, more=4)
        # A statement that only reads needs no BEGIN and no end: each is a question more. Several
        # of one job see no less together than they would in a transaction here (READ COMMITTED).
        self._reader = self._opened(parsed, READERS, reading=True)
        # Messages that come in do not queue for a connection behind those who work on others.
        self._door = self._opened(parsed, 1)

    def _opened(
        self, parsed: URL, connections: int, *, more: int = 0, reading: bool = False
    ) -> AsyncEngine:
        engine = create_async_engine(
            parsed,
            connect_args=impatient(parsed),
            pool_size=connections,
            max_overflow=more,
            **({"isolation_level": "AUTOCOMMIT"} if reading else {}),
            hide_parameters=True,  # as for SQLite: an error's text ends in the log
        )
        _ask_who_rested(engine.sync_engine, self._monotonic)

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: DBAPIConnection, _: object) -> None:
            cursor = connection.cursor()
            cursor.execute(READ_ONLY if reading else ABANDONED)
            cursor.close()
            connection.commit()

        return engine

    async def read(self, job: Job[T]) -> T:
        with as_bridge_errors():
            async with self._reader.connect() as connection:
                return await connection.run_sync(job)

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        if order is None:
            return await self._write(job)
        request = _Request(job)
        self._requests.append(request)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all(), name="store-writer")
        return await request.future

    async def _commit_all(self) -> None:
        try:
            while batch := self._requests[:BATCH]:
                del self._requests[:BATCH]
                await self._commit(batch)
        finally:
            self._committing = None

    async def _commit(self, batch: Sequence[_Request[Any]]) -> None:
        """Run a batch in one transaction, and hand back what came of it after its commit."""
        try:
            results = await self._write(
                lambda connection: run_all(connection, [it.job for it in batch]), self._door
            )
        except Exception as error:  # noqa: BLE001  handed to whoever awaits the job
            for_all = isinstance(error, Unreachable) and not is_deadlock(error)
            if for_all or len(batch) == 1:
                for request in batch:
                    if not request.future.done():
                        request.future.set_exception(error)
                return
            # One bad row rolled all back: find it. Or another replica was brought the same, in
            # another order.
            for request in batch:
                await self._commit([request])
            return
        for request, result in zip(batch, results, strict=True):
            if not request.future.done():  # whoever stopped waiting finds it committed all the same
                request.future.set_result(result)

    async def _write(self, job: Job[T], engine: AsyncEngine | None = None) -> T:
        with as_bridge_errors():
            async with (engine or self._engine).begin() as connection:
                return await connection.run_sync(job)

    async def close(self) -> None:
        if self._committing is not None:
            await asyncio.wait([self._committing])
        await self._door.dispose()
        await self._reader.dispose()
        await self._engine.dispose()
