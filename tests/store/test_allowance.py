"""Limits hold whoever asks, however many at once, and in whichever replica."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge.events import ChatRef, Inbound, Page, User
from bridge.store import Store, open_store
from bridge.store.allowance import (
    GUESS,
    Budget,
    Day,
    Limits,
    Rate,
    Refused,
    Scope,
    Whose,
    Why,
    admit,
    tidy,
)
from bridge.store.fence import Fenced
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.people import spent_by
from bridge.store.sessions import Session
from bridge.store.turns import Turn, TurnState
from bridge.upstream import Usage

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
DAY = Day(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
THOUSAND = Usage(input_tokens=400, output_tokens=600)
CROWD = 100


@pytest.fixture
async def replicas(store: Store, url: str) -> AsyncIterator[list[Store]]:
    """Two over one PostgreSQL; a SQLite file has one process, so the same one twice."""
    if url.startswith("sqlite"):
        yield [store, store]
        return
    other = await open_store(url)
    yield [store, other]
    await other.close()


def limits(*, rate: int = 0, tokens: int = 0, total: int = 0, uid: str = "anna") -> Limits:
    budgets = (Budget(Whose.PERSON, Scope(uid), tokens), Budget(Whose.ALL, Scope(), total))
    limited = tuple(budget for budget in budgets if budget.most)
    return Limits(uid, "default", Rate(Scope(uid), rate) if rate else None, limited)


async def begin(store: Store, name: str) -> Turn:
    """A message in a chat of its own, on which somebody has begun to work."""
    lane = f"fake/a/{name}/"
    event = Inbound(name, ChatRef("fake", "a", name), User("u"), "hello", NOON)
    await store.write(accept(event, lane, NOON))
    ledger = Ledger(store, lambda: NOON)
    _, [turn] = await ledger.take_over(lane)
    return await ledger.take(turn, [])


async def answer(store: Store, turn: Turn, uid: str = "anna") -> None:
    """Take a question to its end; it costs a thousand tokens."""
    ledger = Ledger(store, lambda: NOON)
    session = Session(turn.lane, "default", uid, "c1")
    turn = await ledger.answered(turn, session, [Page("yes")], text="yes", spent=THOUSAND)
    await ledger.ended(turn, TurnState.DELIVERED)


async def ask(store: Store, name: str, its: Limits) -> Refused | None:
    turn = await begin(store, name)
    refused = await store.write(admit(turn, its, DAY, NOON))
    if refused is None:
        await answer(store, turn, its.uid)
    return refused


async def crowd(replicas: list[Store], its: Limits) -> list[Refused | None]:
    asking = (ask(replicas[n % 2], f"room{n}", its) for n in range(CROWD))
    return await asyncio.gather(*asking)


async def test_a_crowd_in_two_replicas_gets_so_many_messages_and_no_more(
    replicas: list[Store],
) -> None:
    refused = await crowd(replicas, limits(rate=7))
    assert refused.count(None) == 7
    assert {each.why for each in refused if each} == {Why.RATE}


async def test_a_crowd_in_two_replicas_is_told_once(replicas: list[Store]) -> None:
    refused = await crowd(replicas, limits(rate=1))
    assert sum(each.is_news for each in refused if each) == 1


async def test_a_crowd_in_two_replicas_keeps_within_the_tokens(replicas: list[Store]) -> None:
    await ask(replicas[0], "first", limits(tokens=10_000))
    await crowd(replicas, limits(tokens=10_000))
    spent = await replicas[0].read(spent_by("anna", DAY.began))
    assert spent.input_tokens + spent.output_tokens == 10_000


async def test_many_people_at_once_keep_within_the_budget_of_all(replicas: list[Store]) -> None:
    await ask(replicas[0], "first", limits(total=10_000))
    people = [limits(total=10_000, tokens=50_000, uid=f"u{n}") for n in range(CROWD)]
    asking = (ask(replicas[n % 2], f"r{n}", its) for n, its in enumerate(people))
    refused = await asyncio.gather(*asking)
    assert refused.count(None) == 9


async def test_a_single_question_may_have_what_is_left(store: Store) -> None:
    assert await ask(store, "one", limits(tokens=1_500)) is None
    assert await ask(store, "two", limits(tokens=1_500)) is None
    refused = await ask(store, "three", limits(tokens=1_500))
    assert refused == Refused(Why.TOKENS, 1_500, DAY.ends)


async def test_what_an_answer_costs_is_guessed_until_it_is_known(store: Store) -> None:
    its = limits(tokens=2 * GUESS)
    turns = [await begin(store, name) for name in ("a", "b", "c")]
    refused = [await store.write(admit(turn, its, DAY, NOON)) for turn in turns]
    assert [each and each.why for each in refused] == [None, None, Why.RESERVED]


async def test_a_turn_is_admitted_once_however_often_it_is_run(store: Store) -> None:
    turn = await begin(store, "a")
    for _ in range(3):
        assert await store.write(admit(turn, limits(rate=1), DAY, NOON)) is None


async def test_an_ended_turn_reserves_nothing(store: Store) -> None:
    turn = await begin(store, "a")
    await store.write(admit(turn, limits(tokens=GUESS), DAY, NOON))
    await Ledger(store, lambda: NOON).ended(turn, TurnState.DEAD)
    other = await begin(store, "b")
    assert await store.write(admit(other, limits(tokens=GUESS), DAY, NOON)) is None


async def test_who_was_overtaken_admits_nothing(store: Store) -> None:
    turn = await begin(store, "a")
    await Ledger(store, lambda: NOON).take_over(turn.lane)
    with pytest.raises(Fenced):
        await store.write(admit(turn, limits(rate=1), DAY, NOON))


async def test_tidying_leaves_what_still_counts(store: Store) -> None:
    its = limits(rate=1, tokens=9_000)
    ended, running = await begin(store, "a"), await begin(store, "b")
    both = limits(rate=2, tokens=9_000)
    for turn in (ended, running):
        await store.write(admit(turn, both, DAY, NOON))
    await answer(store, ended)
    assert await store.write(tidy(NOON + timedelta(seconds=59))) == 0
    assert await store.write(tidy(NOON + timedelta(seconds=61))) == 1
    refused = await store.write(admit(await begin(store, "c"), its, DAY, NOON))
    assert refused is not None
