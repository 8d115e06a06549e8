"""Distributions in one line."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def bound_of(
    before: Mapping[float, float], after: Mapping[float, float], share: float = 0.99
) -> float:
    """The least bound of a histogram below which so many of what it counted lie; 0 if nothing is.

    before, after: cumulative counts by their upper bounds, at two moments.
    """
    counts = {bound: count - before.get(bound, 0) for bound, count in after.items()}
    seen = max(counts.values(), default=0)
    if not seen:
        return 0.0
    return min(
        (bound for bound, count in counts.items() if count >= share * seen), default=math.inf
    )


def distribution(seconds: Iterable[float]) -> str:
    """Seconds as milliseconds."""
    values = [each * 1000 for each in seconds]
    shares = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
    told = [f"{name} {percentile(values, share):.0f}" for name, share in shares]
    return " ".join([*told, f"max {max(values):.0f}"]) if values else "none"


def spread(values: Sequence[float], digits: int) -> str:
    """The median, with the least and the most."""
    least, middle, most = (
        f"{each:.{digits}f}" for each in (min(values), median(values), max(values))
    )
    return f"{middle} ({least}–{most})"
