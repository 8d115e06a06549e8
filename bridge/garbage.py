"""When Python looks for garbage: never in a start, and through everything only at a quiet time.

While it looks nothing else happens, and what it looks through grows with the answers that are
open: 0.4 s where there are 2,000. Python looks whenever there is a quarter more than before; so it
would while a crowd comes, and find nothing.
"""

import asyncio
import gc
import time
from collections.abc import Callable

YOUNG, MIDDLE = 2_000, 10  # see `gc.set_threshold`; what is young costs milliseconds at most
NEVER = 1_000_000
QUIET = 300  # tasks: some hundred answers
RARELY = 300.0  # seconds after which it is done though it is not quiet


def keep() -> None:
    """Look through nothing for now: what is loaded stays."""
    gc.disable()


def begin() -> None:
    """Look at what is new from here on."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    gc.enable()


class Sweeper:
    """Looks through everything that came after `begin`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._swept_at = monotonic()

    def sweep(self) -> None:
        """Look if it is quiet, or high time. Called about once a minute, in the loop."""
        now = self._monotonic()
        if len(asyncio.all_tasks()) < QUIET or now - self._swept_at >= RARELY:
            gc.collect()
            self._swept_at = now
