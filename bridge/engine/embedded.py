"""One process: an actor per lane, woken by the inbox. No lease; nothing waits for a poll.

Only what comes by another door does, an operator's command that lets a dead turn run again: the
database is looked at for it every few seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from bridge.engine.drain import Drain
from bridge.errors import Transient
from bridge.flow.retry import backoff
from bridge.flow.ticks import next_tick
from bridge.logs import get
from bridge.pausing import LOOK_EVERY
from bridge.store.ledger import Beginning, Ledger
from bridge.store.run import Transaction
from bridge.store.turns import Turn

log = get(__name__)


class EmbeddedEngine:
    """Calls `drain(lane)` whenever a lane has work, once at a time for each lane.

    accounts: the configured ones, None for all; what an account left behind that is not
        configured any more waits until it is again.
    """

    def __init__(
        self,
        ledger: Ledger,
        drain: Drain,
        *,
        accounts: Collection[str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._drain = drain
        self._accounts = accounts
        self._sleep = sleep
        self._group: asyncio.TaskGroup | None = None
        self._woken: set[str] = set()
        self._actors: dict[str, asyncio.Task[None]] = {}
        self._resting: set[str] = set()  # lanes that wait for the database to come back

    # Whoever starts next looks for what has work.
    defer: Callable[[Transaction, Sequence[str]], None] | None = None

    async def beginning(self, lane: str) -> Beginning | None:
        """Only while nobody is at work in the lane, who would be overtaken."""
        is_at_rest = self._group is not None and lane not in self._actors
        return await self._drain.beginning() if is_at_rest else None

    def wake(self, lane: str, taken: Turn | None = None) -> None:
        """The lane has work. Before `run` this is only remembered.

        What was taken is taken once more where somebody has come to the lane meanwhile.
        """
        self._woken.add(lane)
        if self._group is not None and lane not in self._actors:
            name = f"lane {lane}"
            self._actors[lane] = self._group.create_task(self._act(lane, taken), name=name)

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        """Work until `stop`, beginning with what an earlier process left undone.

        Then no turn is begun, and those at work have `grace` seconds before they are cancelled;
        the ledger still holds them. Raises what is a bug, or `Fenced`.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for lane in [*await self._ledger.open_lanes(self._accounts), *self._woken]:
                    self.wake(lane)
                looking = group.create_task(self._look(), name="lanes")
                await stop.wait()
                looking.cancel()
            finally:
                self._group = None  # however it ends: from now on a wake is only remembered
            self._drain.close()
            await self._finish(grace)

    async def _look(self) -> None:
        """Find work of which nobody told this process."""
        while True:
            await next_tick(LOOK_EVERY)
            try:
                await self._drain.look()
                lanes = await self._ledger.open_lanes(self._accounts)
            except Transient as error:
                log.warning("engine.not_looked", error=str(error))
                continue
            for lane in lanes:
                if lane not in self._actors:
                    self.wake(lane)

    async def _finish(self, grace: float) -> None:
        if not self._actors:
            return
        log.info("engine.draining", lanes=len(self._actors), grace=grace)
        for lane in self._resting:
            self._actors[lane].cancel()
        _, late = await asyncio.wait(self._actors.values(), timeout=grace)
        for task in late:
            task.cancel()
        if late:
            log.warning("engine.cut", lanes=len(late))
            await asyncio.wait(late)

    async def _act(self, lane: str, taken: Turn | None) -> None:
        attempt = 0
        while lane in self._woken and self._group is not None:
            self._woken.discard(lane)
            try:
                await self._drain(lane, taken)
                attempt = 0
            except Transient as error:
                attempt += 1
                self._woken.add(lane)
                log.error("lane.delayed", lane=lane, error=str(error))
                await self._rest(lane, backoff(attempt))
            taken = None
        # No await since the check, so nobody can have been woken in between.
        del self._actors[lane]

    async def _rest(self, lane: str, seconds: float) -> None:
        self._resting.add(lane)
        try:
            await self._sleep(seconds)
        finally:
            self._resting.discard(lane)
