"""What readers think of answers."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from bridge.store.run import Job
from bridge.store.tables import outbox, turns
from bridge.store.upsert import change
from bridge.upstream import Rating


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that can be rated."""

    turn: int
    conversation_id: str
    answer_id: str


def answer_of(lane: str, message_id: str = "") -> Job[Answered | None]:
    """Find the answer that a message of ours belongs to, or without one, the lane's newest."""
    statement = select(turns).where(turns.c.lane == lane, turns.c.answer_id.is_not(None))
    if message_id:
        shown = select(outbox.c.turn).where(outbox.c.message_id == message_id)
        statement = statement.where(turns.c.id.in_(shown))
    newest = statement.order_by(turns.c.id.desc()).limit(1)

    def job(connection: Connection) -> Answered | None:
        row = connection.execute(newest).first()
        return Answered(row.id, row.conversation_id, row.answer_id) if row else None

    return job


def rate(turn: int, rating: Rating | None) -> Job[bool]:
    """Note what its reader thinks of an answer now; None for nothing any more."""
    return lambda connection: change(connection, turns, {"id": turn}, rating=rating)
