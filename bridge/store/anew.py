"""A turn whose answer takes the place of an earlier one's."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection, bindparam, or_, select

from bridge.store.codec import PAGE
from bridge.store.fence import holds_fence
from bridge.store.run import Job
from bridge.store.tables import outbox, turns
from bridge.store.turns import Turn
from bridge.store.upsert import change, put

_SHOWN = select(outbox).where(outbox.c.turn == bindparam("turn")).order_by(outbox.c.page)

# The newest that was asked; where none was, there stands an apology to be replaced.
_BEFORE = (
    select(turns.c.id)
    .where(turns.c.lane == bindparam("lane"), turns.c.id < bindparam("turn"))
    .where(turns.c.id >= bindparam("first"))
    .where(or_(turns.c.id == bindparam("first"), turns.c.again == bindparam("first")))
    .order_by(turns.c.chat_id.is_(None), turns.c.id.desc())
    .limit(1)
)


def ask_again(turn: Turn, first: int, question: str) -> Job[Turn]:
    """Fix what a turn asks. first: the turn with the files of that. Raises `Fenced`."""

    def job(connection: Connection) -> Turn:
        holds_fence(connection, turn)
        change(connection, turns, {"id": turn.id}, question=question, again=first)
        return replace(turn, question=question, again=first)

    return job


def take_place(turn: Turn) -> Job[dict[int, str]]:
    """Let a turn go on with the messages of the earlier answer: ids, by the numbers of pages.

    Raises `Fenced`. Files that the earlier answer sent stay where they are.
    """
    named = {"lane": turn.lane, "turn": turn.id, "first": turn.again}

    def job(connection: Connection) -> dict[int, str]:
        holds_fence(connection, turn)
        earlier = connection.execute(_BEFORE, named).scalar()
        found = {} if earlier is None else dict(_texts_of(connection, earlier))
        for page, message_id in found.items():
            row = {"state": "posted", "message_id": message_id}
            put(connection, outbox, turn=turn.id, page=page, **row)
        return found

    return job


def _texts_of(connection: Connection, turn: int) -> Iterator[tuple[int, str]]:
    """The messages that show a turn's answer, up to the first that is a file."""
    for row in connection.execute(_SHOWN, {"turn": turn}).all():
        if row.content and PAGE.load(row.content).file is not None:
            return
        if row.message_id:
            yield row.page, row.message_id
