"""Budgets in a real PostgreSQL, and the fake that stands for them elsewhere."""

import asyncio
import random
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from bridge.flow.buckets import Answered, Buckets, Claimed, Demand, GivenBack, Held, Note
from bridge.flow.pacing import Priority
from bridge.flow.sharing import PATIENCE, SharedPacer, sharing
from bridge.limits import Limit, Pace, Quota
from bridge.store import Store, open_store
from bridge.store.buckets import IDLE, PostgresBuckets
from bridge.testing import postgres
from bridge.testing.buckets import FakeBuckets

PACE = Demand("pace", step=100.0, reach=600.0)
QUOTA = Demand("quota", seconds=100.0, calls=5)
MANY = replace(QUOTA, calls=100)
NEVER_MIND = 20.0  # seconds a busy machine may take between two lines of a test


@pytest.fixture
def url(pg_server: URL, pg_model: str) -> Iterator[str]:
    with postgres.database(pg_server, like=pg_model) as made:
        yield made


@pytest.fixture
async def shared(url: str) -> AsyncIterator[PostgresBuckets]:
    opened = PostgresBuckets(url)
    yield opened
    await opened.close()


@pytest.fixture
async def store(url: str, shared: PostgresBuckets) -> AsyncIterator[Store]:
    """The database itself, to look at and to meddle with."""
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture(params=["fake", pytest.param("postgresql", marks=pytest.mark.postgres)])
def buckets(request: pytest.FixtureRequest) -> Buckets:
    if request.param == "fake":
        return FakeBuckets(time.monotonic)
    made: PostgresBuckets = request.getfixturevalue("shared")
    return made


async def claim(buckets: Buckets, *demands: Demand, replica: str = "one") -> Claimed:
    return await buckets.claim(demands, replica)


async def granted(buckets: Buckets, demand: Demand, tries: int = 10) -> int:
    """How many of so many claims are granted."""
    return sum([(await claim(buckets, demand)).wait <= 0 for _ in range(tries)])


def about(seconds: float) -> object:
    return pytest.approx(seconds - NEVER_MIND / 2, abs=NEVER_MIND / 2)


# What a claim finds


async def test_pace_leaves_an_interval_and_lets_some_run_ahead(buckets: Buckets) -> None:
    assert (await claim(buckets, PACE)).wait <= 0
    assert (await claim(buckets, PACE)).wait == about(100)
    assert (await claim(buckets, replace(PACE, ahead=200.0))).wait <= 0
    assert (await claim(buckets, PACE)).wait == about(200)


async def test_typing_must_find_a_pace_idle_and_leaves_it_so(buckets: Buckets) -> None:
    typing = replace(PACE, ahead=-50.0, step=0.0)
    for _ in range(2):
        assert (await claim(buckets, typing)).wait <= 0
    await claim(buckets, replace(PACE, step=100.0))
    assert (await claim(buckets, typing)).wait == about(150)


async def test_quota_is_open_to_each_as_far_as_they_may_use_it_up(buckets: Buckets) -> None:
    assert await granted(buckets, replace(QUOTA, calls=4, edits=2)) == 2
    assert await granted(buckets, replace(QUOTA, calls=4)) == 2
    assert await granted(buckets, QUOTA) == 1
    assert (await claim(buckets, QUOTA)).wait == about(100)


async def test_quota_is_open_again_when_its_window_has_passed(buckets: Buckets) -> None:
    await buckets.note([(Answered(QUOTA.key, 0.0, 100.0, None), 99.0)] * 5)
    wait = (await claim(buckets, QUOTA)).wait
    assert wait == about(1)
    await asyncio.sleep(wait)
    assert await granted(buckets, QUOTA) == 5


async def test_claim_takes_from_all_or_from_none(buckets: Buckets) -> None:
    await claim(buckets, PACE)
    assert (await claim(buckets, QUOTA, PACE)).wait == about(100)
    assert (await claim(buckets, PACE, QUOTA)).wait == about(100)
    assert await granted(buckets, QUOTA) == 5


async def test_call_counts_from_its_answer(buckets: Buckets) -> None:
    one = replace(QUOTA, calls=1)
    at = (await claim(buckets, one)).at
    await buckets.note([(Answered(one.key, 0.0, one.seconds, at), 40.0)])
    assert (await claim(buckets, one)).wait == about(60)


