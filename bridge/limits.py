"""How often a platform lets itself be called, as values; `flow/pacing.py` does the arithmetic."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

EDITS = 0.4
"""How much of a quota goes to intermediate edits at most. What they used in the last second is not
there when many answers end in one instant: the last of fifty lands after 1.1 s (bench/README)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`interval` seconds between two calls under `key`; 0 is no limit."""

    key: Hashable
    interval: float


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `calls` under `key` in any `seconds`.

    edits: the share of it that intermediate edits may use; the rest is kept for what matters.
    """

    key: Hashable
    calls: int
    seconds: float
    edits: float = EDITS


Limit: TypeAlias = Pace | Quota
