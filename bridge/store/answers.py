"""What is written of answers: that one is whole, with its pages, and that it stands.

Of those that queue for SQLite's one writer, each statement is run for all at once: answers that end
in one instant are in each other's way where each takes its own seven.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bridge.events import Page
from bridge.store.codec import PAGE
from bridge.store.fence import PROGRESS, advance_all
from bridge.store.reading import open_turns
from bridge.store.sessions import Session
from bridge.store.tables import outbox, turns, usage
from bridge.store.turns import Settled, Turn, TurnState
from bridge.store.upsert import change_all, one_or_many, put_all
from bridge.upstream import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is kept of an answer.

    error: why it is none, or not whole. answer_id: of the message at Coze.
    """

    turn: Turn
    session: Session
    pages: Sequence[Page]
    text: str
    spent: Usage | None
    error: str | None
    answer_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class End:
    """How a turn ended. settled: its pages of which that is not written yet."""

    turn: Turn
    state: TurnState
    settled: Sequence[Settled]
    at: datetime


def keep_answers(connection: Connection, answers: Sequence[Answer]) -> list[None]:
    """Store texts and pages; what was wanted of a turn before, and is not any more, has none.

    answers: of different turns, at least one. Raises `Fenced`.
    """
    advance_all(connection, [(each.turn, _kept(each)) for each in answers])
    since = [{"of": each.turn.id, "since": len(each.pages)} for each in answers]
    connection.execute(_UNWANTING, one_or_many(since))
    put_all(connection, outbox, [row for each in answers for row in _pages(each)])
    put_all(connection, usage, [row for each in answers for row in _spent(each)])
    return [None] * len(answers)


def keep_ends(connection: Connection, ends: Sequence[End]) -> list[list[Turn]]:
    """Close different turns, at least one. Returns what waits in the lane of each now.

    Raises `Fenced`.
    """
    closed = [(each.turn, {"state": each.state, "ended_at": each.at}) for each in ends]
    advance_all(connection, closed)
    settle(connection, [(each.turn, page) for each in ends for page in each.settled])
    busy = _with_work(connection, [each.turn.lane for each in ends])
    return [
        open_turns(connection, each.turn.lane, each.turn.fence) if each.turn.lane in busy else []
        for each in ends
    ]


def settle(connection: Connection, settled: Sequence[tuple[Turn, Settled]]) -> None:
    """Note that pages show their final content; the fences of their turns are held already."""
    changes = [
        (
            {"turn": turn.id, "page": page.number},
            {"state": "settled", "message_id": page.message_id},
        )
        for turn, page in settled
    ]
    change_all(connection, outbox, changes)


def _kept(answer: Answer) -> dict[str, Any]:
    return {
        **PROGRESS,
        "state": TurnState.ANSWERED,
        "answer": answer.text,
        "error": answer.error,
        "answer_id": answer.answer_id or None,
    }


def _pages(answer: Answer) -> Iterable[dict[str, Any]]:
    for number, page in enumerate(answer.pages):
        place = {"turn": answer.turn.id, "page": number}
        yield {**place, "state": "wanted", "content": PAGE.dump(page), "error": None}


def _spent(answer: Answer) -> Iterable[dict[str, Any]]:
    """What an answer cost, and when: a question may have waited for days."""
    if answer.spent is not None:
        yield {
            "turn": answer.turn.id,
            "agent": answer.session.agent,
            "uid": answer.session.uid,
            "input_tokens": answer.spent.input_tokens,
            "output_tokens": answer.spent.output_tokens,
            "at": answer.at,
        }


def _with_work(connection: Connection, lanes: Sequence[str]) -> set[str]:
    """Those of the lanes that have open turns; one alone is looked at by whoever asks."""
    if len(lanes) == 1:
        return set(lanes)
    return set(connection.execute(_BUSY, {"lanes": lanes}).scalars())


# Built once; see `bridge.store.upsert`.

_UNWANTING = (
    update(outbox)
    .where(outbox.c.turn == bindparam("of"), outbox.c.page >= bindparam("since"))
    .values(state="wanted", content=None)
)
_BUSY = select(turns.c.lane).where(
    turns.c.lane.in_(bindparam("lanes", expanding=True)), turns.c.ended_at.is_(None)
)
