"""Turns that ended without an answer, taken up again or put aside by an operator."""

from collections.abc import Collection

from sqlalchemy import Connection, Update, delete, update

from bridge.store.overview import UNANSWERED
from bridge.store.run import Job
from bridge.store.tables import outbox, turns
from bridge.store.turns import TurnState


def requeue(ids: Collection[int]) -> Job[list[int]]:
    """Let turns run once more, as if their messages had just come in; returns which.

    What an earlier run has shown stays where it is, and the answer is posted after it. A turn
    that was answered, or that runs, is left alone.
    """
    chosen = list(ids)

    def job(connection: Connection) -> list[int]:
        statement = _unanswered(chosen).values(
            state=TurnState.RECEIVED,
            conversation_id=None,
            chat_id=None,
            answer=None,
            error=None,
            attempts=0,
            failures=0,
            retries=0,
            asked_at=None,
            ended_at=None,
        )
        begun = sorted(connection.execute(statement.returning(turns.c.id)).scalars())
        connection.execute(delete(outbox).where(outbox.c.turn.in_(begun)))
        return begun

    return job


def drop(ids: Collection[int]) -> Job[list[int]]:
    """Note that an operator has seen turns and wants nothing done; returns which."""
    chosen = list(ids)

    def job(connection: Connection) -> list[int]:
        statement = _unanswered(chosen).values(state=TurnState.DROPPED)
        return sorted(connection.execute(statement.returning(turns.c.id)).scalars())

    return job


def _unanswered(ids: list[int]) -> Update:
    """Nobody works on these, so there is no fence to hold."""
    return update(turns).where(
        turns.c.id.in_(ids), turns.c.state.in_(UNANSWERED), turns.c.ended_at.is_not(None)
    )
