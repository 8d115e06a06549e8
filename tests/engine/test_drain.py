"""One lane, drained: every end of a run has its meaning, and the lane goes on."""

import asyncio
from datetime import timedelta

import pytest

from bridge.engine.verdict import MOST_ATTEMPTS, MOST_RETRIES
from bridge.errors import RateLimited, Unauthorised, Unreachable
from bridge.store.fence import Fenced
from bridge.store.sessions import Session
from bridge.store.turns import TurnState
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import World

LANE = "fake/fake/room/"
IN_C1 = Session(LANE, "default", "uid", "c1")


async def dies(world: World, during: str) -> None:
    """Run the lane in a process that is killed at a point: nothing of it is written after."""
    match during:
        case "begun":
            await world.take(LANE)
        case "asking":
            await world.ledger.asking(await world.take(LANE), IN_C1)


async def test_messages_of_a_lane_are_answered_in_order(world: World, agent: ScriptedAgent) -> None:
    for text in ("one", "two", "three"):
        await world.hear(text)
    await world.drain(LANE)
    assert agent.asked == ["one", "two", "three"]
    assert world.adapter.shown() == ["You said: one", "You said: two", "You said: three"]


async def test_parts_of_a_paste_are_asked_as_one(world: World, agent: ScriptedAgent) -> None:
    world.settings(merge_window=0.3)
    await world.hear("one")
    await world.hear("two")
    await world.drain(LANE)
    await world.hear("three")
    await world.drain(LANE)
    assert agent.asked == ["one\ntwo", "three"]


