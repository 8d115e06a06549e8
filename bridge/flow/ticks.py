"""Chores that wake together, so that an idle process sleeps in between."""

import asyncio

EARLY = 0.002  # seconds; a timer may go off a moment before its time


async def next_tick(every: float) -> float:
    """Sleep until the loop's clock shows a multiple of `every` seconds; return what it should show.

    To wake costs an idle process as much as most chores do, and who wakes with others shares that.
    The first sleep may be shorter than `every`, and those after work that took its time.
    """
    now = asyncio.get_running_loop().time()
    wait = every - now % every
    if wait < EARLY:
        wait += every
    await asyncio.sleep(wait)
    return now + wait
