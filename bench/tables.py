"""The results of a scenario as a table of Markdown, with what was promised below. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.judging import FLOOR, Limit, Medians, is_worlds, medians, ratio
from bench.rows import row
from bench.scenarios import Scenario

ALWAYS = (
    "unheard",
    "waited",
    "world",
    "world_waited",
)  # they tell how far the others can be trusted


@dataclass
class Measured:
    """rounds: the figures of each run, by stand. load: of the machine, before and after."""

    scenario: Scenario
    rounds: dict[str, list[dict[str, float]]]
    failures: list[str] = field(default_factory=list)
    load: list[float] = field(default_factory=list)

    def judged(self) -> Iterator[tuple[Limit, float | None]]:
        """Each limit and the figure it is about; None where that was not measured."""
        found = medians(self.rounds)
        return ((limit, limit.value(found)) for limit in self.scenario.limits)


def table(measured: Measured) -> str:
    found = medians(measured.rounds)
    stands = [stand for stand in measured.scenario.stands if stand in found]
    heads = [head for stand in stands for head in _heads(stand, stands)]
    lines = [
        f"\n### {measured.scenario.name}: {measured.scenario.told}\n",
        f"| | {' | '.join(heads)} |",
        f"|---|{'---:|' * len(heads)}",
        *_rows(measured, found, stands),
        "",
        *(_promise(limit, value) for limit, value in measured.judged()),
        *(f"- **failed**: {each}" for each in measured.failures),
        *(
            f"- {stand}: the world was too busy, its limit is what was measured"
            for stand in stands
            if is_worlds(found[stand])
        ),
        f"- load of the machine: {', '.join(f'{each:.1f}' for each in measured.load)}",
    ]
    return "\n".join(lines)


def missed(measured: Measured) -> list[str]:
    """What was promised and is not so, and what could not be measured."""
    name = measured.scenario.name
    judged = ((limit, value) for limit, value in measured.judged() if value is not None)
    broken = [_promise(*each) for each in judged if not each[0].is_met(each[1])]
    return [f"{name}: {line.removeprefix('- ')}" for line in [*broken, *measured.failures]]


def _heads(stand: str, stands: Sequence[str]) -> list[str]:
    return [stand, "−floor", "÷floor"] if FLOOR in stands and stand != FLOOR else [stand]


def _rows(measured: Measured, found: Medians, stands: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys((*measured.scenario.rows, *ALWAYS)):
        cells = [cell for stand in stands for cell in _cells(name, stand, stands, found)]
        if any(cells):
            yield f"| {row(name).told} | {' | '.join(cells)} |"


def _cells(name: str, stand: str, stands: Sequence[str], found: Medians) -> list[str]:
    width = len(_heads(stand, stands))
    value, digits = found[stand].get(name), row(name).digits
    if value is None:
        return [""] * width
    least = found.get(FLOOR, {}).get(name)
    if width == 1 or least is None:
        return [f"{value:,.{digits}f}", *[""] * (width - 1)]
    times = f"{ratio(value, least):.2f}" if least > 0 else ""
    return [f"{value:,.{digits}f}", f"{value - least:+,.{digits}f}", times]


def _promise(limit: Limit, value: float | None) -> str:
    told = row(limit.figure)
    bound = f"{'at least' if limit.least else 'at most'} {_bound(limit)}"
    if value is None:
        return f"- {limit.stand}, {told.told}: {bound}: not measured"
    digits = 2 if limit.against == "ratio" else told.digits
    verdict = "met" if limit.is_met(value) else "**missed**"
    return f"- {limit.stand}, {told.told}: {bound}: {value:,.{digits}f}, {verdict}"


def _bound(limit: Limit) -> str:
    number = f"{limit.bound:g}"
    match limit.against:
        case "difference":
            return f"floor + {number}"
        case "ratio":
            return f"{number} times the floor"
        case _:
            return number
