"""What everybody should know is given out once, whoever gives it out."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.store import Job, Store
from bridge.store.broadcasts import (
    Broadcast,
    Stage,
    broadcast,
    draft,
    give_out,
    release,
    sending,
    undelivered,
    window,
)
from bridge.store.inbox import Accepted, accept
from bridge.store.turns import TurnKind

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
YESTERDAY = NOON - timedelta(days=1)
BOSS = "fake:boss"


def said(name: str, *, kind: ChatKind = ChatKind.PRIVATE) -> Inbound:
    return Inbound(name, ChatRef("fake", "a", name, kind=kind), User(name), "hello", NOON)


async def hear(store: Store, event: Inbound, at: datetime = NOON) -> int:
    accepted = await store.write(accept(event, f"fake/a/{event.chat.chat}/", at))
    assert accepted
    return accepted.id


async def begun(store: Store) -> Broadcast:
    """A broadcast that may be sent, asked for after all that was said."""
    number = await hear(store, said("office"))
    await store.write(draft(number, "news", BOSS, YESTERDAY))
    assert await store.write(release(number, BOSS, NOON))
    found = await store.read(sending())
    assert found is not None
    return found


def news(of: Broadcast, event: Inbound) -> Job[Accepted | None]:
    told = replace(event, event_id=f"news/{of.id}/{event.chat.chat}", about=str(of.id))
    return accept(told, f"fake/a/{event.chat.chat}/!", NOON, kind=TurnKind.NEWS)


async def step(store: Store, of: Broadcast, size: int = 10) -> list[Accepted]:
    found = await store.read(window(of, ["a"], size))
    return await store.write(give_out(of, found.cursor, [news(of, each) for each in found.said]))


async def test_only_private_chats_of_these_accounts_are_looked_at_the_newest_first(
    store: Store,
) -> None:
    await hear(store, said("long ago"), at=YESTERDAY - timedelta(seconds=1))
    await hear(store, said("anna"))
    await hear(store, said("group", kind=ChatKind.GROUP))
    await hear(store, said("thread", kind=ChatKind.THREAD))
    await hear(store, replace(said("owner"), overheard=True))
    elsewhere = replace(said("other"), chat=ChatRef("fake", "b", "other"))
    await store.write(accept(elsewhere, "fake/b/other/", NOON))
    of = await begun(store)
    found = await store.read(window(of, ["a"], 10))
    assert [event.chat.chat for event in found.said] == ["office", "anna"]
    assert found.cursor == 0


async def test_of_two_replicas_that_give_out_the_same_one_does(store: Store) -> None:
    for name in ("anna", "ben"):
        await hear(store, said(name))
    of = await begun(store)
    given = await asyncio.gather(*(step(store, of) for _ in range(5)))
    assert sorted(map(len, given)) == [0, 0, 0, 0, 3]
    assert await store.read(undelivered()) == 3


async def test_a_chat_with_many_messages_is_told_once(store: Store) -> None:
    for number in range(6):
        await hear(store, replace(said("anna"), event_id=f"e{number}"))
    of: Broadcast | None = await begun(store)
    given = 0
    while of:
        given += len(await step(store, of, size=2))
        of = await store.read(sending())
    assert given == 2  # hers, and the admin's own


async def test_how_far_it_is_stands_beside_it(store: Store) -> None:
    for name in ("anna", "ben", "carl"):
        await hear(store, said(name))
    of = await begun(store)
    await step(store, of, size=2)
    half = await store.read(broadcast(of.id))
    assert half is not None
    assert (half.stage, half.chats) == (Stage.SENDING, 2)
    await step(store, half, size=9)
    whole = await store.read(broadcast(of.id))
    assert whole is not None
    assert (whole.stage, whole.chats) == (Stage.DONE, 4)


async def test_a_draft_is_released_once_and_only_by_who_wrote_it(store: Store) -> None:
    number = await hear(store, said("office"))
    await store.write(draft(number, "news", BOSS, YESTERDAY))
    assert not await store.write(release(number, "fake:other", NOON))
    assert await store.read(sending()) is None
    assert await store.write(release(number, BOSS, NOON))
    assert await store.write(release(number, BOSS, NOON))  # the same word again, after a crash
    assert not await store.write(release(number + 1, BOSS, NOON))
