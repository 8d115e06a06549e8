"""`coze-bridge dead`: what ended without an answer, and what to do with it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.errors import Misconfigured
from bridge.operator import paper
from bridge.operator.talks import turn_data, who
from bridge.store import Job, Store
from bridge.store.overview import UNANSWERED, Ran, states_of, unanswered

_PIECE = 500  # turns changed in one transaction, so that the daemon never waits for long
_WHO = 30  # columns


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a wish about turns. left: those left alone, and why."""

    changed: Sequence[int]
    left: Sequence[tuple[int, str]] = ()


async def list_of(store: Store, limit: int | None) -> list[Ran]:
    """Newest first. Raises `Unreachable`."""
    return await store.read(unanswered(limit))


async def change(
    store: Store,
    wanted: Collection[int] | None,
    job: Callable[[Collection[int]], Job[list[int]]],
) -> Done:
    """Requeue or drop these turns; None for every one that `list_of` tells of."""
    if wanted is None:
        wanted = [it.id for it in await list_of(store, None)]
    chosen, changed = sorted(set(wanted)), set[int]()
    for at in range(0, len(chosen), _PIECE):
        changed.update(await store.write(job(chosen[at : at + _PIECE])))
    left = [each for each in chosen if each not in changed]
    states = await store.read(states_of(left)) if left else {}
    return Done(sorted(changed), [(each, _why_not(states.get(each))) for each in left])


def numbers(given: Sequence[str]) -> list[int]:
    """Read reference numbers as people give them. Raises `Misconfigured`."""
    wrong = [each for each in given if not each.removeprefix("#").isdecimal()]
    if wrong:
        text = "not a reference number; `coze-bridge dead list` shows them"
        raise Misconfigured([f"{each}: {text}" for each in wrong])
    return [int(each.removeprefix("#")) for each in given]


def list_lines(found: Sequence[Ran], now: datetime, limit: int) -> Iterator[str]:
    """For people."""
    if not found:
        yield "Nothing is dead."
        return
    head, *lines = paper.columns(("turn", "state", "ended", "ago", "who"), _rows(found, now))
    yield head
    for it, line in zip(found, lines, strict=True):
        yield line
        yield from paper.indented(it.error or "nobody was there to read the answer")
    if len(found) == limit:
        yield f"The newest {limit}; --limit shows more."


def list_data(found: Sequence[Ran], now: datetime) -> list[dict[str, object]]:
    """For scripts."""
    return [
        {
            **turn_data(it, text=False),
            "platform": it.said.chat.platform,
            "account": it.said.chat.account,
            "user_id": it.said.user.id,
            "user_name": it.said.user.name,
            "age_seconds": round((now - (it.ended_at or now)).total_seconds()),
        }
        for it in found
    ]


def _rows(found: Sequence[Ran], now: datetime) -> list[tuple[str, ...]]:
    return [
        (
            it.reference,
            it.state,
            paper.local(it.ended_at),
            paper.lasting(now - (it.ended_at or now)),
            f"{paper.shortened(who(it.said), _WHO)} ({it.said.chat.account})",
        )
        for it in found
    ]


def _why_not(state: str | None) -> str:
    if state is None:
        return "there is no such turn"
    if state in UNANSWERED:  # it was not a moment ago
        return "has just ended; try again"
    return f"is {state}, so it is left alone"
