"""Messages as they arrived. What is not committed here was never acknowledged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from bridge.events import Inbound
from bridge.lanes import express
from bridge.store.codec import INBOUND
from bridge.store.run import Job
from bridge.store.tables import inbox, turns
from bridge.store.turns import TurnKind, TurnState
from bridge.store.upsert import insert


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new row, and the lane that has work because of it."""

    id: int
    lane: str


def accept(
    event: Inbound,
    lane: str,
    now: datetime,
    *,
    merge_window: float | None = None,
    also: Callable[[Connection, str], None] | None = None,
) -> Job[Accepted | None]:
    """Insert an event and its turn; None if it was put before.

    also: called with the lane that has work now, in the same transaction.
    merge_window: if given, an event that finds its lane busy becomes a notice in the express
        lane, unless it comes within so many seconds after one it can still be merged into.
    """

    def job(connection: Connection) -> Accepted | None:
        chat = event.chat
        row = connection.execute(
            _accepting(connection.dialect.name),
            {
                "platform": chat.platform,
                "account": chat.account,
                "event_id": event.event_id,
                "lane": lane,
                "payload": INBOUND.dump(event),
                "received_at": now,
            },
        ).first()
        if row is None:
            return None
        refused = merge_window is not None and _is_busy(connection, lane, now, merge_window)
        goes_to = express(lane) if refused else lane
        connection.execute(
            _RECEIVED,
            {
                "id": row.id,
                "lane": goes_to,
                "kind": TurnKind.BUSY if refused else TurnKind.MESSAGE,
                "created_at": now,
            },
        )
        if also is not None:
            also(connection, goes_to)
        return Accepted(row.id, goes_to)

    return job


def _is_busy(connection: Connection, lane: str, now: datetime, window: float) -> bool:
    untouched = (turns.c.state == TurnState.RECEIVED) & (turns.c.attempts == 0)
    statement = select(func.count(), func.count().filter(untouched), func.max(turns.c.created_at))
    # An answer that is only being delivered keeps nobody: its reader may have it in full.
    at_work = turns.c.ended_at.is_(None) & (turns.c.state != TurnState.ANSWERED)
    row = connection.execute(statement.where(turns.c.lane == lane, at_work)).one()
    open_turns, waiting, newest = row
    mergeable = open_turns == waiting and newest and abs(now - newest) <= timedelta(seconds=window)
    return bool(open_turns) and not mergeable


# Built once; see `bridge.store.upsert`.

_RECEIVED = turns.insert().values(
    id=bindparam("id"),
    lane=bindparam("lane"),
    kind=bindparam("kind"),
    created_at=bindparam("created_at"),
    state=TurnState.RECEIVED,
    attempts=0,
    failures=0,
    retries=0,
)


@lru_cache
def _accepting(dialect: str) -> Any:
    names = ("platform", "account", "event_id", "lane", "payload", "received_at")
    statement = insert(dialect, inbox).values({name: bindparam(name) for name in names})
    return statement.on_conflict_do_nothing().returning(inbox.c.id)
