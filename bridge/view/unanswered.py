"""What ended without an answer, and what an operator does with it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from bridge.store import Job, Store
from bridge.store.again import drop, requeue
from bridge.store.operator_log import Deed, noted
from bridge.store.overview import UNANSWERED, states_of, unanswered

_PIECE = 500  # turns changed in one transaction, so that the daemon never waits for long
_NAMED = 20  # turns that a line of the log names


class Wish(StrEnum):
    """What is to become of turns."""

    REQUEUE = "requeue"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a wish about turns. left: those left alone, and why."""

    changed: Sequence[int]
    left: Sequence[tuple[int, str]] = ()


async def change(
    store: Store, wanted: Collection[int] | None, wish: Wish, *, by: str, now: datetime
) -> Done:
    """Requeue or drop these turns; None for all that ended without an answer.

    by: who did it, for the log.
    """
    if wanted is None:
        wanted = [it.id for it in await store.read(unanswered())]
    chosen, changed = sorted(set(wanted)), set[int]()
    for at in range(0, len(chosen), _PIECE):
        job = _JOBS[wish](chosen[at : at + _PIECE])
        changed.update(await store.write(noted(job, partial(_deed, wish, by, now))))
    left = [each for each in chosen if each not in changed]
    states = await store.read(states_of(left)) if left else {}
    return Done(sorted(changed), [(each, _why_not(states.get(each))) for each in left])


_JOBS: dict[Wish, Callable[[Collection[int]], Job[list[int]]]] = {
    Wish.REQUEUE: requeue,
    Wish.DROP: drop,
}


def _deed(wish: Wish, by: str, now: datetime, ids: Sequence[int]) -> Deed | None:
    if not ids:
        return None
    named = ", ".join(f"{each:05d}" for each in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return Deed(now, by, wish, named + more)


def _why_not(state: str | None) -> str:
    if state is None:
        return "there is no such turn"
    if state in UNANSWERED:  # it was not a moment ago
        return "has just ended; try again"
    return f"is {state}, so it is left alone"
