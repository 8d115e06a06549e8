"""What Coze was told of each user, what it says itself, and what it did not take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from bridge.store.run import Job
from bridge.store.tables import refused_variables, variables
from bridge.store.upsert import put
from bridge.upstream import Variable


@dataclass(frozen=True, slots=True)
class Known:
    """One variable of one user.

    wanted: what it should be, as the user or the platform last said.
    synced: what Coze last took from us; None if nothing.
    remote, remote_at: what Coze last told, and when it was set there.
    """

    wanted: str | None
    synced: str | None
    remote: str | None
    remote_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """circumstances: under which it was refused; under others it is worth another try."""

    reason: str
    circumstances: str
    at: datetime


_OF = select(variables).where(
    variables.c.uid == bindparam("uid"), variables.c.agent == bindparam("agent")
)
_REFUSED = select(refused_variables).where(refused_variables.c.agent == bindparam("agent"))
_UNTOLD = (
    update(variables)
    .where(variables.c.uid == bindparam("whose"), variables.c.agent == bindparam("of"))
    .values(synced=None)
)
_FORGIVEN = delete(refused_variables).where(
    refused_variables.c.agent == bindparam("agent"),
    refused_variables.c.circumstances != bindparam("circumstances"),
)


def known(uid: str, agent: str) -> Job[dict[str, Known]]:
    """Everything noted of a user's variables, by keyword."""

    def job(connection: Connection) -> dict[str, Known]:
        rows = connection.execute(_OF, {"uid": uid, "agent": agent})
        return {r.keyword: Known(r.wanted, r.synced, r.remote, r.remote_at) for r in rows}

    return job


def wish(uid: str, agent: str, values: Mapping[str, str]) -> Job[None]:
    """Note what should be told to Coze."""
    return _noted(uid, agent, [{"keyword": k, "wanted": v} for k, v in values.items()])


def told(uid: str, agent: str, values: Mapping[str, str]) -> Job[None]:
    """Note what Coze took, or what is as good as taken because it knows something newer."""
    rows = [{"keyword": k, "wanted": v, "synced": v} for k, v in values.items()]
    return _noted(uid, agent, rows)


def heard(uid: str, agent: str, values: Sequence[Variable]) -> Job[None]:
    """Note what Coze says."""
    rows = [{"keyword": v.keyword, "remote": v.value, "remote_at": v.set_at} for v in values]
    return _noted(uid, agent, rows)


def untold(uid: str, agent: str) -> Job[None]:
    """Forget what Coze took, so that all of it is told again."""

    def job(connection: Connection) -> None:
        connection.execute(_UNTOLD, {"whose": uid, "of": agent})

    return job


def _noted(uid: str, agent: str, rows: Sequence[Mapping[str, object]]) -> Job[None]:
    def job(connection: Connection) -> None:
        for row in rows:
            put(connection, variables, uid=uid, agent=agent, **row)

    return job


def refusals(agent: str) -> Job[dict[str, Refusal]]:
    """What Coze does not take of an agent's variables, by keyword."""

    def job(connection: Connection) -> dict[str, Refusal]:
        rows = connection.execute(_REFUSED, {"agent": agent})
        return {row.keyword: Refusal(row.reason, row.circumstances, row.at) for row in rows}

    return job


def refuse(agent: str, keyword: str, refusal: Refusal) -> Job[None]:
    """Note that Coze does not take a variable, whoever's it is."""

    def job(connection: Connection) -> None:
        put(
            connection,
            refused_variables,
            agent=agent,
            keyword=keyword,
            reason=refusal.reason,
            circumstances=refusal.circumstances,
            at=refusal.at,
        )

    return job


def forgive(agent: str, circumstances: str) -> Job[None]:
    """Drop what was refused under other circumstances than these."""

    def job(connection: Connection) -> None:
        connection.execute(_FORGIVEN, {"agent": agent, "circumstances": circumstances})

    return job
