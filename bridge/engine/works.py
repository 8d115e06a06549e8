"""What all turns of this process share, whichever engine runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.engine import Engine
from bridge.engine.drain import Drain
from bridge.engine.embedded import EmbeddedEngine
from bridge.errors import Misconfigured
from bridge.flow.interrupts import Interrupts
from bridge.flow.pacing import Pacer, Pacing
from bridge.flow.sharing import sharing
from bridge.lent import News
from bridge.store import Store
from bridge.store.ledger import Ledger

if TYPE_CHECKING:
    from bridge.engine.cluster import Replicas
    from bridge.receiving import Leading


@dataclass(frozen=True)
class Works:
    """pacer: how often each place may be written to, by all processes together.

    replicas: the other processes over the same database; None where there can be none.
    """

    ledger: Ledger
    interrupts: Interrupts
    pacer: Pacing
    replicas: Replicas | None = None

    @property
    def interrupt(self) -> Callable[[str], Awaitable[bool]]:
        """How to stop what a lane is answering, wherever that is."""
        return self.replicas.interrupt if self.replicas else self.interrupts.reach

    def guard(self) -> None:
        """Raises `Unreachable` while another process may be answering in our place."""
        if self.replicas:
            self.replicas.lease.check()

    @property
    def leading(self) -> Leading | None:
        """How to become the one that receives; None where there is no other."""
        return self.replicas.leading if self.replicas else None

    def news(self, account: str) -> News | None:
        """How to tell the others something about an account."""
        return self.replicas.news(account) if self.replicas else None

    def engine(self, drain: Drain, accounts: Collection[str], grace: float) -> Engine:
        """Who calls `drain`. grace: seconds that running turns get at the end."""
        if self.replicas is None:
            return EmbeddedEngine(self.ledger, drain, accounts=accounts)
        from bridge.engine.cluster import ClusterEngine  # noqa: PLC0415  see `works`

        return ClusterEngine(self.replicas, self.ledger, drain, accounts=accounts, grace=grace)


@asynccontextmanager
async def works(url: str, store: Store, now: Callable[[], datetime]) -> AsyncIterator[Works]:
    """Choose by the database. Raises `Misconfigured` where an extra is missing."""
    ledger, interrupts = Ledger(store, now), Interrupts()
    if not url.startswith("postgresql"):
        yield Works(ledger, interrupts, Pacer())
        return
    # Only here: with them comes SQLAlchemy's ORM, 6 MB that SQLite does not need.
    from bridge.store.buckets import PostgresBuckets  # noqa: PLC0415  see above
    from bridge.store.postgres import EXTRA  # noqa: PLC0415  see above

    try:
        from bridge.engine.cluster import Replicas  # noqa: PLC0415  an extra, for who needs it
    except ImportError as error:
        raise Misconfigured([f"database.url: {EXTRA} ({error})"]) from error
    async with AsyncExitStack() as stack:
        buckets = PostgresBuckets(url)
        stack.push_async_callback(buckets.close)
        pacer = await stack.enter_async_context(sharing(buckets))
        yield Works(ledger, interrupts, pacer, Replicas(url, ledger, interrupts))
