"""What an account has heard and said around a question, by which a lost post may be found.

Read by ranges of turns' numbers, which are those of their events: the cost is the same however
much is stored.
"""

from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select

from bridge.adapter import Around
from bridge.lanes import chat_of, lanes_of_account, lanes_of_chat
from bridge.store.run import Job
from bridge.store.tables import inbox, outbox, turns
from bridge.store.turns import Turn, TurnState

EARLIER_EVENTS = 50  # of which the youngest message matters
EARLIER_TURNS = 200  # that may have been answered since
EARLIER_HERE = 10_000  # likewise, in the question's own chat: none of these may be missed
EARLIER_ANSWERS = 20  # pages
MOST = 1000  # events, and messages of ours; more would not help


def around(turn: Turn) -> Job[Around]:
    """See `Around`. Read in one look, so that what it tells belongs together."""
    return partial(_around, turn)


def _around(turn: Turn, connection: Connection) -> Around:
    others = connection.execute(_OTHERS.where(_in_chat_of(turn)), {"turn": turn.id})
    above = connection.execute(_ABOVE, {"turn": turn.id, "lane": turn.lane}).scalars()
    return Around(
        before=_events(turn, connection, _BEFORE),
        since=_events(turn, connection, _SINCE),
        posted=_posted(turn, connection),
        above=frozenset(above),
        open=connection.execute(_OPEN).scalar_one(),
        alone=others.first() is None,
    )


def _events(turn: Turn, connection: Connection, statement: Select[Any]) -> tuple[str, ...]:
    chat = turn.event.chat
    rows = connection.execute(statement, {"turn": turn.id})
    return tuple(
        row.event_id for row in rows if (row.platform, row.account) == (chat.platform, chat.account)
    )


def _posted(turn: Turn, connection: Connection) -> frozenset[tuple[str, str]]:
    chat = turn.event.chat
    young = connection.execute(_POSTED.limit(MOST), {"since": turn.id - EARLIER_TURNS})
    here = connection.execute(_POSTED.where(_in_chat_of(turn)), {"since": turn.id - EARLIER_HERE})
    mine = lanes_of_account(chat.platform, chat.account)
    return frozenset(
        (chat_of(row.lane), row.message_id) for row in (*young, *here) if row.lane.startswith(mine)
    )


def _in_chat_of(turn: Turn) -> ColumnElement[bool]:
    chat = turn.event.chat
    lanes = lanes_of_chat(chat.platform, chat.account, chat.chat)
    return turns.c.lane.startswith(lanes, autoescape=True)


# The account is looked at here and not in SQL: its index would be taken instead of the range.
_EVENTS = select(inbox.c.platform, inbox.c.account, inbox.c.event_id)
_BEFORE = (
    _EVENTS.where(inbox.c.id < bindparam("turn")).order_by(inbox.c.id.desc()).limit(EARLIER_EVENTS)
)
_SINCE = _EVENTS.where(inbox.c.id >= bindparam("turn")).order_by(inbox.c.id).limit(MOST)
_POSTED = (
    select(turns.c.lane, outbox.c.message_id)
    .join(outbox, outbox.c.turn == turns.c.id)
    .where(turns.c.id >= bindparam("since"), outbox.c.message_id.is_not(None))
    .order_by(turns.c.id)
)
_ABOVE = (
    select(outbox.c.message_id)
    .join(turns, turns.c.id == outbox.c.turn)
    .where(turns.c.lane == bindparam("lane"), turns.c.id <= bindparam("turn"))
    .where(outbox.c.message_id.is_not(None))
    .order_by(turns.c.id.desc())
    .limit(EARLIER_ANSWERS)
)
_OPEN = select(func.count()).select_from(turns).where(turns.c.ended_at.is_(None))
_OTHERS = (
    select(turns.c.id)
    .where(turns.c.ended_at.is_(None), turns.c.id != bindparam("turn"))
    .where(or_(turns.c.attempts > 0, turns.c.state != TurnState.RECEIVED))
    .limit(1)
)
