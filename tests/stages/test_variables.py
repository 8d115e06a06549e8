"""What the agent knows of its user: in time, only when it is news, and never in the way."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bridge.config import AgentSettings
from bridge.errors import Exhausted, Permanent, Unauthorised, Unreachable
from bridge.events import ChatKind
from bridge.lanes import lane_of
from bridge.refusals import LOOK_AGAIN, WITNESSES
from bridge.store.variables import known, wish
from bridge.testing.agent import ScriptedAgent
from bridge.upstream import Profile, Variable
from bridge.variables import AT_ONCE
from tests.stages.world import ANNA, LI, World

SOURCES = {"user_name": "user.name", "language": "user.language", "plan": "constant:free"}
OF_ANNA = {"user_name": "Anna Karenina", "language": "en-GB", "plan": "free"}


@pytest.fixture
def told(world: World, agent: ScriptedAgent) -> list[dict[str, str]]:
    """What the agent is told, call by call, from now on."""
    agent.clock = world.clock.now
    return configured(world, SOURCES)


def configured(world: World, sources: dict[str, str], **settings: object) -> list[dict[str, str]]:
    given = {"bot_id": "1", "variables": sources, **settings}
    world.agent_settings = AgentSettings.model_validate(given)
    world.wire()
    return Calls(world)


class Calls(list[dict[str, str]]):
    """The values of each call, read when it is looked at."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __eq__(self, other: object) -> bool:
        return [values for _, values in self._world.agent.told] == other

    def __repr__(self) -> str:
        return repr(self._world.agent.told)

    __hash__ = None  # type: ignore[assignment]  # it changes


async def settled(world: World) -> None:
    """Let what runs in the background end."""
    await world.variables.close()
    world.wire()


def uid_of(agent: ScriptedAgent) -> str:
    return agent.told[0][0]


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


async def test_slow_calls_are_few_at_once(world: World, agent: ScriptedAgent, told: Calls) -> None:
    agent.slow = 5.0
    crowd = [replace(ANNA, id=f"u-{number}") for number in range(3 * AT_ONCE)]
    await asyncio.gather(*(world.chat("hi", user=each, chat=each.id) for each in crowd))
    assert len(agent.told) == AT_ONCE
    await asyncio.sleep(3 * 2 * agent.slow)
    assert len(agent.remembered) == len(crowd)


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


async def test_prompts_are_filled_in_from_the_same_sources(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {}, custom_variables={"who": "user.name"}, parameters={"where": "platform"})
    await world.chat("hello")
    assert agent.attempts[0].custom_variables == {"who": ANNA.name}
    assert agent.attempts[0].parameters == {"where": "fake"}


async def test_an_error_that_is_nobodys_refusal_refuses_nothing(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    agent.fail("set_variables", Permanent("one bad day", code=5000))
    await world.chat("hello")
    await settled(world)
    assert agent.remembered[uid_of(agent)].keys() == set(SOURCES)


# What the user sees and sets


async def test_what_the_agent_set_is_shown(world: World, agent: ScriptedAgent, told: Calls) -> None:
    await world.chat("hello")
    agent.keep(uid_of(agent), Variable("mood", "sunny", world.clock.now()))
    shown = (await world.chat("/vars"))[-1]
    assert "- `mood`: sunny" in shown
    assert "- `user_name`: Anna Karenina" in shown


async def test_an_agent_that_knows_nothing_says_so(world: World) -> None:
    assert "nothing about you" in (await world.chat("/vars"))[0]


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


async def test_a_name_that_coze_does_not_know_is_told_to_its_user(
    world: World, agent: ScriptedAgent
) -> None:
    configured(world, {"nickname": "user-set"})
    agent.unknown = {"nickname"}
    assert "does not take" in (await world.chat("/set nickname Nyuta"))[0]


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


async def test_a_value_is_shown_as_it_is_written(world: World, agent: ScriptedAgent) -> None:
    configured(world, {"nickname": "user-set"})
    await world.chat("/set nickname ![*x*](https://example.org/p.png) `a`")
    shown = (await world.chat("/vars"))[-1]
    assert "`` ![*x*](https://example.org/p.png) `a` ``" in shown


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


async def test_what_is_known_of_somebody_is_not_told_where_others_read_along(
    world: World, agent: ScriptedAgent, told: Calls
) -> None:
    event = world.says("/vars", kind=ChatKind.GROUP)
    await world.inbox(event)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    [shown] = world.adapter.shown()
    assert "private chat" in shown
    assert "Anna" not in shown
