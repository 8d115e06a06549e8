"""How many messages were answered lately, how many not, and how long it took. Reads only.

Counted by the database, so what comes back is small; and of the newest turns only, so that a
busy bridge is not kept busy by being watched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Double, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from bridge.store.run import Job
from bridge.store.tables import turns, usage
from bridge.store.turns import TurnKind, TurnState

MOST = 50_000  # turns that are looked at
FINE = 4  # a second is told apart into as many parts


@dataclass(frozen=True, slots=True)
class Beat:
    """Answers of one slot of time that took equally long.

    slot: since the beginning, counted from 0. seconds: from the message to its end.
    """

    slot: int
    answered: bool
    seconds: float
    turns: int


@dataclass(frozen=True, slots=True)
class Rhythm:
    """reaches: since when it is whole; later than was asked for where there was too much."""

    beats: Sequence[Beat]
    reaches: datetime


def rhythm(since: datetime, step: int, most: int = MOST) -> Job[Rhythm]:
    """Count what ended since then, in slots of `step` seconds."""
    newest = select(func.max(turns.c.id)).scalar_subquery()
    took = epoch(turns.c.ended_at) - epoch(turns.c.created_at)
    columns = (
        whole((epoch(turns.c.ended_at) - since.timestamp()) / step).label("slot"),
        case((turns.c.state == TurnState.DELIVERED, 1), else_=0).label("answered"),
        whole(took * FINE).label("took"),
    )
    statement = (
        select(*columns, func.count().label("turns"))
        .where(
            turns.c.id > newest - most,
            turns.c.ended_at >= since,
            turns.c.kind == TurnKind.MESSAGE,
            turns.c.state != TurnState.MERGED,
        )
        .group_by(*columns)
    )
    first = select(turns.c.created_at).where(turns.c.id > newest - most).order_by(turns.c.id)

    def job(connection: Connection) -> Rhythm:
        rows = connection.execute(statement)
        beats = [Beat(r.slot, bool(r.answered), max(0.0, r.took / FINE), r.turns) for r in rows]
        oldest = connection.execute(first.limit(1)).scalar()
        has_more = connection.execute(select(newest)).scalar() or 0
        cut = oldest is not None and has_more > most and oldest > since
        return Rhythm(beats, oldest if cut and oldest else since)

    return job


def tokens_since(since: datetime, most: int = MOST) -> Job[int]:
    """Add up what all answers have cost since then."""
    newest = select(func.max(usage.c.turn)).scalar_subquery()
    at = func.coalesce(usage.c.at, usage.c.at)  # so that nobody goes along its index, however far
    whole_sum = func.coalesce(func.sum(usage.c.input_tokens + usage.c.output_tokens), literal(0))
    statement = select(whole_sum).where(usage.c.turn > newest - most, at >= since)
    return lambda connection: int(connection.execute(statement).scalar_one())


class epoch(FunctionElement[float]):  # noqa: N801 - reads as a function, as SQLAlchemy's own do
    """Seconds since 1970 of a time."""

    type = Double()
    inherit_cache = True


class whole(FunctionElement[int]):  # noqa: N801 - as above
    """The whole part of a number that is not negative."""

    type = BigInteger()
    inherit_cache = True


@compiles(epoch, "sqlite")
def _epoch_sqlite(element: epoch, compiler: Any, **how: Any) -> str:
    of = compiler.process(element.clauses, **how)
    return f"((julianday({of}) - 2440587.5) * 86400.0)"


@compiles(epoch, "postgresql")
def _epoch_postgres(element: epoch, compiler: Any, **how: Any) -> str:
    return f"CAST(extract(epoch FROM {compiler.process(element.clauses, **how)}) AS float8)"


@compiles(whole, "sqlite")
def _whole_sqlite(element: whole, compiler: Any, **how: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **how)} AS INTEGER)"


@compiles(whole, "postgresql")
def _whole_postgres(element: whole, compiler: Any, **how: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **how)}) AS bigint)"
