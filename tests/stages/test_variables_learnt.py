"""What is learnt from Coze of a user: what it refuses, what the agent changed, what is shown."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bridge.errors import Exhausted, Permanent, Unauthorised
from bridge.events import ChatKind
from bridge.lanes import lane_of
from bridge.refusals import LOOK_AGAIN, WITNESSES
from bridge.testing.agent import ScriptedAgent
from bridge.upstream import Profile, Variable
from tests.stages.telling import OF_ANNA, SOURCES, Calls, configured, settled, uid_of
from tests.stages.world import ANNA, LI, World

# What Coze does not take


async def test_a_keyword_that_does_not_exist_costs_the_others_nothing(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.unknown = {"plan"}
    await world.chat("hello")
    await settled(world)
    assert set(agent.remembered[uid_of(agent)]) == {"user_name", "language"}
    calls = len(agent.told)
    await world.chat("again")
    await world.chat("hi", user=LI, chat="elsewhere")
    await settled(world)
    assert agent.told[calls:] == [
        (agent.told[-1][0], {"user_name": LI.name, "language": LI.language})
    ]


@pytest.mark.parametrize("what", ["version", "configuration"])
async def test_what_was_refused_is_tried_again_when_something_was_changed(
    world: World, agent: ScriptedAgent, told: Calls, what: str
) -> None:
    agent.unknown = {"plan"}
    await world.chat("hello")
    await settled(world)
    agent.unknown = set()
    if what == "version":
        agent.prologue = Profile(version="2")
    else:
        configured(world, {**SOURCES, "platform": "platform"})
    await asyncio.sleep(LOOK_AGAIN + 1)
    await world.chat("again")
    await settled(world)
    assert agent.remembered[uid_of(agent)]["plan"].value == "free"


async def test_a_value_that_does_not_stick_is_told_to_the_operator_once(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.remembers = False  # as with the token of another owner
    with capture_logs() as logs:
        await world.chat("hello")
        await settled(world)
    refused = [line for line in logs if line["event"] == "variable.refused"]
    assert {line["keyword"] for line in refused} == set(SOURCES)
    assert "owner" in refused[0]["reason"]
    await world.chat("again")
    assert told == [OF_ANNA]


async def test_a_value_that_coze_does_not_take_costs_nobody_else_the_keyword(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.defaults = {"user_name": "traveller"}
    agent.unwelcome = {"曱甴"}
    await world.chat("hello", user=replace(ANNA, name="曱甴"))
    await settled(world)
    await world.chat("你好", user=LI, chat="elsewhere")
    await settled(world)
    assert agent.told[-1][1]["user_name"] == LI.name
    calls = len(agent.told)
    await world.chat("again", user=replace(ANNA, name="曱甴"))
    await settled(world)
    assert len(agent.told) == calls


async def test_a_value_refused_is_followed_by_the_next_one(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.defaults = {"user_name": "traveller"}
    agent.unwelcome = {"曱甴"}
    await world.chat("hello", user=replace(ANNA, name="曱甴"))
    await world.chat("it is me")
    await settled(world)
    assert agent.remembered[uid_of(agent)]["user_name"].value == ANNA.name


async def test_a_value_that_coze_writes_in_its_own_way_has_stuck(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    await world.chat("hello", user=replace(ANNA, name="Anna\0 "))
    await settled(world)
    await world.chat("hi", user=LI, chat="elsewhere")
    await settled(world)
    assert agent.told[-1][1]["user_name"] == LI.name


async def test_a_keyword_whose_values_are_refused_one_after_another_is_refused(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.defaults = {"user_name": ""}  # it is there, but Coze's own
    agent.unknown = {"user_name"}
    for number in range(WITNESSES):
        await world.chat("hello", user=replace(ANNA, id=f"u-{number}"), chat=f"room {number}")
        await asyncio.sleep(1)
    await world.chat("hello", user=LI, chat="elsewhere")
    await asyncio.sleep(1)
    assert "user_name" not in agent.told[-1][1]
    agent.unknown = set()
    agent.prologue = Profile(version="2")
    await asyncio.sleep(LOOK_AGAIN + 1)
    await world.chat("again", user=replace(ANNA, id="u-0"), chat="room 0")
    await asyncio.sleep(1)
    assert agent.remembered[uid_of(agent)]["user_name"].value == ANNA.name


async def test_a_keyword_that_is_taken_away_later_is_refused_as_well(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    await world.chat("hello")
    agent.unknown = {"user_name"}
    await world.chat("hello", user=replace(ANNA, id="u-other"), chat="other room")
    await asyncio.sleep(1)
    await world.chat("hello", user=LI, chat="elsewhere")
    await asyncio.sleep(1)
    assert "user_name" not in agent.told[-1][1]


async def test_strange_people_far_between_cost_nobody_the_keyword(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.defaults = {"user_name": "traveller"}
    agent.unwelcome = {"曱甴"}
    for number in range(2 * WITNESSES):
        name = "曱甴" if number % 2 else ANNA.name
        user = replace(ANNA, id=f"u-{number}", name=name)
        await world.chat("hello", user=user, chat=f"room {number}")
        await asyncio.sleep(1)
    await world.chat("hello", user=LI, chat="elsewhere")
    await asyncio.sleep(1)
    assert agent.told[-1][1]["user_name"] == LI.name


async def test_an_empty_purse_refuses_nothing(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.fail("set_variables", Exhausted("pay first", code=4011))
    await world.chat("hello")
    await settled(world)
    await world.chat("again")
    assert told == [OF_ANNA, OF_ANNA]


async def test_an_error_that_is_nobodys_refusal_refuses_nothing(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.fail("set_variables", Permanent("one bad day", code=5000))
    await world.chat("hello")
    await settled(world)
    assert agent.remembered[uid_of(agent)].keys() == set(SOURCES)


# What the agent changed


async def test_what_the_agent_changed_is_left_alone(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    await world.chat("hello")
    agent.keep(uid_of(agent), Variable("user_name", "Anyuta", world.clock.now()))
    await world.chat("again")
    await settled(world)
    await world.chat("and again")
    assert told == [OF_ANNA]


async def test_of_two_changes_the_later_one_stays(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    await world.chat("hello")
    await settled(world)
    later = world.clock.now() + timedelta(hours=1)
    agent.keep(uid_of(agent), Variable("user_name", "Anyuta", later))
    await world.chat("again")
    await settled(world)
    with capture_logs() as logs:
        await world.chat("it is me", user=replace(ANNA, name="Anna Vronskaya"))
        await settled(world)
    assert told == [OF_ANNA]
    [conflict] = [line for line in logs if line["event"] == "variable.conflict"]
    assert (conflict["keyword"], conflict["lost"]) == ("user_name", "platform")
    await asyncio.sleep(7200)
    await world.chat("really", user=replace(ANNA, name="A. V."))
    assert told == [OF_ANNA, {"user_name": "A. V."}]


# What the user sees of it


async def test_what_the_agent_set_is_shown(world: World, agent: ScriptedAgent, told: Calls) -> None:
    await world.chat("hello")
    agent.keep(uid_of(agent), Variable("mood", "sunny", world.clock.now()))
    shown = (await world.chat("/vars"))[-1]
    assert "- `mood`: sunny" in shown
    assert "- `user_name`: Anna Karenina" in shown


async def test_an_agent_that_knows_nothing_says_so(world: World) -> None:
    assert "nothing about you" in (await world.chat("/vars"))[0]


async def test_a_value_is_shown_as_it_is_written(world: World, agent: ScriptedAgent) -> None:
    configured(world, {"nickname": "user-set"})
    await world.chat("/set nickname ![*x*](https://example.org/p.png) `a`")
    shown = (await world.chat("/vars"))[-1]
    assert "`` ![*x*](https://example.org/p.png) `a` ``" in shown


async def test_what_is_known_of_somebody_is_not_told_where_others_read_along(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    event = world.says("/vars", kind=ChatKind.GROUP)
    await world.inbox(event)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    [shown] = world.adapter.shown()
    assert "private chat" in shown
    assert "Anna" not in shown


async def test_a_name_that_coze_does_not_know_is_told_to_its_user(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {"nickname": "user-set"})
    agent.unknown = {"nickname"}
    assert "does not take" in (await world.chat("/set nickname Nyuta"))[0]


async def test_nothing_is_said_to_be_noted_that_coze_does_not_keep(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {"nickname": "user-set"})
    agent.remembers = False
    assert "does not take" in (await world.chat("/set nickname Nyuta"))[0]


async def test_what_cannot_be_looked_at_is_taken_for_noted(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {"nickname": "user-set"})
    agent.fail("variables", Unauthorised("no permission", code=4101))
    assert "Noted" in (await world.chat("/set nickname Nyuta"))[0]


@pytest.mark.parametrize("said", ["/vars", "/set nickname Nyuta"])
async def test_a_token_that_may_not_read_variables_stops_no_conversation(
    world: World, agent: ScriptedAgent, said: str
) -> None:
    configured(world, {"nickname": "user-set"})
    agent.fail("variables", *[Unauthorised("no permission", code=4101)] * 9)
    agent.fail("set_variables", *[Unauthorised("no permission", code=4101)] * 9)
    shown = await world.chat(said, "hello")
    assert "something went wrong" in shown[0]
    assert shown[1] == "You said: hello"
    assert world.clock.monotonic() < 30
