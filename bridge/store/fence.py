"""Who may write of a turn: the run that holds its lane's fence, and no other."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import Connection, Update, bindparam, select, update

from bridge.store.tables import lanes, turns
from bridge.store.turns import Turn
from bridge.store.upsert import insert, one_or_many

Advance: TypeAlias = tuple[Turn, dict[str, Any]]
"""A turn, and the columns of it that change."""


PROGRESS: Mapping[str, Any] = MappingProxyType({"attempts": 1, "failures": 0})
"""A run that came further than the last begins to count anew."""


class Fenced(Exception):
    """Another run has taken over this lane: the one that sees this must not go on."""


def holds_fence(connection: Connection, turn: Turn) -> None:
    """Raises `Fenced` unless the turn's run still owns its lane, until the transaction ends."""
    if connection.execute(_FENCE, {"lane": turn.lane}).scalar() != turn.fence:
        raise Fenced(f"turn {turn.id}: lane {turn.lane} was taken over")


def advance(connection: Connection, turn: Turn, **values: Any) -> None:
    """`holds_fence`, and change the turn: one statement, so that PostgreSQL is asked once."""
    if values:
        advance_all(connection, [(turn, values)])
    else:
        holds_fence(connection, turn)


def advance_all(connection: Connection, advances: Sequence[Advance]) -> None:
    """`advance` turns, at least one, all in the same columns."""
    rows = [
        {"of": turn.id, "in": turn.lane, "by": turn.fence, **values} for turn, values in advances
    ]
    statement = _advancing(tuple(advances[0][1]))
    if connection.execute(statement, one_or_many(rows)).rowcount < len(rows):
        for turn, _ in advances:
            holds_fence(connection, turn)


def raise_fence(connection: Connection, lane: str) -> int:
    """Take over a lane; its fence from now on."""
    raised = connection.execute(_raising(connection.dialect.name), {"lane": lane})
    return int(raised.scalar_one())


# Built once; see `bridge.store.upsert`.

# FOR SHARE: on PostgreSQL a raise of the fence waits for us, or we see it. SQLite has one writer
# anyway and ignores it.
_FENCE = select(lanes.c.fence).where(lanes.c.lane == bindparam("lane")).with_for_update(read=True)
_HELD = (
    select(lanes.c.lane)
    .where(lanes.c.lane == bindparam("in"), lanes.c.fence == bindparam("by"))
    .with_for_update(read=True)
    .exists()
)


@lru_cache
def _advancing(names: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(turns).where(turns.c.id == bindparam("of"), _HELD).values(values)


@lru_cache
def _raising(dialect: str) -> Any:
    """Raise a lane's fence, which begins at one, and return it."""
    statement = insert(dialect, lanes).values(lane=bindparam("lane"), fence=1)
    raised = {"fence": lanes.c.fence + 1}
    return statement.on_conflict_do_update(index_elements=["lane"], set_=raised).returning(
        lanes.c.fence
    )
