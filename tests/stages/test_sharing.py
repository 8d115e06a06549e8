"""Several pacers over the same buckets, on virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bridge.errors import RateLimited, Unreachable
from bridge.events import Page
from bridge.flow.buckets import GivenBack, Held
from bridge.flow.pacing import Priority
from bridge.flow.sharing import ALONE, LOOK_AGAIN, LOST, PATIENCE, SharedPacer, sharing
from bridge.lanes import lane_of
from bridge.limits import Limit, Pace, Quota
from bridge.outbox import Outbox
from bridge.screen import Screen
from bridge.testing.adapter import FakeAdapter
from bridge.testing.buckets import FakeBuckets
from bridge.testing.clock import Clock
from tests.stages.world import ACCOUNT, World

BOT = Quota(("bot",), 20, 1.0)


def chat(name: str, interval: float = 1.0) -> Pace:
    return Pace(("bot", name), interval)


@pytest.fixture
async def buckets(clock: Clock) -> FakeBuckets:
    return FakeBuckets(clock.monotonic, delay=0.001)


@pytest.fixture
async def one(buckets: FakeBuckets, clock: Clock) -> AsyncIterator[SharedPacer]:
    async with sharing(buckets, clock.monotonic) as pacer:
        yield pacer


@pytest.fixture
async def other(buckets: FakeBuckets, clock: Clock) -> AsyncIterator[SharedPacer]:
    async with sharing(buckets, clock.monotonic) as pacer:
        yield pacer


async def granted(pacer: SharedPacer, limit: Limit, priority: Priority, tries: int = 40) -> int:
    """How many of so many claims are granted within the same instant, nearly."""
    return sum([await pacer.grant([limit], priority) <= 0 for _ in range(tries)])


# Together


async def test_what_one_took_the_other_has_not(one: SharedPacer, other: SharedPacer) -> None:
    assert await one.grant([chat("a")], Priority.EDIT) == 0
    assert await other.grant([chat("a")], Priority.EDIT) == pytest.approx(1.0, abs=0.01)
    assert await other.grant([chat("b")], Priority.EDIT) == 0


async def test_call_that_one_limit_refuses_takes_from_none(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets
) -> None:
    await one.grant([chat("a")], Priority.EDIT)
    assert await other.grant([BOT, chat("a")], Priority.EDIT) > 0
    assert not buckets.buckets['["quota", ["bot"]]'].claimed


async def test_only_what_a_replica_alone_would_allow_is_asked(
    one: SharedPacer, buckets: FakeBuckets
) -> None:
    await one.grant([chat("a")], Priority.EDIT)
    for _ in range(10):
        assert await one.grant([chat("a")], Priority.EDIT) > 0
    assert buckets.asked == 1


async def test_pace_that_is_only_for_the_eye_costs_no_round_trip(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets
) -> None:
    page = Pace("page", 0.08)
    for pacer in (one, other):
        assert await pacer.grant([page], Priority.EDIT) == 0
        assert await pacer.grant([page], Priority.EDIT) == pytest.approx(0.08)
        pacer.give_back([page])
        pacer.answered([page])
    assert buckets.asked == 0
    await asyncio.sleep(0.1)
    assert await one.grant([page, BOT], Priority.FIRST) == 0
    assert buckets.asked == 1


async def test_final_may_use_what_the_edits_of_all_may_not(
    one: SharedPacer, other: SharedPacer
) -> None:
    edits = [await granted(each, BOT, Priority.EDIT) for each in (one, other)]
    finals = [await granted(each, BOT, Priority.FINAL) for each in (other, one)]
    assert edits == [8, 0]
    assert finals == [12, 0]


async def test_refusal_elsewhere_costs_nobody_their_turn(
    one: SharedPacer, other: SharedPacer
) -> None:
    await granted(other, BOT, Priority.EDIT)
    for stream in range(5):
        wait = await one.grant([chat(f"{stream}"), BOT], Priority.EDIT)
        assert 0.9 < wait <= 1.0
    await asyncio.sleep(1.0)
    for stream in range(5):
        assert await one.grant([chat(f"{stream}"), BOT], Priority.EDIT) == 0


async def test_retry_after_told_to_one_holds_the_other(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets
) -> None:
    one.hold(chat("a").key, 30)
    await asyncio.sleep(0.1)
    assert await other.grant([chat("a")], Priority.FINAL) == pytest.approx(29.9, abs=0.01)
    asked = buckets.asked
    assert await other.grant([chat("a")], Priority.FINAL) == pytest.approx(29.9, abs=0.01)
    assert buckets.asked == asked  # it has learnt that
    assert await other.grant([chat("b")], Priority.FINAL) == 0


async def test_after_a_refusal_both_are_slower_and_by_the_same(
    one: SharedPacer, other: SharedPacer
) -> None:
    one.hold(chat("a").key, 5)
    await asyncio.sleep(0.1)
    await other.grant([chat("a")], Priority.FINAL)
    await asyncio.sleep(5)
    for pacer in (one, other):
        assert await pacer.grant([chat("a")], Priority.EDIT) == 0
        assert await pacer.grant([chat("a")], Priority.EDIT) == pytest.approx(1.5, abs=0.01)
        await asyncio.sleep(1.5)


async def test_call_under_way_counts_until_it_was_answered_and_a_window_on(
    one: SharedPacer, other: SharedPacer
) -> None:
    quota = Quota("slow", 1, 1.0)
    assert await one.grant([quota], Priority.FINAL) == 0
    await asyncio.sleep(1.4)
    assert await other.grant([quota], Priority.FINAL) > 0
    one.answered([quota])
    await asyncio.sleep(0.9)
    assert await other.grant([quota], Priority.FINAL) == pytest.approx(0.1, abs=0.01)
    await asyncio.sleep(0.1)
    assert await other.grant([quota], Priority.FINAL) == 0


async def test_call_of_a_replica_that_died_runs_out_by_itself(
    buckets: FakeBuckets, clock: Clock, other: SharedPacer
) -> None:
    quota = Quota("slow", 1, 1.0)
    async with sharing(buckets, clock.monotonic) as dies:
        assert await dies.grant([quota], Priority.FINAL) == 0
    begun = clock.monotonic()
    while (wait := await other.grant([quota], Priority.FINAL)) > 0:
        await asyncio.sleep(wait)
    assert clock.monotonic() - begun == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
async def test_no_window_is_overfull_however_slow_buckets_and_calls_are(
    buckets: FakeBuckets, clock: Clock, seed: int
) -> None:
    dice, arrived, end = random.Random(seed), list[float](), clock.monotonic() + 30

    async def sends(pacer: SharedPacer, name: str) -> None:
        limits = [chat(name, 0.0), BOT]
        while clock.monotonic() < end:
            buckets.delay = dice.choice([0.0, 0.01, 0.15])
            priority = dice.choice([Priority.EDIT, Priority.FINAL, Priority.TYPING])
            wait = await pacer.grant(limits, priority)
            if wait > 0:
                await asyncio.sleep(wait * dice.random() + 0.001)
            elif dice.random() < 0.2:
                pacer.give_back(limits)
            else:
                await asyncio.sleep(dice.uniform(0, 0.7))
                arrived.append(clock.monotonic())
                await asyncio.sleep(dice.uniform(0, 0.7))
                pacer.answered(limits)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for replica in range(3):
            pacer = await stack.enter_async_context(sharing(buckets, clock.monotonic))
            for number in range(10):
                group.create_task(sends(pacer, f"{replica} {number}"))
    fullest = max(sum(at <= other < at + 1.0 for other in arrived) for at in arrived)
    assert 10 <= fullest <= BOT.calls
    assert len(arrived) > 30 * BOT.calls * 0.3


@pytest.mark.parametrize("sizes", [(5, 5), (30, 10), (40, 2), (1, 1)])
async def test_answers_of_all_replicas_get_an_even_part_of_the_edits(
    one: SharedPacer, other: SharedPacer, clock: Clock, sizes: tuple[int, int]
) -> None:
    edits = [[0] * size for size in sizes]
    dice = random.Random(sum(sizes))
    end = clock.monotonic() + 60

    async def grow(pacer: SharedPacer, counts: list[int], stream: int) -> None:
        limits = [chat(f"{id(counts)} {stream}", 1.1), BOT]
        await asyncio.sleep(dice.random())
        while clock.monotonic() < end:
            wait = await pacer.grant(limits, Priority.EDIT)
            if wait <= 0:
                counts[stream] += 1
                pacer.answered(limits)
            await asyncio.sleep(max(wait, 0.02))

    async with asyncio.TaskGroup() as group:
        for pacer, counts in zip((one, other), edits, strict=True):
            for stream in range(len(counts)):
                group.create_task(grow(pacer, counts, stream))
    means = [sum(counts) / len(counts) for counts in edits]
    assert max(means) <= 1.35 * min(means)
    assert sum(map(sum, edits)) >= 0.75 * min(60 * 8, sum(sizes) * 60 / 1.1)


async def test_screens_of_two_replicas_share_the_pace_of_a_chat_and_its_retry_after(
    one: SharedPacer, other: SharedPacer, world: World, adapter: FakeAdapter
) -> None:
    screens = []
    for number, pacer in enumerate((one, other)):
        event = world.says("hello", thread=f"{number}")  # two conversations of one chat
        await world.inbox(event)
        turn = await world.take(lane_of(event, "user"))
        outbox = Outbox({ACCOUNT: adapter}, world.pages, pacer=pacer, now=world.clock.now)
        screens.append(await outbox.screen(turn))

    async def grow(screen: Screen, texts: int) -> None:
        for number in range(texts):
            while (seconds := await screen.claim()) > 0:
                await asyncio.sleep(seconds)
            page = Page(f"{id(screen)} {number}")
            await screen.show(lambda page=page: [page])

    await asyncio.gather(*(grow(screen, 5) for screen in screens))
    assert len(adapter.calls) == 10
    assert adapter.calls[-1].at - adapter.calls[0].at >= 7.9  # two of ten may run ahead
    adapter.fail(RateLimited("slow", retry_after=17))
    await grow(screens[0], 1)
    await asyncio.sleep(0.1)
    assert await screens[1].claim() == pytest.approx(16.9, abs=0.1)


# Given back


async def test_right_that_is_given_back_is_there_for_the_very_next_claim(
    one: SharedPacer, other: SharedPacer, clock: Clock
) -> None:
    limits = [chat("a"), Quota("few", 1, 1.0)]
    assert await one.grant(limits, Priority.FIRST) == 0
    one.give_back(limits)
    clock.advance(1e-6)  # what rounding may add
    assert await one.grant(limits, Priority.EDIT) == 0
    assert await other.grant(limits, Priority.EDIT) > 0


async def test_claim_that_is_cancelled_while_it_is_asked_for_is_given_back(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets
) -> None:
    buckets.speaks.clear()
    claiming = asyncio.create_task(one.grant([chat("a"), BOT], Priority.FIRST))
    await asyncio.sleep(0.1)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    buckets.speaks.set()
    await asyncio.sleep(0.1)
    assert [type(note) for note in buckets.noted] == [GivenBack, GivenBack]
    assert await other.grant([chat("a"), BOT], Priority.EDIT) == 0


async def test_right_is_not_given_back_twice_when_the_first_may_have_been_heard(
    one: SharedPacer, buckets: FakeBuckets
) -> None:
    await one.grant([chat("a")], Priority.EDIT)
    buckets.trouble = Unreachable("gone", happened=True)
    one.give_back([chat("a")])
    await asyncio.sleep(0.1)
    buckets.trouble = None
    await asyncio.sleep(2 * LOOK_AGAIN)
    assert not buckets.noted


async def test_rights_that_nobody_used_are_forgotten(one: SharedPacer, clock: Clock) -> None:
    for number in range(100):
        await one.grant([chat(f"{number}")], Priority.EDIT)
    clock.advance(LOST)
    await one.grant([chat("kept")], Priority.EDIT)
    one.forget_idle()
    assert set(one._rights) == {(chat("kept"),)}


async def test_janitor_sweeps_the_buckets_as_well(
    one: SharedPacer, buckets: FakeBuckets, clock: Clock
) -> None:
    await one.grant([chat("a")], Priority.EDIT)
    clock.advance(10)
    await one.grant([chat("b")], Priority.EDIT)
    one.forget_idle()
    await asyncio.sleep(0.1)
    assert list(buckets.buckets) == ['["pace", ["bot", "b"]]']


# Alone


async def called(pacer: SharedPacer, clock: Clock, seconds: float) -> int:
    """How many finals go out in so many seconds, if there is always one more to send."""
    end, calls = clock.monotonic() + seconds, 0
    while clock.monotonic() < end:
        wait = await pacer.grant([BOT], Priority.FINAL)
        if wait <= 0:
            calls += 1
            pacer.answered([BOT])
        await asyncio.sleep(max(wait, 0.001))
    return calls


@pytest.mark.parametrize("silent", [False, True])
async def test_without_the_buckets_a_replica_goes_on_with_a_part_of_each_quota(
    one: SharedPacer, buckets: FakeBuckets, clock: Clock, silent: bool
) -> None:
    if silent:
        buckets.speaks.clear()
    else:
        buckets.trouble = Unreachable("the database is away")
    calls = await called(one, clock, 20)
    most = BOT.calls * ALONE * 20
    assert most * 0.5 <= calls <= most + BOT.calls * ALONE


async def test_silence_delays_the_first_claim_and_after_that_one_now_and_then(
    one: SharedPacer, buckets: FakeBuckets, clock: Clock
) -> None:
    buckets.speaks.clear()
    waits = []
    for number in range(12):
        begun = clock.monotonic()
        assert await one.grant([chat(f"{number}")], Priority.FIRST) == 0
        waits.append(clock.monotonic() - begun)
    assert waits[0] == pytest.approx(PATIENCE, abs=0.01)
    assert max(waits[1:]) < 0.01
    await asyncio.sleep(LOOK_AGAIN)
    both = asyncio.gather(
        one.grant([chat("looks")], Priority.FIRST), one.grant([chat("goes on")], Priority.FIRST)
    )
    assert await both == [0, 0]
    assert buckets.asked == 2


async def test_when_the_buckets_are_back_they_decide_again_and_know_what_was_called(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets, clock: Clock
) -> None:
    minute = Quota("minute", 20, 60.0)
    buckets.trouble = Unreachable("the database is away")
    for _ in range(8):
        if await one.grant([minute], Priority.FINAL) <= 0:
            one.answered([minute])
    buckets.trouble = None
    await asyncio.sleep(2 * LOOK_AGAIN)
    assert await granted(other, minute, Priority.FINAL) == 20 - 5
    assert await granted(one, minute, Priority.FINAL) == 0


async def test_retry_after_is_kept_until_it_can_be_told(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets
) -> None:
    buckets.trouble = Unreachable("the database is away")
    one.hold(chat("a").key, 30)
    await asyncio.sleep(10)
    buckets.trouble = None
    await asyncio.sleep(2 * LOOK_AGAIN)
    wait = await other.grant([chat("a")], Priority.FINAL)
    assert wait == pytest.approx(20 - 2 * LOOK_AGAIN, abs=0.1)


async def test_claim_that_is_answered_too_late_is_given_back(
    one: SharedPacer, other: SharedPacer, buckets: FakeBuckets
) -> None:
    quota = Quota("few", 1, 600.0)
    buckets.speaks.clear()
    assert await one.grant([quota], Priority.FINAL) == 0  # alone
    buckets.speaks.set()
    await asyncio.sleep(0.1)
    assert await other.grant([quota], Priority.FINAL) == 0


async def test_last_notes_are_written_at_the_end_if_that_is_quickly_done(
    buckets: FakeBuckets, clock: Clock
) -> None:
    async with sharing(buckets, clock.monotonic) as pacer:
        pacer.hold("a", 30)
    assert [type(note) for note in buckets.noted] == [Held]
    begun = clock.monotonic()
    async with sharing(buckets, clock.monotonic) as pacer:
        buckets.speaks.clear()
        pacer.hold("a", 30)
    assert clock.monotonic() - begun == pytest.approx(PATIENCE, abs=0.01)
