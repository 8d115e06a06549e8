"""A turn whose answer takes the place of an earlier one's."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select

from bridge.store.codec import PAGE
from bridge.store.run import Job
from bridge.store.tables import outbox, turns
from bridge.store.turns import Turn, holds_fence
from bridge.store.upsert import change, put

_SHOWN = select(outbox).where(outbox.c.turn == bindparam("turn")).order_by(outbox.c.page)


def take_place(turn: Turn, earlier: Turn, question: str) -> Job[Turn]:
    """Fix what a turn asks, and let it go on with the messages of the earlier answer.

    Raises `Fenced`. Files that the earlier answer sent stay where they are.
    """
    again = earlier.again or earlier.id

    def job(connection: Connection) -> Turn:
        holds_fence(connection, turn)
        change(connection, turns, {"id": turn.id}, question=question, again=again)
        for page, message_id in _texts_of(connection, earlier):
            row = {"state": "posted", "message_id": message_id}
            put(connection, outbox, turn=turn.id, page=page, **row)
        return replace(turn, question=question, again=again)

    return job


def _texts_of(connection: Connection, turn: Turn) -> Iterator[tuple[int, str]]:
    """The messages that show a turn's answer, up to the first that is a file."""
    for row in connection.execute(_SHOWN, {"turn": turn.id}).all():
        if row.content and PAGE.load(row.content).file is not None:
            return
        if row.message_id:
            yield row.page, row.message_id
