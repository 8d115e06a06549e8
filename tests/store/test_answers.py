"""Answers and ends that are written with those of others, as they are alone."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, delete, select

from bridge.events import ChatRef, Inbound, Page, User
from bridge.store import Store
from bridge.store.answers import Answer, End, keep_answers, keep_ends
from bridge.store.fence import Fenced
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages, StoredPage
from bridge.store.sessions import Session
from bridge.store.tables import turns, usage
from bridge.store.turns import Settled, Turn, TurnState
from bridge.upstream import Usage
from tests.store.moment import NOW

MANY = 12


async def put(store: Store, lane: str, text: str = "hello") -> None:
    event = Inbound(f"{lane}-{text}", ChatRef("fake", "fake", lane), User("u"), text, NOW)
    await store.write(accept(event, lane, NOW))


async def begun(store: Store, ledger: Ledger, lane: str) -> Turn:
    await put(store, lane)
    turn = (await ledger.begin(lane, lambda waiting: waiting[:1])).turn
    assert turn is not None
    return turn


async def crowd(store: Store, ledger: Ledger, size: int = MANY) -> list[Turn]:
    return [await begun(store, ledger, f"lane{number}") for number in range(size)]


async def answered(
    ledger: Ledger, turn: Turn, texts: Sequence[str], spent: Usage | None = None
) -> Turn:
    session = Session(turn.lane, "default", "uid", "c1")
    shown = [Page(text) for text in texts]
    return await ledger.answered(turn, session, shown, text=turn.lane, spent=spent)


def answer(turn: Turn, *texts: str, spent: Usage | None = None) -> Answer:
    session = Session(turn.lane, "default", "uid", "c1")
    return Answer(turn, session, [Page(text) for text in texts], turn.lane, spent, None, "", NOW)


def wanted(stored: Sequence[StoredPage]) -> list[str | None]:
    return [page.page and page.page.text for page in stored]


async def states(store: Store) -> list[str]:
    found = select(turns.c.state).order_by(turns.c.id)
    return list(await store.read(lambda connection: connection.execute(found).scalars().all()))


async def test_each_answer_of_a_batch_has_its_own_pages_and_cost(
    store: Store, ledger: Ledger, pages: Pages
) -> None:
    one, two, none = await crowd(store, ledger, 3)
    batch = [
        answer(one, "a", "b", spent=Usage(1, 2)),
        answer(two, "c"),
        answer(none, spent=Usage(3, 4)),
    ]
    assert await store.write(lambda it: keep_answers(it, batch)) == [None] * 3
    assert [wanted(await pages.of(turn)) for turn in (one, two, none)] == [["a", "b"], ["c"], []]
    costs = select(usage.c.turn, usage.c.input_tokens, usage.c.output_tokens).order_by(usage.c.turn)
    rows = await store.read(lambda connection: connection.execute(costs).all())
    assert [tuple(row) for row in rows] == [(one.id, 1, 2), (none.id, 3, 4)]


async def test_what_one_answer_of_a_batch_wants_no_more_the_others_keep(
    store: Store, ledger: Ledger, pages: Pages
) -> None:
    asked = await crowd(store, ledger, 3)
    await store.write(lambda it: keep_answers(it, [answer(turn, *"abc") for turn in asked]))
    batch = [answer(turn, *texts) for turn, texts in zip(asked, ("ABC", "A", "ABC"), strict=True)]
    await store.write(lambda it: keep_answers(it, batch))
    texts = [wanted(await pages.of(turn)) for turn in asked]
    assert texts == [["A", "B", "C"], ["A", None, None], ["A", "B", "C"]]


@pytest.mark.parametrize("overtaken", [0, 1, 2])
async def test_nothing_is_written_with_an_answer_or_an_end_that_is_fenced(
    store: Store, ledger: Ledger, overtaken: int
) -> None:
    asked = await crowd(store, ledger, 3)
    await ledger.take_over(asked[overtaken].lane)
    answers = [answer(turn, "a") for turn in asked]
    ends = [End(turn, TurnState.DELIVERED, [], NOW) for turn in asked]
    with pytest.raises(Fenced, match=asked[overtaken].lane):
        await store.write(lambda it: keep_answers(it, answers))
    with pytest.raises(Fenced, match=asked[overtaken].lane):
        await store.write(lambda it: keep_ends(it, ends))
    assert await states(store) == [TurnState.RECEIVED] * 3


async def test_of_answers_at_once_only_that_which_was_overtaken_fails(
    store: Store, ledger: Ledger, pages: Pages
) -> None:
    asked = await crowd(store, ledger)
    await ledger.take_over(asked[5].lane)
    kept = await asyncio.gather(
        *(answered(ledger, turn, [turn.lane]) for turn in asked), return_exceptions=True
    )
    assert [number for number, it in enumerate(kept) if isinstance(it, Fenced)] == [5]
    texts = [wanted(await pages.of(turn)) for turn in asked]
    assert texts == [[] if turn is asked[5] else [turn.lane] for turn in asked]


async def test_of_ends_at_once_only_that_which_was_overtaken_fails_and_each_tells_what_waits(
    store: Store, ledger: Ledger, pages: Pages
) -> None:
    asked = [await answered(ledger, turn, ["x"]) for turn in await crowd(store, ledger)]
    await put(store, asked[2].lane, "next")
    await put(store, asked[7].lane, "later")
    await ledger.take_over(asked[5].lane)
    ended = await asyncio.gather(
        *(
            ledger.ended(turn, TurnState.DELIVERED, [Settled(0, str(number))])
            for number, turn in enumerate(asked)
        ),
        return_exceptions=True,
    )
    assert isinstance(ended[5], Fenced)
    waits = [[it.text for it in left] for left in ended if not isinstance(left, BaseException)]
    assert [texts for texts in waits if texts] == [["next"], ["later"]]
    waiting = ended[7]
    assert not isinstance(waiting, BaseException)
    assert [turn.fence for turn in waiting] == [asked[7].fence]
    ids = [(await pages.of(turn))[0].message_id for turn in asked]
    assert ids == [None if number == 5 else str(number) for number in range(MANY)]


async def test_each_end_of_a_batch_tells_what_waits_in_its_lane(
    store: Store, ledger: Ledger
) -> None:
    asked = await crowd(store, ledger, 3)
    await put(store, asked[1].lane, "next")
    ends = [End(turn, TurnState.DELIVERED, [], NOW) for turn in asked]
    waiting = await store.write(lambda it: keep_ends(it, ends))
    assert [[(turn.text, turn.fence) for turn in left] for left in waiting] == [
        [],
        [("next", asked[1].fence)],
        [],
    ]


async def test_an_answer_to_what_was_forgotten_keeps_no_other_from_being_written(
    store: Store, ledger: Ledger
) -> None:
    asked = await crowd(store, ledger)
    gone = delete(turns).where(turns.c.id == asked[5].id)

    def forget(connection: Connection) -> None:
        connection.execute(gone)

    await store.write(forget)
    kept = await asyncio.gather(
        *(answered(ledger, turn, ["x"]) for turn in asked), return_exceptions=True
    )
    assert [number for number, it in enumerate(kept) if isinstance(it, Exception)] == [5]
    assert await states(store) == [TurnState.ANSWERED] * (MANY - 1)
