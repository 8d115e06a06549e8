"""`coze-bridge dead`: what ended without an answer, and what to do with it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge.errors import Misconfigured
from bridge.operator import paper
from bridge.operator.talks import turn_data
from bridge.store import Store
from bridge.store.overview import Ran, unanswered
from bridge.view.talks import who

_WHO = 30  # columns


async def list_of(store: Store, limit: int | None) -> list[Ran]:
    """Newest first. Raises `Unreachable`."""
    return await store.read(unanswered(limit))


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
