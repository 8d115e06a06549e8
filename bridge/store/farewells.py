"""What is still to be deleted at Coze. A row stays until Coze has confirmed that it is gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, exists, select

from bridge.store.run import Job
from bridge.store.tables import farewells, variables
from bridge.store.upsert import change, insert_once

FIRST_WAIT = timedelta(minutes=1)  # until the second try; then twice as long each time
LONGEST_WAIT = timedelta(hours=6)


class Kind(StrEnum):
    """What a farewell is about."""

    CONVERSATION = "conversation"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Farewell:
    """Something that is to go at Coze. name: of the variable, or the conversation's id."""

    agent: str
    uid: str
    kind: Kind
    name: str
    since: datetime


def say_farewell(
    connection: Connection, agent: str, uid: str, kind: Kind, name: str, now: datetime
) -> None:
    """Note that something is to go, for whoever asks for what is `due`."""
    key = {"agent": agent, "uid": uid, "kind": kind, "name": name}
    insert_once(connection, farewells, **key, since=now, tries=0, next_at=now)


def due(now: datetime, limit: int) -> Job[list[Farewell]]:
    """Take what is due; each comes back after a while, unless it is `done`."""

    def job(connection: Connection) -> list[Farewell]:
        chosen = (
            select(farewells)
            .where(farewells.c.next_at <= now)
            .order_by(farewells.c.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        taken = []
        for row in connection.execute(chosen).all():
            key = {"agent": row.agent, "uid": row.uid, "kind": row.kind, "name": row.name}
            wait = min(FIRST_WAIT * 2 ** min(row.tries, 20), LONGEST_WAIT)
            change(connection, farewells, key, tries=row.tries + 1, next_at=now + wait)
            taken.append(Farewell(row.agent, row.uid, Kind(row.kind), row.name, row.since))
        return taken

    return job


def done(farewell: Farewell) -> Job[None]:
    """Note that it is gone at Coze."""

    def job(connection: Connection) -> None:
        connection.execute(
            delete(farewells).where(
                farewells.c.agent == farewell.agent,
                farewells.c.uid == farewell.uid,
                farewells.c.kind == farewell.kind,
                farewells.c.name == farewell.name,
            )
        )

    return job


def is_set_anew(farewell: Farewell) -> Job[bool]:
    """Tell whether Coze was told a variable again since it was to be unset."""
    anew = exists().where(
        variables.c.uid == farewell.uid,
        variables.c.agent == farewell.agent,
        variables.c.keyword == farewell.name,
    )
    return lambda connection: bool(connection.execute(select(anew)).scalar_one())
