"""People whom no setting names: whom an admin let in or shut out, and who only knocked.

They are known by platform and id, as in `access.allow`, so on all accounts of a platform alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from bridge.store.operator_log import Deed, note
from bridge.store.run import Job
from bridge.store.tables import guests
from bridge.store.upsert import change, insert_once, put

CODE_LIFE = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
MOST_TOLD = 20  # strangers who are answered within a minute, all together; the others later
FORGOTTEN = timedelta(days=30)  # after which a stranger who knocked is none of ours any more


class Standing(StrEnum):
    """What an admin thinks of somebody; of the unknown, nothing yet."""

    UNKNOWN = "unknown"
    ADMITTED = "admitted"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Guest:
    """code: what they were given to show to an admin, while it is good for something."""

    platform: str
    user: str
    name: str
    standing: Standing
    since: datetime
    code: str = ""
    code_expires_at: datetime | None = None
    decided_by: str = ""

    @property
    def address(self) -> str:
        """As in `access.allow`, and on the command line."""
        return f"{self.platform}:{self.user}"


def knock(
    who: Guest, now: datetime, draw: Callable[[], str] | None, most: int = MOST_TOLD
) -> Job[bool]:
    """Note that somebody unknown has written; tell whether they should get an answer.

    draw: makes a code, of which each lasts for `CODE_LIFE`; None to give none. Without one they
    get an answer once.
    """
    key = {"platform": who.platform, "user": who.user}

    def job(connection: Connection) -> bool:
        if _told_lately(connection, now) >= most:
            return False
        new = {"standing": Standing.UNKNOWN, "name": who.name[:255], "since": now}
        insert_once(connection, guests, **key, **new)
        row = connection.execute(select(guests).where(*_is(who)).with_for_update()).one()
        if row.standing != Standing.UNKNOWN or not _is_due(row, now, wants_code=draw is not None):
            return False
        told: dict[str, Any] = {"told_at": now}
        if draw is not None:
            told |= {"code": _unused(connection, draw), "code_expires_at": now + CODE_LIFE}
        change(connection, guests, key, **told)
        return True

    return job


def guest_of(platform: str, user: str) -> Job[Guest | None]:
    """Find somebody; None if they were never heard of."""
    statement = select(guests).where(guests.c.platform == platform, guests.c.user == user)

    def job(connection: Connection) -> Guest | None:
        row = connection.execute(statement).first()
        return _guest(row) if row else None

    return job


def guests_with(*standings: Standing, limit: int = 500) -> Job[list[Guest]]:
    """List people of these standings (of all, if none is given), the newest first."""
    statement = select(guests).order_by(guests.c.since.desc(), guests.c.user).limit(limit)
    if standings:
        statement = statement.where(guests.c.standing.in_(standings))
    return lambda connection: [_guest(row) for row in connection.execute(statement)]


def blocked() -> Job[frozenset[tuple[str, str]]]:
    """Everybody who is shut out, by platform and id."""
    statement = select(guests.c.platform, guests.c.user).where(
        guests.c.standing == Standing.BLOCKED
    )
    return lambda it: frozenset((row.platform, row.user) for row in it.execute(statement))


def approve(code: str, by: str, now: datetime) -> Job[Guest | None]:
    """Let in who was given a code; None if there is no such code, or not any more."""

    def job(connection: Connection) -> Guest | None:
        waiting = (guests.c.code == code, guests.c.code_expires_at > now)
        row = connection.execute(select(guests).where(*waiting).with_for_update()).first()
        if row is None or row.standing != Standing.UNKNOWN:
            return None
        return _decide(connection, _guest(row), Standing.ADMITTED, by, now)

    return job


def decide(who: Guest, standing: Standing, by: str, now: datetime) -> Job[Guest]:
    """Let somebody in, shut them out, or (UNKNOWN) take back either, whether or not they wrote."""
    return lambda connection: _decide(connection, who, standing, by, now)


def _decide(
    connection: Connection, who: Guest, standing: Standing, by: str, now: datetime
) -> Guest:
    done = {Standing.ADMITTED: "admit", Standing.BLOCKED: "block", Standing.UNKNOWN: "revoke"}
    note(Deed(now, by, done[standing], who.address))(connection)
    if standing is Standing.UNKNOWN:
        connection.execute(delete(guests).where(*_is(who)))
        return Guest(who.platform, who.user, who.name, standing, now)
    decided = {"standing": standing, "since": now, "decided_by": by[:255]}
    spent = {"name": who.name[:255], "code": None, "code_expires_at": None}
    put(connection, guests, platform=who.platform, user=who.user, **decided, **spent)
    return Guest(who.platform, who.user, who.name, standing, now, decided_by=by)


def _told_lately(connection: Connection, now: datetime) -> int:
    told = select(func.count()).select_from(guests).where(guests.c.told_at > now - MINUTE)
    return int(connection.execute(told).scalar_one())


def _is_due(row: Row[Any], now: datetime, *, wants_code: bool) -> bool:
    if wants_code:
        return row.code_expires_at is None or row.code_expires_at <= now
    return row.told_at is None


def _unused(connection: Connection, draw: Callable[[], str]) -> str:
    """A code that nobody else has; two that are drawn at once are the same once in 10^10."""
    code = draw()
    while connection.execute(select(guests.c.code).where(guests.c.code == code)).first():
        code = draw()
    return code


def _is(who: Guest) -> list[ColumnElement[bool]]:
    return [guests.c.platform == who.platform, guests.c.user == who.user]


def _guest(row: Row[Any]) -> Guest:
    return Guest(
        platform=row.platform,
        user=row.user,
        name=row.name,
        standing=Standing(row.standing),
        since=row.since,
        code=row.code or "",
        code_expires_at=row.code_expires_at,
        decided_by=row.decided_by or "",
    )
