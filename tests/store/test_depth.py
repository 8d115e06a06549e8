"""How much work waits, in SQL."""

from datetime import UTC, datetime, timedelta

from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.store import Store
from bridge.store.depth import Depth, depth
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.turns import TurnState

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


async def hear(store: Store, event: str, at: datetime, account: str = "main") -> None:
    chat = ChatRef("fake", account, event, "", ChatKind.PRIVATE)
    said = Inbound(event, chat, User("u"), "hello", at)
    await store.write(accept(said, f"lane-{event}", at))


async def test_nothing_waits(store: Store) -> None:
    assert await store.read(depth(["main"])) == Depth(0, None)


async def test_what_is_open_waits_since_the_oldest_of_it(store: Store) -> None:
    for minutes in (2, 1, 3):
        await hear(store, f"e{minutes}", NOON + timedelta(minutes=minutes))
    await hear(store, "elsewhere", NOON, account="gone")
    assert await store.read(depth(["main"])) == Depth(3, NOON + timedelta(minutes=1))
    ledger = Ledger(store, lambda: NOON)
    _, [turn] = await ledger.take_over("lane-e1")
    await ledger.ended(turn, TurnState.DELIVERED)
    assert await store.read(depth(["main"])) == Depth(2, NOON + timedelta(minutes=2))
