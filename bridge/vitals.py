"""What this process feels of itself, sampled: the queue, its parts, how late its loop is.

`/metrics` tells the newest sample, so a scrape costs nothing but its text.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

from bridge.errors import BridgeError
from bridge.flow.ticks import next_tick
from bridge.health import Health
from bridge.metrics import LOOP_LAG, TURNS_OLDEST, TURNS_OPEN, UP
from bridge.store import Store
from bridge.store.depth import Depth, depth

SAMPLE_EVERY = 5.0  # seconds
TICK = 0.5  # seconds between two looks at how late the loop is
STALL = 60.0  # seconds in which a database that works says something, if only why it does not


class Vitals:
    """accounts: whose turns are counted."""

    def __init__(
        self, store: Store, health: Health, accounts: Collection[str], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._health = health
        self._accounts = accounts
        self._now = now
        self._depth = Depth(0, None)
        self._moved_at: float | None = None  # on the loop's clock; None: has not begun

    @property
    def are_good(self) -> bool:
        """Whether this process gets anything done; only a new one helps where it does not.

        What an operator or a platform has to mend is no reason: a new process would have the
        same trouble, and the answers that are being written now would be cut.
        """
        if self._moved_at is None:
            return True
        return asyncio.get_running_loop().time() - self._moved_at < STALL

    def __str__(self) -> str:
        """One line for an operator."""
        waiting = f"{self._depth.open_turns} open turns" if self._depth.open_turns else "idle"
        troubles = self._health.standing()
        return f"{waiting}; in trouble: {', '.join(sorted(troubles))}" if troubles else waiting

    async def run(self) -> None:
        """Sample until cancelled."""
        self._moved_at = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feel_lag(), name="loop lag")
            while True:
                await self.sample()
                await next_tick(SAMPLE_EVERY)

    async def sample(self) -> None:
        """Look once. Does not end as long as the database neither answers nor fails."""
        troubles = dict(self._health.standing())
        try:
            self._depth = await self._store.read(depth(self._accounts))
        except BridgeError as error:
            troubles["database"] = str(error)
        else:
            TURNS_OPEN.set(self._depth.open_turns)
            TURNS_OLDEST.set(self._age_of_oldest())
        self._moved_at = asyncio.get_running_loop().time()
        for part in self._health.parts:
            UP.labels(part).set(part not in troubles)

    def _age_of_oldest(self) -> float:
        oldest = self._depth.oldest
        return max(0.0, (self._now() - oldest).total_seconds()) if oldest else 0.0

    async def _feel_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = await next_tick(TICK)
            LOOP_LAG.observe(max(0.0, loop.time() - due))
