"""This replica among the others: whether it still belongs to them, and how to reach them."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from bridge.engine.cluster.calling import Calling
from bridge.engine.cluster.leader import leading
from bridge.engine.cluster.lease import Lease
from bridge.engine.cluster.queue import Beats
from bridge.errors import Unreachable
from bridge.flow.interrupts import Interrupts
from bridge.logs import get
from bridge.store.ledger import Ledger
from bridge.store.postgres import conninfo

STOP = "stop"

log = get(__name__)


class AccountNews:
    """`bridge.lent.News` of one account."""

    spreads = True

    def __init__(self, calling: Calling, topic: str) -> None:
        self._calling = calling
        self._topic = topic

    def listen(self, heard: Callable[[str], None]) -> None:
        """Hear what others tell."""
        self._calling.on(self._topic, heard)

    async def tell(self, text: str) -> None:
        """Let the others know, if the database lets us."""
        try:
            await self._calling.tell(self._topic, text)
        except Unreachable as error:
            log.debug("news.lost", topic=self._topic, error=str(error))


class Replicas:
    """lease: to be asked before anything is said to people."""

    def __init__(
        self, url: str, ledger: Ledger, interrupts: Interrupts, *, beats: Beats | None = None
    ) -> None:
        self.url = url
        self.conninfo = conninfo(url)
        self.beats = beats or Beats()
        self.lease = Lease(self.beats.stall / 2)
        self.calling = Calling(self.conninfo)
        self.calling.on(STOP, interrupts.ask)
        self._ledger = ledger
        self._interrupts = interrupts

    async def interrupt(self, lane: str) -> bool:
        """Stop what a lane is answering, wherever; tells whether there was anything."""
        if self._interrupts.ask(lane):
            return True
        if not await self._ledger.is_at_work(lane):
            return False
        await self.calling.tell(STOP, lane)
        return True

    def news(self, account: str) -> "AccountNews":
        """What the replicas tell each other about one account."""
        return AccountNews(self.calling, f"news/{account}")

    def leading(self, account: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """Wait until this replica is the one that may receive for an account.

        Yields what is set when it is not any more.
        """
        return leading(self.conninfo, account)
