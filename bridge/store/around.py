"""What an account has heard and said around a question, by which a lost post may be found."""

from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select

from bridge.adapter import Around
from bridge.lanes import chat_of, lanes_of_chat
from bridge.store.run import Job
from bridge.store.tables import inbox, outbox, turns
from bridge.store.turns import Turn, TurnState

MARGIN = timedelta(minutes=1)
"""How far a platform's clock and ours may be apart."""

EARLIER_EVENTS = 20  # of which the youngest message matters
EARLIER_TURNS = 200  # of the account, that may have been answered since
EARLIER_ANSWERS = 20  # pages
MOST = 1000  # events, and messages of ours; more would not help


def known_since(turn: Turn) -> Job[frozenset[str]]:
    """The messages of ours in the turn's chat that may be younger than its question.

    It may have been written long before it reached us, and answers ended in between.
    """
    return partial(_known_since, turn)


def around(turn: Turn) -> Job[Around]:
    """See `Around`. Read in one look, so that what it tells belongs together."""
    return partial(_around, turn)


def _known_since(turn: Turn, connection: Connection) -> frozenset[str]:
    asked = min(turn.created_at, turn.event.sent_at) - MARGIN
    statement = (
        select(outbox.c.message_id)
        .join(turns, turns.c.id == outbox.c.turn)
        .where(_in_chat_of(turn), outbox.c.message_id.is_not(None))
        .where(or_(turns.c.ended_at.is_(None), turns.c.ended_at >= asked))
    )
    return frozenset(connection.execute(statement).scalars())


def _around(turn: Turn, connection: Connection) -> Around:
    chat = turn.event.chat
    of = {"platform": chat.platform, "account": chat.account, "turn": turn.id}
    young = connection.execute(_YOUNG, {**of, "since": turn.id - EARLIER_TURNS})
    here = ((chat.chat, message_id) for message_id in _known_since(turn, connection))
    return Around(
        before=tuple(connection.execute(_BEFORE, of).scalars()),
        since=tuple(connection.execute(_SINCE, of).scalars()),
        posted=frozenset(here) | {(chat_of(row.lane), row.message_id) for row in young},
        above=frozenset(connection.execute(_ABOVE, {"turn": turn.id, "lane": turn.lane}).scalars()),
        open=connection.execute(_OPEN, of).scalar_one(),
        alone=connection.execute(_OTHERS.where(_in_chat_of(turn)), of).first() is None,
    )


def _in_chat_of(turn: Turn) -> ColumnElement[bool]:
    chat = turn.event.chat
    lanes = lanes_of_chat(chat.platform, chat.account, chat.chat)
    return turns.c.lane.startswith(lanes, autoescape=True)


_OF_ACCOUNT = and_(
    inbox.c.platform == bindparam("platform"), inbox.c.account == bindparam("account")
)
_EVENTS = select(inbox.c.event_id).where(_OF_ACCOUNT)
_BEFORE = (
    _EVENTS.where(inbox.c.id < bindparam("turn")).order_by(inbox.c.id.desc()).limit(EARLIER_EVENTS)
)
_SINCE = _EVENTS.where(inbox.c.id >= bindparam("turn")).order_by(inbox.c.id).limit(MOST)
_YOUNG = (
    select(inbox.c.lane, outbox.c.message_id)
    .join(inbox, inbox.c.id == outbox.c.turn)
    .where(_OF_ACCOUNT, outbox.c.turn >= bindparam("since"), outbox.c.message_id.is_not(None))
    .order_by(outbox.c.turn)
    .limit(MOST)
)
_ABOVE = (
    select(outbox.c.message_id)
    .join(turns, turns.c.id == outbox.c.turn)
    .where(turns.c.lane == bindparam("lane"), turns.c.id <= bindparam("turn"))
    .where(outbox.c.message_id.is_not(None))
    .order_by(turns.c.id.desc())
    .limit(EARLIER_ANSWERS)
)
_OPEN = (
    select(func.count())
    .select_from(turns)
    .join(inbox, inbox.c.id == turns.c.id)
    .where(_OF_ACCOUNT, turns.c.ended_at.is_(None))
)
_OTHERS = (
    select(turns.c.id)
    .where(turns.c.ended_at.is_(None), turns.c.id != bindparam("turn"))
    .where(or_(turns.c.attempts > 0, turns.c.state != TurnState.RECEIVED))
    .limit(1)
)
