"""Every adapter receives, as long as that makes sense, and /readyz tells where it does not."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from bridge.adapter import Adapter, ReceivesAlone, Sink
from bridge.errors import Permanent, Transient
from bridge.flow.supervise import supervise
from bridge.health import Health
from bridge.logs import get

log = get(__name__)

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
            return await adapter.run(self._sink)
        while True:
            self._health.stand_by(account, standing=True)
            async with self._leading(account) as lost:
                self._health.stand_by(account, standing=False)
                await self._until(lost, adapter)

    async def _until(self, lost: asyncio.Event, adapter: Adapter) -> None:
        """Receive until somebody else may; what was received and not committed comes to them."""
        receiving = asyncio.create_task(adapter.run(self._sink))
        losing = asyncio.create_task(lost.wait())
        try:
            await asyncio.wait([receiving, losing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (receiving, losing):
                task.cancel()
            await asyncio.wait([receiving, losing])
        if not receiving.cancelled():
            receiving.result()
