"""The messages of an answer go to the turn that asks its question anew."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.events import ChatRef, Enclosure, EnclosureKind, Inbound, Page, User
from bridge.store import Store
from bridge.store.anew import ask_again, take_place
from bridge.store.fence import Fenced
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.sessions import Session
from bridge.store.turns import Settled, Turn, TurnState
from bridge.upstream import Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LANE = "fake/fake/room/"
PICTURE = Enclosure(EnclosureKind.IMAGE, "cat.png", url="https://example.org/cat.png")


async def begun(store: Store, event_id: str) -> Turn:
    """The lane's next turn; the one before has ended."""
    event = Inbound(event_id, ChatRef("fake", "fake", "room"), User("anna"), "why?", NOW)
    await store.write(accept(event, LANE, NOW))
    ledger = Ledger(store, lambda: NOW)
    _, waiting = await ledger.take_over(LANE)
    return waiting[-1]


async def answered(store: Store, turn: Turn, *pages: Page, asked: bool = True) -> None:
    """Every page is a message by the turn's number and its own."""
    ledger, stored = Ledger(store, lambda: NOW), Pages(store)
    if asked:
        turn = await ledger.asked(turn, Trace("c", f"chat-{turn.id}"))
    turn = await ledger.answered(turn, Session(LANE, "default", "uid", "uid"), pages, text="")
    for number in range(len(pages)):
        await stored.posted(turn, number, f"{turn.id}.{number}")
        await stored.settled(turn, [Settled(number, f"{turn.id}.{number}")])
    await ledger.ended(turn, TurnState.DELIVERED)


async def test_its_texts_are_taken_over_and_its_files_stay(store: Store) -> None:
    first = await begun(store, "1")
    await answered(store, first, Page("a"), Page("b"), Page("cat", file=PICTURE))
    second = await store.write(ask_again(await begun(store, "2"), first.id, "why?"))
    assert await store.write(take_place(second)) == {0: f"{first.id}.0", 1: f"{first.id}.1"}
    rows = [(page.number, page.message_id) for page in await Pages(store).of(second)]
    assert rows == [(0, f"{first.id}.0"), (1, f"{first.id}.1")]


async def test_of_many_that_which_was_asked_last_is_meant(store: Store) -> None:
    first = await begun(store, "1")
    await answered(store, first, Page("an answer"))
    for event_id, asked in (("2", True), ("3", False)):
        again = await store.write(ask_again(await begun(store, event_id), first.id, "why?"))
        await answered(store, again, Page("it, or an apology"), asked=asked)
    fourth = await store.write(ask_again(await begun(store, "4"), first.id, "why?"))
    assert await store.write(take_place(fourth)) == {0: f"{first.id + 1}.0"}


async def test_an_apology_is_replaced_where_there_never_was_an_answer(store: Store) -> None:
    first = await begun(store, "1")
    await answered(store, first, Page("sorry"), asked=False)
    second = await store.write(ask_again(await begun(store, "2"), first.id, "why?"))
    assert await store.write(take_place(second)) == {0: f"{first.id}.0"}


async def test_a_run_that_was_overtaken_takes_nothing(store: Store) -> None:
    first = await begun(store, "1")
    await answered(store, first, Page("an answer"))
    second = await store.write(ask_again(await begun(store, "2"), first.id, "why?"))
    with pytest.raises(Fenced):
        await store.write(take_place(replace(second, fence=second.fence - 1)))
    assert await Pages(store).of(second) == []
