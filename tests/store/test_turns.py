"""The ledger: it moves forward, belongs to one run at a time, and forgets nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bridge.events import ChatRef, Inbound, Page, User
from bridge.store import Store
from bridge.store.anew import ask_again
from bridge.store.fence import Fenced
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.sessions import Session
from bridge.store.tables import usage
from bridge.store.turns import Settled, Turn, TurnState
from bridge.upstream import Trace, Usage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = Session("lane", "default", "uid", "c1")
CHAT = ChatRef("fake", "fake", "room", "topic")


def event(number: int, text: str = "hello") -> Inbound:
    return Inbound(f"e{number}", CHAT, User("u", name="Änne 🦊"), text, NOW)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(store: Store, clock: Clock) -> Ledger:
    return Ledger(store, clock)


async def put(store: Store, number: int, text: str = "hello", lane: str = "lane") -> int:
    accepted = await store.write(accept(event(number, text), lane, NOW))
    assert accepted is not None
    return accepted.id


async def begun(ledger: Ledger, lane: str = "lane") -> Turn:
    _, waiting = await ledger.take_over(lane)
    return await ledger.take(waiting[0], [])


async def current(ledger: Ledger, lane: str = "lane") -> Turn:
    return (await ledger.waiting(lane, 0))[0]


async def test_a_message_waits_as_it_was_said(store: Store, ledger: Ledger) -> None:
    await put(store, 1, "你好 🦊\n**x**")
    turn = await current(ledger)
    assert turn.event == event(1, "你好 🦊\n**x**")
    assert turn.is_untouched
    assert turn.state is TurnState.RECEIVED
    assert turn.created_at == NOW


async def test_turns_wait_in_the_order_they_came(store: Store, ledger: Ledger) -> None:
    for number in range(5):
        await put(store, number, str(number))
    assert [turn.text for turn in await ledger.waiting("lane", 0)] == list("01234")


async def test_a_long_queue_is_seen_from_its_beginning(store: Store, ledger: Ledger) -> None:
    for number in range(130):
        await put(store, number, str(number))
    waiting = await ledger.waiting("lane", 0)
    assert [turn.text for turn in waiting[:3]] == ["0", "1", "2"]
    assert len(waiting) < 130


async def test_lanes_with_work_are_told_oldest_first(store: Store, ledger: Ledger) -> None:
    for number, lane in enumerate(["b", "a", "b", "c"]):
        await put(store, number, lane=lane)
    assert await ledger.open_lanes() == ["b", "a", "c"]
    await ledger.ended(await begun(ledger, "b"), TurnState.DELIVERED)
    assert await ledger.open_lanes() == ["a", "b", "c"]


async def test_lanes_of_an_account_that_is_gone_are_left_alone(
    store: Store, ledger: Ledger
) -> None:
    await put(store, 1)
    assert await ledger.open_lanes(["another"]) == []
    assert await ledger.open_lanes([event(1).chat.account]) == ["lane"]


async def test_a_run_is_counted_before_it_begins(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    assert (await begun(ledger)).attempts == 1
    assert (await begun(ledger)).attempts == 2
    assert (await current(ledger)).attempts == 2


async def test_every_step_is_found_again(store: Store, ledger: Ledger, clock: Clock) -> None:
    await put(store, 1)
    turn = await ledger.asking(await begun(ledger), SESSION)
    stored = await current(ledger)
    assert (
        (stored.state, stored.trace)
        == (TurnState.ASKING, Trace("c1", ""))
        == (
            turn.state,
            turn.trace,
        )
    )
    clock.now += timedelta(seconds=3)
    await ledger.asked(turn, Trace("c1", "chat"))
    stored = await current(ledger)
    assert (stored.state, stored.trace) == (TurnState.ASKED, Trace("c1", "chat"))
    assert stored.asked_at == clock.now
    await ledger.answered(turn, SESSION, [Page("hi")], text="hi", error="cut")
    stored = await current(ledger)
    assert (stored.state, stored.error) == (TurnState.ANSWERED, "cut")
    await ledger.ended(turn, TurnState.DELIVERED)
    assert await ledger.waiting("lane", 0) == []


async def test_progress_forgives_the_attempts_before_it(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    for _ in range(3):
        turn = await begun(ledger)
    await ledger.asking(turn, SESSION)
    assert (await current(ledger)).attempts == 1


async def test_asking_once_more_forgives_nothing(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    for _ in range(3):
        await ledger.asking(await begun(ledger), SESSION)
    assert (await current(ledger)).attempts == 3


async def test_what_was_no_fault_of_the_message_does_not_count(
    store: Store, ledger: Ledger
) -> None:
    await put(store, 1)
    turn = await begun(ledger)
    await ledger.release(turn)
    assert (await current(ledger)).attempts == 0
    await ledger.release(turn)
    assert (await current(ledger)).attempts == 0
    turn = await begun(ledger)
    await ledger.retry(turn)
    stored = await current(ledger)
    assert (stored.attempts, stored.retries) == (0, 1)
    assert not stored.is_untouched
    await ledger.failed_run(await begun(ledger))
    stored = await current(ledger)
    assert (stored.attempts, stored.failures) == (1, 1)


async def test_what_was_merged_belongs_to_the_turn_for_good(store: Store, ledger: Ledger) -> None:
    for number, text in enumerate(["one", "two", "three"]):
        await put(store, number, text)
    _, waiting = await ledger.take_over("lane")
    taken = await ledger.take(waiting[0], waiting[1:])
    assert taken.text == "one\ntwo\nthree"
    [stored] = await ledger.waiting("lane", 0)
    assert stored.text == "one\ntwo\nthree"


async def test_a_run_that_was_overtaken_writes_nothing(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    old = await begun(ledger)
    await ledger.take_over("lane")
    pages = Pages(store)
    attempts = [
        ledger.asking(old, SESSION),
        ledger.asked(old, Trace("c1", "chat")),
        ledger.answered(old, SESSION, [Page("hi")], text="hi"),
        ledger.ended(old, TurnState.DELIVERED),
        ledger.retry(old),
        ledger.failed_run(old),
        ledger.release(old),
        ledger.take(old, []),
        store.write(ask_again(old, old.id, "what?")),
        pages.posted(old, 0, "1"),
        pages.sending(old, 0),
        pages.settled(old, [Settled(0, "1")]),
        pages.lost(old, 0),
        pages.dead(old, 0, "x"),
    ]
    for attempt in attempts:
        with pytest.raises(Fenced):
            await attempt
    stored = await current(ledger)
    assert (stored.state, stored.attempts, stored.question) == (TurnState.RECEIVED, 1, None)
    assert await pages.of(old) == []


async def test_a_fence_holds_one_lane_alone(store: Store, ledger: Ledger) -> None:
    await put(store, 1, lane="a")
    turn = await begun(ledger, "a")
    await ledger.take_over("b")
    await ledger.asking(turn, SESSION)


async def test_a_new_answer_replaces_every_page_of_an_older_one(
    store: Store, ledger: Ledger
) -> None:
    await put(store, 1)
    turn = await begun(ledger)
    pages = Pages(store)
    await ledger.answered(turn, SESSION, [Page("a"), Page("b"), Page("c")], text="abc")
    await pages.settled(turn, [Settled(0, "10"), Settled(1, "11")])
    await ledger.answered(turn, SESSION, [Page("sorry")], text="")
    wanted = [(p.page, p.message_id, p.state.value) for p in await pages.of(turn)]
    assert wanted == [
        (Page("sorry"), "10", "wanted"),
        (None, "11", "wanted"),
        (None, None, "wanted"),
    ]


async def test_what_an_answer_cost_is_counted_once(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    turn = await begun(ledger)
    for _ in range(2):
        await ledger.answered(turn, SESSION, [Page("a")], text="a", spent=Usage(3, 7))
    rows = await store.read(lambda c: c.execute(select(usage)).all())
    assert [(row.uid, row.input_tokens, row.output_tokens) for row in rows] == [("uid", 3, 7)]


async def test_the_last_question_is_the_last_that_was_asked(store: Store, ledger: Ledger) -> None:
    for number, text in enumerate(["first", "/help", "/retry"]):
        await put(store, number, text)
    first = await begun(ledger)
    await ledger.asking(first, SESSION)
    await ledger.ended(first, TurnState.FAILED)
    await ledger.ended(await begun(ledger), TurnState.DELIVERED)
    retry = await begun(ledger)
    earlier = await ledger.earlier_question("lane", before=retry.id)
    assert earlier is not None
    assert earlier.text == "first"
    assert await ledger.earlier_question("other", before=retry.id) is None
    assert await ledger.earlier_question("lane", before=first.id) is None
    await store.write(ask_again(retry, earlier.id, "first"))
    assert (await current(ledger)).text == "first"


async def test_the_chat_that_may_still_run_is_the_newest_earlier_one(
    store: Store, ledger: Ledger
) -> None:
    for number in range(3):
        await put(store, number)
    for chat in ("chat1", "chat2"):
        turn = await begun(ledger)
        await ledger.asked(await ledger.asking(turn, SESSION), Trace("c1", chat))
        await ledger.ended(turn, TurnState.FAILED)
    turn = await begun(ledger)
    assert await ledger.earlier_trace(turn, "c1") == Trace("c1", "chat2")
    assert await ledger.earlier_trace(turn, "c2") is None
