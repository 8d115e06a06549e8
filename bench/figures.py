"""Distributions in one line."""

from collections.abc import Iterable, Sequence
from statistics import median


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


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