async def test_call_that_is_never_answered_counts_a_little_longer(buckets: Buckets) -> None:
    one = replace(QUOTA, calls=1, seconds=0.2)
    begun = time.monotonic()
    await claim(buckets, one)
    while (wait := (await claim(buckets, one)).wait) > 0:
        await asyncio.sleep(wait)
    assert 2.19 <= time.monotonic() - begun <= 2.2 + NEVER_MIND


async def test_answer_to_a_call_that_was_not_asked_for_counts_as_well(buckets: Buckets) -> None:
    await buckets.note([(Answered(QUOTA.key, 0.0, 100.0, None), 0.0)] * 3)
    assert await granted(buckets, QUOTA) == 2


async def test_call_that_is_given_back_was_never_made(buckets: Buckets) -> None:
    edit = replace(QUOTA, calls=2, edits=1)
    for _ in range(3):
        claimed = await claim(buckets, PACE, edit)
        assert claimed.wait <= 1e-6
        await buckets.note([(GivenBack(PACE.key, 0.0, PACE.step, claimed.at), 0.0)])
        await buckets.note([(GivenBack(edit.key, 0.0, 0.0, claimed.at), 0.0)])


async def test_only_the_call_that_is_given_back_is_forgotten(buckets: Buckets) -> None:
    await granted(buckets, QUOTA)
    await buckets.note([(GivenBack(QUOTA.key, 0.0, 0.0, at=1.0), 0.0)])
    assert (await claim(buckets, QUOTA)).wait > 0


async def test_retry_after_holds_until_the_longest_is_over(buckets: Buckets) -> None:
    await buckets.note([(Held(PACE.key, 0.0, 300.0), 0.0), (Held(PACE.key, 0.0, 300.0), 200.0)])
    final = await claim(buckets, replace(PACE, ahead=1000.0))
    assert final.wait == about(300)
    assert final.found[PACE.key].held == about(300)


async def test_crowds_of_other_replicas_are_told(buckets: Buckets) -> None:
    await claim(buckets, replace(MANY, crowd=7), replica="one")
    two = await claim(buckets, replace(MANY, crowd=2), replica="two")
    await claim(buckets, replace(MANY, crowd=3), replica="three")
    one = await claim(buckets, MANY, PACE, replica="one")
    assert [each.found["quota"].elsewhere for each in (two, one)] == [7, 5]
    assert one.found["pace"].elsewhere == 0


# What only a database can do


@pytest.mark.postgres
async def test_nothing_waits_for_the_disk(shared: PostgresBuckets) -> None:
    at = (await claim(shared, PACE, QUOTA)).at
    unflushed = text("SELECT pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn() AS it")

    async def leaves_some_of_it(*notes: Note) -> bool:
        """Whether the server, which writes it away now and then, ever had not yet done so."""
        for _ in range(20):
            await (shared.note([(note, 0.0) for note in notes]) if notes else claim(shared, MANY))
            if (await shared._run(unflushed, {}))[0].it:
                return True
        return False

    assert await leaves_some_of_it()
    assert await leaves_some_of_it(Answered(QUOTA.key, 0.0, 10.0, at))
    assert await leaves_some_of_it(GivenBack(PACE.key, 0.0, 1.0, at))
    assert await leaves_some_of_it(Held(PACE.key, 0.0, 30.0))


@pytest.mark.postgres
async def test_connection_goes_back_as_it_was(url: str, shared: PostgresBuckets) -> None:
    alone = PostgresBuckets(url, connections=1)
    await claim(alone, PACE, QUOTA)
    await alone.note([(Held(PACE.key, 0.0, 1.0), 0.0), (Answered(QUOTA.key, 0.0, 1.0, None), 0.0)])
    [row] = await alone._run(text("SHOW synchronous_commit"), {})
    assert row[0] == "on"
    await alone.close()


