"""Chores that wake together, so that an idle process sleeps in between."""

import asyncio
import time

EARLY = 0.002  # seconds; a timer may go off a moment before its time

# Ticks are counted from it: replicas that share a machine shall not do their chores at one moment.
_BEGAN = time.monotonic()


async def next_tick(every: float) -> float:
    """Sleep until a multiple of `every` seconds has passed since this process began.

    Returns the loop's time that was meant. To wake costs an idle process as much as most chores
    do, and who wakes with others shares that. The first sleep may be shorter than `every`, and so
    is one after work that took its time.
    """
    now = asyncio.get_running_loop().time()
    wait = every - (now - _BEGAN) % every
    if wait < EARLY:
        wait += every
    await asyncio.sleep(wait)
    return now + wait
