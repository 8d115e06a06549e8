"""Who calls `drain(lane)`, and when: one process by itself, or several over PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.store.ledger import Beginning
from bridge.store.run import Transaction
from bridge.store.turns import Turn


class Engine(Protocol):
    """Runs every turn there is, those of a lane one after another."""

    @property
    def defer(self) -> Callable[[Transaction, Sequence[str]], None] | None:
        """What to call in the transaction that accepts messages; None if nothing."""

    async def beginning(self, lane: str) -> Beginning | None:
        """What takes a message of a lane that rests in the transaction that accepts it."""

    def wake(self, lane: str, taken: Turn | None = None) -> None:
        """Say after that transaction that the lane has work. taken: by `beginning`."""

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        """Work until `stop`; then those at work have `grace` seconds. Raises what is a bug."""
