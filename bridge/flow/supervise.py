"""Keep one peer running: start it again when it failed in a way that may pass."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bridge.flow.asked import end_if_asked
from bridge.flow.retry import backoff

CALM = 60.0  # seconds a peer must have run before its earlier failures are forgotten


async def supervise(
    peer: Callable[[], Awaitable[None]],
    *,
    passing: type[Exception],
    failed: Callable[[Exception, float], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Run `peer` until it returns; after an error of the class `passing`, back off and rerun.

    failed: told each such error and the seconds until the next start.
    Any other error ends the supervision and is raised.
    """
    attempt = 0
    while True:
        started = clock()
        try:
            return await peer()
        except passing as error:
            end_if_asked()
            attempt = 1 if clock() - started > CALM else attempt + 1
            seconds = getattr(error, "retry_after", None) or backoff(attempt)
            failed(error, seconds)
            await sleep(seconds)