@pytest.mark.postgres
async def test_clock_that_was_set_back_stops_nobody(shared: PostgresBuckets, store: Store) -> None:
    await claim(shared, PACE, replace(QUOTA, calls=1, edits=1))
    hour = text(
        "UPDATE buckets SET due = due + 3600, claimed = ARRAY[claimed[1] + 3600],"
        " answered = ARRAY[claimed[1] + 3600], edits = ARRAY[edits[1] + 3600]"
    )
    await store.write(lambda connection: connection.execute(hour).close())
    assert (await claim(shared, PACE, replace(QUOTA, calls=1, edits=1))).wait <= 0
    assert (await claim(shared, PACE)).wait == about(100)


@pytest.mark.postgres
async def test_rows_that_say_nothing_any_more_are_removed(
    shared: PostgresBuckets, store: Store
) -> None:
    made = text(
        "INSERT INTO buckets (key, until) SELECT n::text, extract(epoch FROM now())"
        " FROM generate_series(1, 1200) AS n"
    )
    await store.write(lambda connection: connection.execute(made).close())
    await claim(shared, Demand("paced", step=3600.0, reach=7200.0))
    await claim(shared, Demand("called", seconds=3600.0, calls=5))
    await shared.note([(Held("held", 0.0, 3600.0), 0.0)])
    await shared.note([(Answered("answered", 0.0, 3600.0, None), 0.0)])
    await shared.forget_idle()
    assert len(await keys(store)) == 1204
    later = text("UPDATE buckets SET until = until - :age").bindparams(age=IDLE)
    await store.write(lambda connection: connection.execute(later).close())
    await shared.forget_idle()
    assert await keys(store) == {"paced", "called", "held", "answered"}


async def keys(store: Store) -> set[str]:
    return set(await store.read(lambda c: c.execute(text("SELECT key FROM buckets")).scalars()))


@pytest.mark.postgres
async def test_row_that_is_removed_while_it_is_claimed_is_made_again(
    shared: PostgresBuckets, store: Store
) -> None:
    wipe = text("DELETE FROM buckets")
    for _ in range(20):
        await claim(shared, PACE, MANY)
        _, claimed, _ = await asyncio.gather(
            store.write(lambda connection: connection.execute(wipe).close()),
            claim(shared, PACE, MANY),
            store.write(lambda connection: connection.execute(wipe).close()),
        )
        assert set(claimed.found) == {"pace", "quota"}


@pytest.mark.postgres
async def test_restarted_server_is_not_even_noticed(shared: PostgresBuckets, store: Store) -> None:
    await asyncio.gather(*(claim(shared, PACE) for _ in range(4)))
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await store.write(lambda connection: connection.execute(kill).close())
    assert (await claim(shared, QUOTA)).wait <= 0


# Many at once


async def hammer(  # one of many that send, with the time each call arrived at the far side
    pacer: SharedPacer, limits: list[Limit], arrived: list[float], enough: int, dice: random.Random
) -> None:
    while len(arrived) < enough:
        priority = dice.choice([Priority.EDIT, Priority.FIRST, Priority.FINAL, Priority.TYPING])
        wait = await pacer.grant(limits, priority)
        if wait > 0:
            await asyncio.sleep(min(wait, 0.05))
            continue
        if dice.random() < 0.1:
            pacer.give_back(limits)
            continue
        delay = dice.uniform(0, 0.05)
        counted = dice.random()
        await asyncio.sleep(delay * counted)
        arrived.append(time.monotonic())
        await asyncio.sleep(delay * (1 - counted))
        pacer.answered(limits)


def most_in_any(seconds: float, instants: list[float]) -> int:
    """The fullest window: half open, as whoever counts calls sees it."""
    ordered = sorted(instants)
    return max(bisect_left(ordered, at + seconds) - number for number, at in enumerate(ordered))


