"""Steps of a turn that are written together."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from bridge.events import ChatRef, Inbound, Page, User
from bridge.store import Store
from bridge.store.fence import Fenced
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger, Ready
from bridge.store.outbox import Pages
from bridge.store.sessions import Session, StoredSession, session_of
from bridge.store.turns import Settled, Start, Turn, TurnState
from bridge.upstream import Trace
from tests.store.moment import NOW

SESSION = Session("lane", "default", "uid", "c1")
CHAT = ChatRef("fake", "fake", "room")


async def put(store: Store, *texts: str) -> None:
    for text in texts:
        await store.write(accept(Inbound(text, CHAT, User("u"), text, NOW), "lane", NOW))


async def begun_with(store: Store, ledger: Ledger) -> Turn:
    await put(store, "a")
    begun = await ledger.begin("lane", lambda waiting: waiting[:1])
    assert begun.turn is not None
    return begun.turn


async def test_a_lane_is_taken_over_and_its_turn_begun_at_once(
    store: Store, ledger: Ledger
) -> None:
    await put(store, "a", "b", "c")
    begun = await ledger.begin("lane", lambda waiting: waiting[:2])
    assert begun.turn is not None
    assert (begun.turn.text, begun.turn.attempts) == ("a\nb", 1)
    assert [turn.text for turn in begun.parts] == ["a", "b"]
    left = await ledger.waiting("lane", begun.fence)
    assert [(turn.text, turn.attempts) for turn in left] == [("a\nb", 1), ("c", 0)]


async def test_a_lane_is_taken_over_though_nothing_is_ready(store: Store, ledger: Ledger) -> None:
    old = await begun_with(store, ledger)
    begun = await ledger.begin("lane", lambda _: ())
    assert begun.turn is None
    assert [turn.attempts for turn in begun.waiting] == [1]
    with pytest.raises(Fenced):
        await ledger.asking(old, SESSION)


async def test_the_end_of_a_turn_settles_its_pages_and_tells_what_waits(
    store: Store, ledger: Ledger, pages: Pages
) -> None:
    turn = await begun_with(store, ledger)
    await put(store, "b")
    turn = await ledger.answered(turn, SESSION, [Page("one"), Page("two")], text="x")
    waiting = await ledger.ended(turn, TurnState.DELIVERED, [Settled(1, "11")])
    assert [turn.text for turn in waiting] == ["b"]
    found = [(page.state, page.message_id) for page in await pages.of(turn)]
    assert found == [("wanted", None), ("settled", "11")]


async def test_an_overtaken_end_settles_nothing(store: Store, ledger: Ledger, pages: Pages) -> None:
    turn = await begun_with(store, ledger)
    turn = await ledger.answered(turn, SESSION, [Page("one")], text="x")
    await ledger.take_over("lane")
    with pytest.raises(Fenced):
        await ledger.ended(turn, TurnState.DELIVERED, [Settled(0, "10")])
    assert [page.state for page in await pages.of(turn)] == ["wanted"]


async def test_a_question_makes_its_conversation_the_current_one(
    store: Store, ledger: Ledger
) -> None:
    await ledger.asking(await begun_with(store, ledger), SESSION)
    assert await store.read(session_of("lane")) == StoredSession("default", "c1", NOW)


async def test_what_is_gone_is_nobodys_to_begin(store: Store, ledger: Ledger) -> None:
    begun = await ledger.begin("lane", lambda waiting: waiting[:1])
    assert (begun.turn, begun.waiting) == (None, [])


def goes_on(_: Connection, __: Turn) -> Start:
    return Start(SESSION, noted=True)


def everything(waiting: Sequence[Turn]) -> Sequence[Turn]:
    return waiting


async def arrive(
    store: Store, ledger: Ledger, *texts: str, ready: Ready = everything
) -> list[Turn | None]:
    """Messages that come at once; what was taken of each as it was accepted."""
    begin = ledger.beginning(ready, goes_on)
    events = [Inbound(text, CHAT, User("u"), text, NOW) for text in texts]
    accepted = await asyncio.gather(
        *(store.write(accept(event, "lane", NOW, begin=begin), order="lane") for event in events)
    )
    return [each.begun if each else None for each in accepted]


async def test_a_message_whose_lane_is_free_is_taken_as_it_is_accepted(
    store: Store, ledger: Ledger
) -> None:
    [turn] = await arrive(store, ledger, "a")
    assert turn is not None
    assert (turn.text, turn.attempts, turn.state) == ("a", 1, TurnState.RECEIVED)
    asking = await ledger.asking(turn, SESSION)
    assert asking == replace(await ledger.current(turn), start=turn.start)
    assert asking.state is TurnState.ASKING
    assert await store.read(session_of("lane")) == StoredSession("default", "c1", NOW)
    asked = await ledger.asked(asking, Trace("c1", "t1"))
    assert asked.state is TurnState.ASKED
    await ledger.take_over("lane")
    with pytest.raises(Fenced):
        await ledger.ended(asked, TurnState.FAILED)


async def test_what_is_asked_elsewhere_than_was_noted_is_noted_anew(
    store: Store, ledger: Ledger
) -> None:
    [turn] = await arrive(store, ledger, "a")
    assert turn is not None
    asking = await ledger.asking(turn, replace(SESSION, conversation_id="c2"))
    assert asking.trace == (await ledger.current(turn)).trace == Trace("c2", "")


async def test_a_message_waits_for_those_before_it(store: Store, ledger: Ledger) -> None:
    await put(store, "a")
    assert await arrive(store, ledger, "b") == [None]
    assert [(it.text, it.attempts) for it in await ledger.waiting("lane", 0)] == [
        ("a", 0),
        ("b", 0),
    ]


async def test_of_messages_that_come_at_once_the_first_is_taken(
    store: Store, ledger: Ledger
) -> None:
    first, *others = await arrive(store, ledger, "a", "b", "c")
    assert first is not None
    assert others == [None, None]
    left = await ledger.waiting("lane", first.fence)
    assert [(turn.text, turn.attempts) for turn in left] == [("a", 1), ("b", 0), ("c", 0)]


async def test_a_message_that_is_not_ready_is_not_taken(store: Store, ledger: Ledger) -> None:
    assert await arrive(store, ledger, "a", ready=lambda _: ()) == [None]
    assert [turn.attempts for turn in await ledger.waiting("lane", 0)] == [0]


async def test_what_comes_twice_is_taken_once(store: Store, ledger: Ledger) -> None:
    taken = await arrive(store, ledger, "a", "a")
    assert [turn is None for turn in taken] == [False, True]
