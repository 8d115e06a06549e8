"""Running jobs: plain functions on a connection, each in a transaction."""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.util import await_only

from bridge.errors import Permanent, Unreachable

T = TypeVar("T")
V = TypeVar("V")
# Synchronous on purpose: see docs/decisions/0002-jobs-on-a-connection.md.
Job: TypeAlias = Callable[[Connection], T]
Transaction: TypeAlias = Connection  # what a job has in its hands, for those who only pass it on


@dataclass(frozen=True, slots=True)
class Bulk(Generic[V, T]):
    """A job on one value, where many values cost little more than one.

    work: called with the values of neighbours in a batch, oldest first; as many results.
    """

    work: Callable[[Connection, Sequence[V]], Sequence[T]]
    value: V

    def __call__(self, connection: Connection) -> T:
        [result] = self.work(connection, [self.value])
        return result


def run_all(connection: Connection, jobs: Iterable[Job[Any]]) -> list[Any]:
    """Run the jobs of a batch in their order, neighbours with the same work at once."""
    results: list[Any] = []
    for work, neighbours in groupby(jobs, key=_work_of):
        if work is None:
            results += [job(connection) for job in neighbours]
        else:
            results += work(connection, [job.value for job in neighbours if isinstance(job, Bulk)])
    return results


def _work_of(job: Job[Any]) -> Callable[[Connection, Sequence[Any]], Sequence[Any]] | None:
    return job.work if isinstance(job, Bulk) else None


class Store(Protocol):
    """A database.

    Raises `Unreachable` when it does not answer. Then nothing was committed, unless it says
    `happened=True`: the connection was lost, perhaps during COMMIT.
    """

    async def read(self, job: Job[T]) -> T:
        """Run `job` on a read-only connection."""

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        """Run `job` and return its result after the commit.

        order: jobs of this process under the same name are committed in the order of the calls.
        The job may run more than once (its neighbours in a batch failed), so it must have no
        effect but on the connection. What it raises is raised here, and rolls it back alone.
        """

    async def close(self) -> None:
        """Finish what was accepted, then release everything."""


def await_in_job(work: Coroutine[Any, Any, T]) -> T:
    """Await something inside a job, on PostgreSQL, whose connection waits the same way."""
    return await_only(work)


# https://www.postgresql.org/docs/current/errcodes-appendix.html, of those that its driver does
# not call operational: what an operator, or the end of a failover, puts right while we run.
_PASSES = frozenset(
    {
        "25006",  # read-only: a standby, or a service whose disk is full
        "0A000",  # as a standby answers to whoever wants to write
        "42501",  # a right is missing
    }
)


@contextmanager
def as_bridge_errors() -> Iterator[None]:
    """Translate what an operator has to do with; a broken statement is a bug and stays."""
    try:
        yield
    except PoolTimeout as error:
        raise Unreachable(f"database: {_cause(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unreachable(f"database: {_cause(error)}", happened=True) from error
        passes = getattr(error.orig, "sqlstate", None) in _PASSES
        if passes or isinstance(error, OperationalError | InterfaceError):
            raise Unreachable(f"database: {_cause(error)}") from error
        if type(error) is DatabaseError:  # none of its kinds: not a database, a damaged one
            raise Permanent(f"database: {_cause(error)}") from error
        raise


def sqlstate(error: Exception) -> str | None:
    """PostgreSQL's code of what `as_bridge_errors` has translated; None where there is none."""
    code: str | None = getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)
    return code


def is_deadlock(error: Exception) -> bool:
    """Tell whether it was two transactions that waited for each other."""
    return sqlstate(error) == "40P01"


def _cause(error: Exception) -> str:
    return one_line(getattr(error, "orig", None) or error)


def one_line(error: object) -> str:
    """What a driver says of an error. PostgreSQL adds the statement, and rows, on further lines."""
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    return " ".join(str(said or error).split())
