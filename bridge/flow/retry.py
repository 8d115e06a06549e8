"""How long to wait before trying again."""

import random


def backoff(attempt: int, *, first: float = 1.0, most: float = 30.0) -> float:
    """Seconds before attempt number `attempt` (1 is the first repetition).

    Doubles up to `most`, less up to a quarter at random, so that many that failed together do
    not come back together.
    """
    seconds = min(most, first * 2.0 ** min(attempt - 1, 30))
    return seconds * random.uniform(0.75, 1.0)  # noqa: S311  spreads load, hides no secret
