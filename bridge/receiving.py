"""Every adapter receives, as long as that makes sense, and /readyz tells where it does not.

One that has gone deaf is begun anew: it says that nothing arrives, and goes on waiting.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

from bridge.adapter import Adapter, Listens, ReceivesAlone, Sink
from bridge.errors import Permanent, Transient, Unreachable
from bridge.flow.supervise import supervise
from bridge.flow.ticks import next_tick
from bridge.health import Health
from bridge.logs import get

log = get(__name__)

DEAF = 120.0  # seconds of trouble in one go, after which a receiver is begun anew
LISTEN_EVERY = 5.0  # seconds between two looks at whether one is deaf
LET_GO = 30.0  # seconds for one to end that was told to

Leading: TypeAlias = Callable[[str], AbstractAsyncContextManager[asyncio.Event]]


class Receiving:
    """One account's receiving half, from the start of the bridge to its end.

    leading: waits until this process is the one among its replicas that may receive for an
        account; yields what is set when it is not any more. None where there are no replicas.
    """

    def __init__(self, sink: Sink, health: Health, leading: Leading | None) -> None:
        self._sink = sink
        self._health = health
        self._leading = leading

    async def run(self, account: str, adapter: Adapter) -> None:
        """Receive until cancelled, or until the platform refuses us for good."""
        part = f"adapters.{account}"

        def failed(error: Exception, seconds: float) -> None:
            self._health.report(part, str(error))
            log.warning("adapter.failed", account=account, error=str(error), again_in=seconds)

        async def receive() -> None:
            self._health.report(part, None)  # from here on its own `trouble` tells
            await self._receive(account, adapter)

        try:
            await supervise(receive, passing=Transient, failed=failed)
        except Permanent as error:
            # The others go on; this one waits for the operator, and /readyz tells.
            self._health.report(part, str(error))
            log.error("adapter.refused", account=account, error=str(error))

    async def _receive(self, account: str, adapter: Adapter) -> None:
        alone = isinstance(adapter, ReceivesAlone) and adapter.receives_alone
        if self._leading is None or not alone:
            return await self._until(asyncio.Event(), adapter)
        while True:
            self._health.stand_by(account, standing=True)
            async with self._leading(account) as lost:
                self._health.stand_by(account, standing=False)
                await self._until(lost, adapter)

    async def _until(self, lost: asyncio.Event, adapter: Adapter) -> None:
        """Receive until somebody else may; what was received and not committed comes to them."""
        receiving = asyncio.create_task(adapter.run(self._sink), name="adapter")
        losing = asyncio.create_task(lost.wait())
        hearing = asyncio.create_task(_deaf(adapter))
        tasks = (receiving, losing, hearing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(tasks)
        if not receiving.cancelled():
            receiving.result()
        elif not hearing.cancelled():
            raise Unreachable(f"was deaf, begun anew: {hearing.result()}")


async def _deaf(adapter: Adapter) -> str:
    """Wait until nothing has arrived for too long, and tell why not."""
    loop = asyncio.get_running_loop()
    well_at = loop.time()
    while True:
        trouble = adapter.trouble() if isinstance(adapter, Listens) and adapter.listens else None
        if trouble is None:
            well_at = loop.time()
        elif loop.time() - well_at >= DEAF:
            return trouble
        await next_tick(LISTEN_EVERY)


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Raises `RuntimeError` for one that does not end: with it the process has to."""
    for task in tasks:
        task.cancel()
    _, late = await asyncio.wait(tasks, timeout=LET_GO)
    if late:
        raise RuntimeError("a receiver does not end")
