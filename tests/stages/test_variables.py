"""What Coze is told of a user: in time, only when it is news, and never in the way."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import Unauthorised, Unreachable
from bridge.store.variables import known, wish
from bridge.testing.agent import ScriptedAgent
from bridge.variables import AT_ONCE
from tests.stages.telling import OF_ANNA, SOURCES, Calls, configured, settled, uid_of
from tests.stages.world import ANNA, LI, World


async def test_the_agent_knows_its_user_when_it_is_asked(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    await world.chat("hello")
    assert told == [OF_ANNA]
    assert agent.attempts[0].uid == uid_of(agent)


async def test_nothing_is_told_twice(world: World, told: Calls) -> None:
    await world.chat("hello", "again")
    await settled(world)
    await world.chat("and again")
    assert told == [OF_ANNA]


async def test_what_changed_is_told_before_the_next_answer(world: World, told: Calls) -> None:
    await world.chat("hello")
    await world.chat("it is me", user=replace(ANNA, name="Anna Vronskaya"))
    assert told == [OF_ANNA, {"user_name": "Anna Vronskaya"}]


async def test_what_a_platform_does_not_tell_is_left_out(world: World, told: Calls) -> None:
    await world.chat("hello", user=replace(ANNA, name="", language=""))
    assert told == [{"plan": "free"}]


async def test_every_person_has_their_own(world: World, agent: ScriptedAgent, told: Calls) -> None:
    await world.chat("hello")
    await world.chat("你好", user=LI, chat="elsewhere")
    assert len({uid for uid, _ in agent.told}) == 2


async def test_without_variables_nothing_is_asked(world: World, agent: ScriptedAgent) -> None:
    agent.fail("variables", Unreachable("nobody should ask"))
    await world.chat("hello")
    await world.variables.close()
    assert agent.told == []
    assert agent.errors["variables"]


async def test_a_slow_endpoint_delays_no_answer(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.slow = 5.0
    await world.chat("hello", "again", "and again")
    assert world.clock.monotonic() < agent.slow / 2


async def test_what_changes_meanwhile_is_told_after_what_is_under_way(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.slow = 5.0
    await world.chat("hello")
    await world.chat("it is me", user=replace(ANNA, name="Anna Vronskaya"))
    await asyncio.sleep(3 * agent.slow)
    assert told == [OF_ANNA, {"user_name": "Anna Vronskaya"}]


async def test_a_question_waits_where_the_operator_wants_it_to(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, SOURCES, variables_wait=2.0)
    agent.slow = 1.5
    await world.chat("hello")
    assert world.clock.monotonic() == pytest.approx(1.5, abs=0.1)
    agent.slow = 60.0
    await world.chat("hi", user=LI, chat="elsewhere")
    assert world.clock.monotonic() == pytest.approx(3.5, abs=0.2)


async def test_the_time_in_which_a_message_may_grow_is_used(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    world.settings(merge_window=0.3)
    agent.slow = 0.2
    began = world.clock.monotonic()
    await world.chat("hello")
    assert told == [OF_ANNA]
    assert world.clock.monotonic() - began == pytest.approx(0.3, abs=0.05)
    assert agent.remembered[uid_of(agent)]["plan"].value == "free"


@pytest.mark.parametrize("error", [Unreachable("down"), Unauthorised("not yours"), OSError("bug")])
async def test_a_failure_costs_no_answer_and_is_mended_by_the_next_question(
    world: World, agent: ScriptedAgent, told: Calls, error: Exception
) -> None:
    agent.errors["set_variables"] = [error]  # type: ignore[list-item]  # also a bug of ours
    shown = await world.chat("hello")
    assert shown == ["You said: hello"]
    await settled(world)
    await world.chat("again")
    assert told == [OF_ANNA, OF_ANNA]


async def test_slow_calls_are_few_at_once(world: World, agent: ScriptedAgent, told: Calls) -> None:
    agent.slow = 5.0
    crowd = [replace(ANNA, id=f"u-{number}") for number in range(3 * AT_ONCE)]
    await asyncio.gather(*(world.chat("hi", user=each, chat=each.id) for each in crowd))
    assert len(agent.told) == AT_ONCE
    await asyncio.sleep(3 * 2 * agent.slow)
    assert len(agent.remembered) == len(crowd)


async def test_prompts_are_filled_in_from_the_same_sources(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {}, custom_variables={"who": "user.name"}, parameters={"where": "platform"})
    await world.chat("hello")
    assert agent.attempts[0].custom_variables == {"who": ANNA.name}
    assert agent.attempts[0].parameters == {"where": "fake"}


# What the user sets


async def test_users_set_what_is_left_to_them(world: World, agent: ScriptedAgent) -> None:
    configured(world, {"nickname": "user-set", "plan": "constant:free"})
    shown = (await world.chat("/vars"))[-1]
    assert "- `nickname`: –" in shown
    assert "/set" in shown
    assert "Noted" in (await world.chat("/set nickname Queen of  Sheba"))[-1]
    assert agent.told == [(agent.told[0][0], {"nickname": "Queen of  Sheba"})]
    assert "Queen of  Sheba" in (await world.chat("/vars"))[-1]


@pytest.mark.parametrize("said", ["/set", "/set plan gold", "/set nickname", "/set nickname  "])
async def test_what_cannot_be_set_so_is_explained(
    world: World, agent: ScriptedAgent, said: str
) -> None:
    configured(world, {"nickname": "user-set", "plan": "constant:free"})
    assert "`nickname`" in (await world.chat(said))[0]
    assert agent.told == []


async def test_where_nothing_is_left_to_users_they_hear_so(world: World, told: Calls) -> None:
    assert "nothing for you to set" in (await world.chat("/set plan gold"))[0]


async def test_what_was_set_while_coze_was_away_comes_with_the_next_question(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {"nickname": "user-set"})
    session = await world.sessions.resolve(world.says("/set nickname Nyuta"))
    await world.store.write(wish(session.uid, "default", {"nickname": "Nyuta"}))
    await world.chat("hello")
    assert [values for _, values in agent.told] == [{"nickname": "Nyuta"}]


@pytest.mark.parametrize("seconds", [1.0, 30.0])
async def test_nothing_under_way_brings_back_whoever_wants_to_be_forgotten(
    world: World, agent: ScriptedAgent, told: Calls, seconds: float
) -> None:
    agent.slow = seconds
    await world.chat("hello", "/forget yes")
    await asyncio.sleep(2 * agent.slow)
    assert await world.store.read(known(uid_of(agent), "default")) == {}
