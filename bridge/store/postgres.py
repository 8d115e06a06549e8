"""PostgreSQL: the same jobs on psycopg's asynchronous connections, one transaction each."""

from typing import TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bridge.flow.queueing import Queues
from bridge.store.run import Job, as_bridge_errors

T = TypeVar("T")


LIMITS = {"connect_timeout": 5, "tcp_user_timeout": 10_000}  # seconds, milliseconds
"""So that a host that vanished is an error soon, and not when the network gives up."""


def impatient(url: URL) -> dict[str, int]:
    """The limits that an operator has not set otherwise in the URL."""
    return {name: limit for name, limit in LIMITS.items() if name not in url.query}


class PostgresStore:
    """A database that other replicas write to as well."""

    def __init__(self, url: str, *, connections: int = 10) -> None:
        self._queues = Queues()
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_async_engine(
            parsed,
            connect_args=impatient(parsed),
            pool_size=connections,
            hide_parameters=True,  # as for SQLite: an error's text ends in the log
            pool_pre_ping=True,  # the server may have been restarted while a connection slept
        )

    async def read(self, job: Job[T]) -> T:
        with as_bridge_errors():
            async with self._engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                return await connection.run_sync(job)

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        if order is None:
            return await self._write(job)
        async with self._queues.turn(order):  # connections overtake each other
            return await self._write(job)

    async def _write(self, job: Job[T]) -> T:
        with as_bridge_errors():
            async with self._engine.begin() as connection:
                return await connection.run_sync(job)

    async def close(self) -> None:
        await self._engine.dispose()
