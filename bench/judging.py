"""What runs came to: medians, differences from the floor, and what was promised. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeAlias

FLOOR = "floor"
FULL = 80.0  # percent of the time; a world that is busier is what is measured

Figures: TypeAlias = Mapping[str, float]  # of one run, by their names; see `bench.rows`
Medians: TypeAlias = Mapping[str, Figures]  # by stand
Against: TypeAlias = Literal["nothing", "difference", "ratio"]


@dataclass(frozen=True)
class Limit:
    """One promise about one figure.

    bound: what the figure is at most; at least, if `least`. against: whether it is the figure
    itself, or its difference from the floor's, or its ratio to that.
    """

    figure: str
    bound: float
    against: Against = "nothing"
    stand: str = "embedded"
    least: bool = False

    def value(self, medians: Medians) -> float | None:
        """What is compared with the bound; None where it was not measured."""
        ours = medians.get(self.stand, {}).get(self.figure)
        if self.against == "nothing" or ours is None:
            return ours
        least = medians.get(FLOOR, {}).get(self.figure)
        if least is None:
            return None
        return ours - least if self.against == "difference" else ratio(ours, least)

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.least else value <= self.bound


def ratio(ours: float, least: float) -> float:
    """How many times the least it is; infinite times nothing."""
    if least:
        return ours / least
    return math.inf if ours else 1.0


def medians(rounds: Mapping[str, Sequence[Figures]]) -> dict[str, dict[str, float]]:
    """Of each figure of each stand; of a figure that some rounds lack, of the others."""
    return {stand: _medians(runs) for stand, runs in rounds.items() if runs}


def _medians(runs: Sequence[Figures]) -> dict[str, float]:
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: median(run[name] for run in runs if name in run) for name in names}


def paired_ratio(ours: Sequence[float], least: Sequence[float]) -> float:
    """The median of the ratios of runs that followed each other.

    What else the machine did meets both of a pair, so this varies less than a ratio of medians.
    """
    return median(ratio(*pair) for pair in zip(ours, least, strict=True))


def is_worlds(figures: Figures) -> bool:
    """Whether the world worked, or waited for a processor, so long that it is what was measured."""
    return figures.get("world", 0.0) + figures.get("world_waited", 0.0) > FULL
