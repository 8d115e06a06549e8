"""This replica among the others: whether it still belongs to them, and how to reach them."""

import asyncio
from contextlib import AbstractAsyncContextManager

from bridge.engine.cluster.calling import Calling
from bridge.engine.cluster.leader import leading
from bridge.engine.cluster.lease import Lease
from bridge.engine.cluster.queue import Beats
from bridge.flow.interrupts import Interrupts
from bridge.store.turns import Ledger


class Replicas:
    """lease: to be asked before anything is said to people."""

    def __init__(
        self, url: str, ledger: Ledger, interrupts: Interrupts, *, beats: Beats | None = None
    ) -> None:
        self.url = url
        self.beats = beats or Beats()
        self.lease = Lease(self.beats.stall / 2)
        self.calling = Calling(url, interrupts.ask)
        self._ledger = ledger
        self._interrupts = interrupts

    async def interrupt(self, lane: str) -> bool:
        """Stop what a lane is answering, wherever; tells whether there was anything."""
        if self._interrupts.ask(lane):
            return True
        if not await self._ledger.is_at_work(lane):
            return False
        await self.calling.tell(lane)
        return True

    def leading(self, account: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """Wait until this replica is the one that may receive for an account.

        Yields what is set when it is not any more.
        """
        return leading(self.url, account)
