"""Turns as they stand in the tables, each with the messages that were merged into it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from bridge.store.codec import INBOUND
from bridge.store.tables import inbox, turns
from bridge.store.turns import Turn, TurnKind, TurnState
from bridge.upstream import Trace

MOST_WAITING = 100  # messages looked at together; the rest of a longer queue come next
MOST_COMMANDS = 50  # looked through for the question before them


def open_turns(connection: Connection, lane: str, fence: int) -> list[Turn]:
    """A lane's, the oldest first."""
    return list(_turns(connection, _OPEN, fence, lane=lane))


def turn_by(connection: Connection, number: int, fence: int = 0) -> Turn | None:
    """Any turn; None if it is gone. fence: of whoever may change it."""
    return next(_turns(connection, _ONE, fence, id=number), None)


def questions_before(connection: Connection, lane: str, before: int) -> Iterator[Turn]:
    """What somebody wanted to ask in a lane, the newest first."""
    earlier = _turns(connection, _EARLIER, 0, lane=lane, before=before)
    return (turn for turn in earlier if turn.is_question)


def _turns(
    connection: Connection, statement: Select[Any], fence: int, **named: object
) -> Iterator[Turn]:
    rows = connection.execute(statement, named).all()
    for _, group in groupby(rows, key=lambda row: row.id):
        yield _turn(list(group), fence)


def _turn(rows: list[Row[Any]], fence: int) -> Turn:
    row = rows[0]
    payloads = (row.payload, *(each.part for each in rows if each.part is not None))
    return Turn(
        id=row.id,
        lane=row.lane,
        fence=fence,
        kind=TurnKind(row.kind),
        state=TurnState(row.state),
        events=tuple(INBOUND.load(payload) for payload in payloads),
        question=row.question,
        trace=Trace(row.conversation_id, row.chat_id or "") if row.conversation_id else None,
        attempts=row.attempts,
        failures=row.failures,
        retries=row.retries,
        created_at=row.created_at,
        asked_at=row.asked_at,
        error=row.error,
        again=row.again,
    )


# Built once; see `bridge.store.upsert`.

_merged, _said = turns.alias("merged"), inbox.alias("said")
_NAMES = (
    *("id", "lane", "kind", "state", "question", "conversation_id", "chat_id", "attempts"),
    *("failures", "retries", "created_at", "asked_at", "error", "again"),
)


def _with_parts(ids: Select[Any], *, newest_first: bool = False) -> Select[Any]:
    """The turns of these ids, in one statement: a row for each, or for each part of it."""
    chosen = ids.subquery("chosen")
    return (
        select(*(turns.c[name] for name in _NAMES), inbox.c.payload, _said.c.payload.label("part"))
        .select_from(chosen)
        .join(turns, turns.c.id == chosen.c.id)
        .join(inbox, inbox.c.id == chosen.c.id)
        .outerjoin(_merged, _merged.c.merged_into == chosen.c.id)
        .outerjoin(_said, _said.c.id == _merged.c.id)
        .order_by(turns.c.id.desc() if newest_first else turns.c.id, _merged.c.id)
    )


_ONE = _with_parts(select(turns.c.id).where(turns.c.id == bindparam("id")))
_OPEN = _with_parts(
    select(turns.c.id)
    .where(turns.c.lane == bindparam("lane"), turns.c.ended_at.is_(None))
    .order_by(turns.c.id)
    .limit(MOST_WAITING)
)
_EARLIER = _with_parts(
    select(turns.c.id)
    .where(turns.c.lane == bindparam("lane"), turns.c.id < bindparam("before"))
    .where(turns.c.state != TurnState.MERGED)
    .order_by(turns.c.id.desc())
    .limit(MOST_COMMANDS),
    newest_first=True,
)