@pytest.mark.postgres
async def test_no_window_is_ever_overfull_however_many_replicas_there_are(
    url: str, shared: PostgresBuckets
) -> None:
    bot = Quota("bot", 25, 0.5)
    groups = [Quota(("group", number), 8, 0.7) for number in range(3)]
    arrived: list[list[float]] = [[], [], []]
    async with AsyncExitStack() as stack:
        pacers = []
        for _ in range(3):  # each with connections of its own, as another process has
            own = PostgresBuckets(url)
            stack.push_async_callback(own.close)
            pacers.append(await stack.enter_async_context(sharing(own)))
        async with asyncio.TaskGroup() as group:
            for number in range(45):
                room = number % 3
                limits: list[Limit] = [Pace(("chat", number), 0.0), bot, groups[room]]
                dice = random.Random(number)
                dice.shuffle(limits)  # no order in which locks are asked for may be a deadlock
                work = hammer(pacers[number // 3 % 3], limits, arrived[room], 45, dice)
                group.create_task(work)
    everything = [at for room in arrived for at in room]
    assert most_in_any(0.5, everything) <= 25
    assert [most_in_any(0.7, room) <= 8 for room in arrived] == [True, True, True]


@pytest.mark.postgres
async def test_pace_of_one_chat_is_kept_by_all_together(url: str, shared: PostgresBuckets) -> None:
    pace, calls = Pace("chat", 0.5), 0
    other = PostgresBuckets(url)

    async def edit(pacer: SharedPacer) -> None:
        nonlocal calls
        while calls < 5:
            wait = await pacer.grant([pace], Priority.EDIT)
            if wait <= 0:
                calls += 1
            await asyncio.sleep(max(wait, 0.001))

    async with sharing(shared) as one, sharing(other) as two:
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for pacer in (one, two, one, two):
                group.create_task(edit(pacer))
        took = time.monotonic() - begun
    await other.close()
    assert took > (calls - 1) * 0.5 - 0.1


@pytest.mark.postgres
async def test_limits_may_be_told_in_whole_numbers(shared: PostgresBuckets) -> None:
    limits: list[Limit] = [Pace("chat", 1), Pace("place", 0.5), Quota("bot", 5, 1)]
    async with sharing(shared) as pacer:
        assert await pacer.grant(limits, Priority.FINAL) == 0
        pacer.answered(limits)
        assert await pacer.grant(limits[:1], Priority.EDIT) > 0


@pytest.mark.postgres
async def test_retry_after_told_to_one_holds_the_other(url: str, shared: PostgresBuckets) -> None:
    pace, other = Pace(("bot", "chat"), 1.0), PostgresBuckets(url)
    async with sharing(shared) as one, sharing(other) as two:
        one.hold(pace.key, 300)
        async with asyncio.timeout(30):
            while (wait := await two.grant([pace], Priority.FINAL)) <= 0:
                two.give_back([pace])
                await asyncio.sleep(0.01)
        assert wait == about(300)
    await other.close()


@pytest.mark.postgres
async def test_claim_that_hangs_lets_a_replica_go_on_alone_and_is_given_back(
    shared: PostgresBuckets, store: Store, url: str
) -> None:
    quota, other = Quota("bot", 1, 600.0), PostgresBuckets(url)
    async with sharing(shared) as one, sharing(other) as two:
        assert await one.grant([quota], Priority.FINAL) == 0
        one.give_back([quota])
        locked, let_go = asyncio.Event(), asyncio.Event()
        locking = asyncio.create_task(lock_all(url, locked, let_go))
        await locked.wait()
        begun = time.monotonic()
        assert await two.grant([quota], Priority.FINAL) == 0
        assert PATIENCE - 0.1 < time.monotonic() - begun < PATIENCE + NEVER_MIND
        let_go.set()
        await locking
        async with asyncio.timeout(30):
            while await one.grant([quota], Priority.FINAL) > 0:
                await asyncio.sleep(0.01)
    await other.close()


async def lock_all(url: str, locked: asyncio.Event, let_go: asyncio.Event) -> None:
    """Hold every row, as a server does that is stuck."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url.replace("postgresql", "postgresql+psycopg", 1))
    async with engine.begin() as connection:
        await connection.execute(text("SELECT key FROM buckets FOR UPDATE"))
        locked.set()
        await let_go.wait()
    await engine.dispose()


@pytest.mark.postgres
async def test_database_that_is_not_there_stops_nobody() -> None:
    away = PostgresBuckets("postgresql://nobody@127.0.0.1:1/none")
    quota = Quota("bot", 20, 60.0)
    async with sharing(away) as pacer:
        calls = sum([await pacer.grant([quota], Priority.FINAL) <= 0 for _ in range(40)])
    assert calls == 5
    await away.close()
