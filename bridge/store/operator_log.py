"""What operators did: by chat, on the command line, on the admin page. Newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select

from bridge.store.run import Job
from bridge.store.tables import operator_log

T = TypeVar("T")

COMMAND_LINE = "command line"
ADMIN_PAGE = "admin page"


@dataclass(frozen=True, slots=True)
class Deed:
    """who: `platform:id` of an admin, or the door ("command line", "admin page").

    what: a short word such as "pause"; detail: to whom or what. Neither holds message text.
    """

    at: datetime
    who: str
    what: str
    detail: str = ""


def note(deed: Deed) -> Job[None]:
    """Write down what was done; in the transaction that does it, where there is one."""

    def job(connection: Connection) -> None:
        row = {"at": deed.at, "who": deed.who[:255], "what": deed.what[:64], "detail": deed.detail}
        connection.execute(operator_log.insert(), row)

    return job


def noted(job: Job[T], deed: Callable[[T], Deed | None]) -> Job[T]:
    """Do something and write it down, both or neither; `deed` sees what came of it."""

    def both(connection: Connection) -> T:
        done = job(connection)
        if its := deed(done):
            note(its)(connection)
        return done

    return both


def deeds(limit: int, *, before: int | None = None) -> Job[list[tuple[int, Deed]]]:
    """Read the newest ones with their ids; `before`: of the page before, to go on from there."""

    def job(connection: Connection) -> list[tuple[int, Deed]]:
        statement = select(operator_log).order_by(operator_log.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(operator_log.c.id < before)
        rows = connection.execute(statement)
        return [(row.id, Deed(row.at, row.who, row.what, row.detail)) for row in rows]

    return job