async def test_somebody_is_there_while_a_message_may_still_grow(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    world.settings(merge_window=5)
    await world.hear("one")
    await world.drain(LANE)
    assert adapter.calls[0].verb == "typing"
    assert adapter.calls[0].at < 1
    assert adapter.did("send")[0].at >= 5


async def test_what_passes_is_repeated_and_nobody_hears_of_it(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(*[Play(refuse=Unreachable("down"))] * 3)
    assert await world.chat("hello") == ["You said: hello"]
    assert 4 < world.clock.monotonic() < 10


async def test_what_does_not_pass_ends_in_one_apology_and_the_lane_goes_on(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(*[Play(refuse=Unreachable("down"))] * (MOST_RETRIES + 1))
    shown = await world.chat("one", "two")
    assert shown == [
        "Sorry, the agent cannot be reached at the moment. (Reference 00001)",
        "You said: two",
    ]
    assert len(agent.attempts) == MOST_RETRIES + 2


async def test_coze_says_when_to_come_back(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(refuse=RateLimited("4020", retry_after=40)))
    await world.chat("hello")
    assert world.clock.monotonic() == pytest.approx(40, abs=0.5)


async def test_a_stop_while_waiting_to_repeat_ends_the_waiting(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=RateLimited("4020", retry_after=4000)))
    await world.hear("hello")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(10)
    assert world.interrupts.ask(LANE)
    await draining
    assert world.clock.monotonic() < 11
    assert world.adapter.shown() == ["*(stopped)*"]


async def test_a_stop_says_the_truth_about_a_message_that_may_still_grow(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(merge_window=2)
    agent.play(Play(text="1", pace=3))
    await world.hear("one")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(4.5)
    await world.hear("two")
    await asyncio.sleep(1)
    assert world.adapter.shown() == ["1"]
    assert not world.interrupts.ask(LANE)
    await draining
    assert world.adapter.shown() == ["1", "You said: two"]


@pytest.mark.parametrize("during", ["begun", "asking"])
async def test_a_message_the_process_dies_of_is_given_up_after_five_deaths(
    world: World, agent: ScriptedAgent, during: str
) -> None:
    await world.hear("poison")
    await world.hear("harmless")
    await agent.begin()
    for _ in range(MOST_ATTEMPTS + 1):
        await dies(world.wire(), during)
        if (await world.ledger.waiting(LANE, 0))[0].attempts >= MOST_ATTEMPTS:
            break
    await world.wire().drain(LANE)
    assert world.adapter.shown() == [
        "Sorry, something went wrong with this answer. (Reference 00001)",
        "You said: harmless",
    ]
    assert agent.asked == ["harmless"]


async def test_four_deaths_are_no_reason_to_give_up(world: World, agent: ScriptedAgent) -> None:
    await world.hear("hello")
    for _ in range(MOST_ATTEMPTS - 1):
        await dies(world, "begun")
    await world.drain(LANE)
    assert world.adapter.shown() == ["You said: hello"]


async def test_orderly_ends_of_the_process_are_no_deaths(
    world: World, agent: ScriptedAgent
) -> None:
    agent.otherwise = Play(text="long", pace=1000)
    await world.hear("hello")
    for _ in range(MOST_ATTEMPTS * 2):
        draining = asyncio.create_task(world.drain(LANE))
        await asyncio.sleep(5)
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
    [turn] = await world.ledger.waiting(LANE, 0)
    assert turn.attempts == 0
    assert turn.state is TurnState.ASKED
    assert len(agent.attempts) == 1


async def test_a_release_after_progress_forgets_the_deaths_before_it(world: World) -> None:
    await world.hear("hello")
    for _ in range(4):
        turn = await world.take(LANE)
    await world.ledger.asking(turn, IN_C1)
    await world.ledger.release(turn)
    assert (await world.ledger.waiting(LANE, 0))[0].attempts == 0


async def test_a_bug_gets_three_runs_and_the_next_message_is_answered(
    world: World, agent: ScriptedAgent
) -> None:
    agent.fail("begin", *[KeyError("bug")] * 3)  # type: ignore[arg-type]  # that is the point
    shown = await world.chat("one", "two")
    assert shown == [
        "Sorry, something went wrong with this answer. (Reference 00001)",
        "You said: two",
    ]


async def test_a_bug_in_the_middle_of_an_answer_asks_nothing_twice(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c", bug=KeyError("bug")))
    assert await world.chat("one") == ["a b c"]
    assert len(agent.attempts) == 1


async def test_bugs_before_the_answer_do_not_count_against_its_delivery(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.fail("begin", *[KeyError("bug")] * 2)  # type: ignore[arg-type]  # that is the point
    adapter.fail(KeyError("another"), KeyError("another"), verb="send")
    assert await world.chat("one") == ["You said: one"]


async def test_a_refused_key_keeps_the_turn_open_until_the_operator_has_helped(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(*[Play(refuse=Unauthorised("bad token"))] * 20)
    assert await world.chat("hello") == ["You said: hello"]
    assert world.clock.monotonic() >= 20 * 30


async def test_an_apology_that_meets_a_refused_key_goes_out_later(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.fail("begin", *[KeyError("bug")] * 3)  # type: ignore[arg-type]  # that is the point
    adapter.fail(*[Unauthorised("bad token")] * 3, verb="send")
    shown = await world.chat("one")
    assert shown == ["Sorry, something went wrong with this answer. (Reference 00001)"]


async def test_an_apology_that_meets_a_database_in_trouble_is_not_forgotten(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    for _ in range(MOST_ATTEMPTS):
        await (world.taken("poison") if not world.woken else world.take(LANE))
    world.store.failing = [None, Unreachable("locked")]
    with pytest.raises(Unreachable):
        await world.drain(LANE)
    await world.drain(LANE)
    assert adapter.shown() == ["Sorry, something went wrong with this answer. (Reference 00001)"]


async def test_an_apology_that_is_a_bug_itself_does_not_stop_the_lane(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.fail("begin", *[KeyError("bug")] * 3)  # type: ignore[arg-type]  # that is the point
    adapter.fail(KeyError("another"), verb="send")
    assert await world.chat("one", "two") == ["You said: two"]


async def test_whoever_was_overtaken_writes_nothing_and_says_so(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b", pace=10))
    await world.hear("hello")
    first = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(5)
    await world.ledger.take_over(LANE)
    with pytest.raises(Fenced):
        await first
    [turn] = await world.ledger.waiting(LANE, 0)
    assert turn.state is TurnState.ASKED


async def test_closing_begins_no_further_turn(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(text="a b", pace=10))
    await world.hear("one")
    await world.hear("two")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(5)
    world.drain.close()
    await draining
    assert agent.asked == ["one"]
    assert world.adapter.shown() == ["a b"]


async def test_closing_does_not_wait_to_repeat_a_turn(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(refuse=Unauthorised("bad token")))
    await world.hear("one")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(1)
    world.drain.close()
    await draining
    assert world.clock.monotonic() < 2
    assert len(await world.ledger.waiting(LANE, 0)) == 1


async def test_a_clock_that_was_set_back_delays_nothing(world: World, agent: ScriptedAgent) -> None:
    world.settings(merge_window=0.3)
    await world.hear("hello")
    world.clock.set_back(timedelta(days=1).total_seconds())
    await asyncio.wait_for(world.drain(LANE), 1)
    assert world.adapter.shown() == ["You said: hello"]
