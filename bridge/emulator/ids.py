"""Ids as Coze writes them: decimal strings of 19 digits that grow with time."""

import random

_FIRST = 7_400_000_000_000_000_000  # the decade in which today's ids are


class Ids:
    """A seeded source of ids. Sorting ids sorts by age, as with the real ones."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"ids {seed}")
        self._last = _FIRST

    def next(self) -> str:
        """Return an id greater than every id before."""
        self._last += self._dice.randint(1, 10**9)
        return str(self._last)

    def logid(self, now: float) -> str:
        """Return a log id: a time stamp and 18 hexadecimal digits.

        now: seconds since 1970.
        """
        return f"{int(now):014d}{self._dice.getrandbits(72):018X}"
