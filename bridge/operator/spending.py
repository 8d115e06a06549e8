"""`coze-bridge usage`: what answers have cost, in Coze's tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.operator import paper
from bridge.store import Store
from bridge.store.people import Cost, Identity, Spent, costs, identities_of, spent


class By(StrEnum):
    """What the sums are of. A day is one of this machine's zone."""

    DAY = "day"
    USER = "user"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Sums:
    """rows: one for each day, person or agent. people: who the persons are."""

    by: By
    rows: Sequence[Spent]
    people: Sequence[Identity] = ()

    @property
    def whole(self) -> Spent:
        return Spent(
            "all",
            sum(it.answers for it in self.rows),
            sum(it.input_tokens for it in self.rows),
            sum(it.output_tokens for it in self.rows),
        )

    def name(self, row: Spent) -> str:
        """Call a row what an operator knows it by."""
        names = [it for it in self.people if it.uid == row.of]
        if not names:
            return row.of
        called = next((it.name for it in names if it.name), "")
        return f"{called} ({', '.join(dict.fromkeys(it.address for it in names))})".strip()


async def sums(store: Store, by: By, since: datetime) -> Sums:
    """Add up. Raises `Unreachable`."""
    match by:
        case By.DAY:
            return Sums(by, by_day(await store.read(costs(since))))
        case By.USER:
            rows = await store.read(spent("user", since))
            people = await store.read(identities_of({row.of for row in rows}))
            return Sums(by, rows, people)
        case By.AGENT:
            return Sums(by, await store.read(spent("agent", since)))


def by_day(found: Sequence[Cost]) -> list[Spent]:
    """Add up by days of this machine's zone, in order of time."""
    days: dict[str, list[Cost]] = {}
    for cost in found:
        days.setdefault(cost.at.astimezone().date().isoformat(), []).append(cost)
    return [
        Spent(day, len(of), sum(c.input_tokens for c in of), sum(c.output_tokens for c in of))
        for day, of in days.items()
    ]


def lines(found: Sums) -> Iterator[str]:
    """For people."""
    if not found.rows:
        yield "No answers."
        return
    head = ("answers", "tokens in", "out", "together", found.by.value)
    rows = [_row(it, found.name(it)) for it in found.rows]
    if len(rows) > 1:
        rows.append(_row(found.whole, "all"))
    yield from paper.columns(head, rows, right=head[:-1])


def data(found: Sums, since: datetime) -> dict[str, object]:
    """For scripts."""
    return {
        "by": found.by.value,
        "since": paper.iso(since),
        "rows": [{**_data(it), "name": found.name(it)} for it in found.rows],
        "total": _data(found.whole),
    }


def _row(it: Spent, name: str) -> tuple[str, ...]:
    tokens = (it.input_tokens, it.output_tokens, it.input_tokens + it.output_tokens)
    return (f"{it.answers:,}", *(f"{each:,}" for each in tokens), name)


def _data(it: Spent) -> dict[str, object]:
    return {
        "of": it.of,
        "answers": it.answers,
        "input_tokens": it.input_tokens,
        "output_tokens": it.output_tokens,
    }
