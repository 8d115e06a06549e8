"""What an operator has switched on, for all replicas and until somebody switches it off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.store.operator_log import Deed, note
from bridge.store.run import Job
from bridge.store.tables import switches
from bridge.store.upsert import insert_once


@dataclass(frozen=True, slots=True)
class Switched:
    """When it was switched on, and by whom: as in `Deed.who`."""

    at: datetime
    by: str


def switched(name: str) -> Job[Switched | None]:
    """Tell whether it is on."""

    def job(connection: Connection) -> Switched | None:
        row = connection.execute(_ONE, {"name": name}).first()
        return Switched(row.at, row.by) if row else None

    return job


def switch_on(name: str, by: str, now: datetime) -> Job[bool]:
    """Switch it on; False if it was."""

    def job(connection: Connection) -> bool:
        if not insert_once(connection, switches, name=name, at=now, by=by[:255]):
            return False
        note(Deed(now, by, name))(connection)
        return True

    return job


def switch_off(name: str, by: str, now: datetime, *, undoing: str) -> Job[bool]:
    """Switch it off; False if it was. undoing: what that is called in the operators' log."""

    def job(connection: Connection) -> bool:
        if not connection.execute(_OFF, {"name": name}).rowcount:
            return False
        note(Deed(now, by, undoing))(connection)
        return True

    return job


_ONE = select(switches).where(switches.c.name == bindparam("name"))
_OFF = delete(switches).where(switches.c.name == bindparam("name"))
