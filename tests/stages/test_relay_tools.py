"""An agent calls our tools: they run side by side, once, and its answer goes on."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bridge.errors import Occupied, Permanent, Transient, Unreachable
from bridge.events import Button, Wanted
from bridge.relay import MOST_STEPS, POLL
from bridge.store.sessions import Session
from bridge.store.turns import Turn, TurnState
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.text.reply import Reply, State
from bridge.tools import Caller, Result, ToolFailure
from bridge.tools.tool import Tool, tool
from bridge.upstream import Asking, Needs, ToolCall, Usage
from tests.stages.world import Killed, World

LANE = "fake/fake/room/"
BUTTON = Button("Where?", "Where?", Wanted.LOCATION)


@dataclass
class Workshop:
    """Tools that remember how often they ran."""

    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    async def note(self, text: str) -> str:
        self.began.append(text)
        await asyncio.sleep(5)
        self.ended.append(text)
        return f"noted {text}"

    async def look(self, where: str) -> dict[str, str]:
        self.began.append(where)
        await asyncio.sleep(1)
        self.ended.append(where)
        return {"found": where}

    async def refuse(self) -> str:
        raise ToolFailure("no such thing")

    async def sleep(self) -> None:
        await asyncio.Event().wait()

    async def offer(self, caller: Caller) -> Result:
        self.callers.append(caller)
        return Result("offered", (BUTTON,))

    def tools(self) -> dict[str, Tool]:
        once: list[Callable[..., Any]] = [self.note, self.refuse, self.sleep]
        twice: list[Callable[..., Any]] = [self.look, self.offer]
        return {
            **{its.__name__: tool(its.__name__, its) for its in once},
            **{its.__name__: tool(its.__name__, its, may_repeat=True) for its in twice},
        }


@pytest.fixture
async def shop(world: World) -> Workshop:
    shop = Workshop()
    world.tools = shop.tools()
    world.wire()
    return shop


def call(name: str, id: str = "", **arguments: object) -> ToolCall:  # noqa: A002
    return ToolCall(id or f"call-{name}", name, json.dumps(arguments))


def needs(*calls: ToolCall, then: Play | None = None, text: str = "") -> Play:
    """An answer that waits for our tools."""
    return Play(text=text, needs=Needs(calls=calls), then=then)


def outputs(agent: ScriptedAgent, step: int = -1) -> dict[str, str]:
    """What was handed in, by the id of the call."""
    return {each.call_id: each.output for each in agent.submitted[step][1]}


def trouble(output: str) -> str:
    return str(json.loads(output)["error"]["kind"])


async def begun(world: World, text: str = "hello") -> tuple[Turn, Session]:
    turn = await world.taken(text)
    return turn, await world.sessions.open(await world.sessions.resolve(turn.event), text)


async def heard(world: World, turn: Turn, session: Session) -> list[Reply]:
    return [reply async for reply in world.relay.stream(turn, session, Asking(turn.text))]


async def again(world: World) -> Reply:
    """Another process takes the turn up; the last snapshot of its answer."""
    world.store.broken, world.store.life = None, None
    turn = await world.wire().take(LANE)
    session = await world.sessions.resolve(turn.event, asked_in=turn.asked_in)
    return (await heard(world, turn, session))[-1]


async def test_two_calls_run_side_by_side_and_the_answer_goes_on_in_the_same_reply(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    calls = call("note", text="milk"), call("look", where="Rome")
    agent.play(needs(*calls, text="I will look.", then=Play(text="All is done.")))
    replies = await heard(world, *await begun(world))
    assert replies[-1].text == "I will look.\n\nAll is done."
    assert replies[-1].state is State.COMPLETE
    assert [each.output for each in agent.submitted[0][1]] == ["noted milk", '{"found":"Rome"}']
    assert shop.ended == ["Rome", "milk"]
    assert world.clock.monotonic() == pytest.approx(5, abs=0.1)


async def test_one_fails_and_one_is_too_slow_and_the_agent_is_told(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("refuse"), call("sleep"), call("look", where="Rome")))
    replies = await heard(world, *await begun(world))
    assert replies[-1].state is State.COMPLETE
    told = outputs(agent)
    assert json.loads(told["call-refuse"])["error"] == {
        "kind": "failed",
        "message": "no such thing",
    }
    assert trouble(told["call-sleep"]) == "timeout"
    assert told["call-look"] == '{"found":"Rome"}'
    assert world.clock.monotonic() == pytest.approx(20, abs=0.1)


async def test_a_second_step_may_follow_the_first(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    second = needs(call("look", "1", where="Oslo"), text="And there?", then=Play(text="Both."))
    agent.play(needs(call("look", "1", where="Rome"), text="There?", then=second))
    replies = await heard(world, *await begun(world))
    assert replies[-1].text == "There?\n\nAnd there?\n\nBoth."
    assert [outputs(agent, step)["1"] for step in (0, 1)] == [
        '{"found":"Rome"}',
        '{"found":"Oslo"}',
    ]


async def test_an_agent_that_calls_without_end_is_given_up(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    play = Play(text="never")
    for step in range(MOST_STEPS + 1):
        play = needs(call("look", str(step), where=str(step)), then=play)
    agent.play(play)
    replies = await heard(world, *await begun(world))
    assert replies[-1].state is State.FAILED
    assert len(shop.began) == MOST_STEPS
    assert agent.cancelled == [agent.chats[0].trace]


async def test_a_tool_that_there_is_not_and_arguments_that_are_wrong_do_not_hang_the_turn(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("fly"), call("look", place="Rome"), ToolCall("odd", "look", "{oops")))
    replies = await heard(world, *await begun(world))
    assert replies[-1].state is State.COMPLETE
    told = outputs(agent)
    assert [trouble(told[which]) for which in ("call-fly", "call-look", "odd")] == [
        "unknown_tool",
        "bad_arguments",
        "bad_arguments",
    ]
    assert shop.began == []


async def test_its_name_is_shown_while_it_runs_and_gone_afterwards(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk"), call("look", where="x"), then=Play(text="Done.")))
    replies = await heard(world, *await begun(world))
    assert "note, look" in [reply.using for reply in replies]
    assert replies[-1].using == ""


async def test_what_a_tool_offers_stands_below_the_answer(
    world: World, agent: ScriptedAgent, adapter: FakeAdapter, shop: Workshop
) -> None:
    agent.play(needs(call("offer"), then=Play(text="Where are you?")))
    assert await world.chat("weather") == ["Where are you?"]
    assert adapter.pages()[0].page.buttons == (BUTTON,)
    [caller] = shop.callers
    assert (caller.platform, caller.agent, caller.language) == ("fake", "default", "en-GB")
    assert caller.uid == agent.chats[0].question.uid


async def test_the_cost_of_all_steps_is_what_the_last_one_tells(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    """Coze counts for the chat, which is the same in all of them."""

    def counted() -> float:
        labels = {"agent": "default", "direction": "output"}
        return REGISTRY.get_sample_value("coze_bridge_tokens_total", labels) or 0.0

    before = counted()
    agent.play(needs(call("look", where="x"), then=Play(text="a b c", usage=Usage(5, 50))))
    replies = await heard(world, *await begun(world))
    assert replies[-1].usage == Usage(5, 50)
    assert counted() - before == 50


async def test_the_cost_is_known_of_an_answer_that_was_looked_up(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    cut = Play(text="a b c", usage=Usage(5, 50), cut_after=1)
    agent.play(needs(call("look", where="x"), then=cut))
    replies = await heard(world, *await begun(world))
    assert (replies[-1].text, replies[-1].usage) == ("a b c", Usage(5, 50))


async def test_what_could_not_be_handed_in_is_handed_in_by_the_next_run(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.fail("submit", Unreachable("down"))
    agent.play(needs(call("note", text="milk")))
    with pytest.raises(Unreachable):
        await heard(world, *await begun(world))
    assert (await again(world)).text == "The tools say: noted milk"
    assert shop.began == ["milk"]


async def test_what_got_lost_on_its_way_is_handed_in_again(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.fail("submit", Unreachable("perhaps", happened=True))
    agent.play(needs(call("note", text="milk")))
    replies = await heard(world, *await begun(world))
    assert replies[-1].text == "The tools say: noted milk"
    assert shop.began == ["milk"]
    assert len(agent.submitted) == 1
    assert world.clock.monotonic() == pytest.approx(5 + POLL, abs=0.1)


async def test_what_may_have_arrived_is_looked_up(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk"), then=Play(text="Noted it.", lost=True)))
    replies = await heard(world, *await begun(world))
    assert replies[-1].text == "Noted it."
    assert len(agent.submitted) == 1


async def test_outputs_that_are_refused_end_the_answer_and_keep_what_was_said(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.fail("submit", Permanent("history is off", code=5000))
    agent.play(needs(call("look", where="x"), text="I will look."))
    replies = await heard(world, *await begun(world))
    assert (replies[-1].text, replies[-1].state) == ("I will look.", State.FAILED)


# The user does not want to wait


async def test_a_stop_ends_the_tool_and_the_chat(
    world: World, agent: ScriptedAgent, adapter: FakeAdapter, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk"), text="I will note it."))
    answering = asyncio.create_task(world.chat("note milk"))
    await asyncio.sleep(3)
    assert shop.began == ["milk"]
    assert world.interrupts.ask(LANE)
    await answering
    assert adapter.shown() == ["I will note it.\n\n*(stopped)*"]
    assert agent.cancelled == [agent.chats[0].trace]
    await asyncio.sleep(10)
    assert shop.ended == []
    assert agent.submitted == []


async def test_a_chat_that_waits_for_tools_and_blocks_its_conversation_is_released(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk")))
    answering = asyncio.create_task(world.chat("note milk"))
    await asyncio.sleep(3)
    world.interrupts.ask(LANE)
    await answering
    agent.play(Play(refuse=Occupied("4016")))
    turn, session = await begun(world, "second")
    with pytest.raises(Occupied):
        await heard(world, turn, session)
    assert trouble(outputs(agent)["call-note"]) == "interrupted"
    assert (await again(world)).text == "You said: second"


# The process dies


async def killed(world: World, *, writes: int) -> None:
    """Run the turn in a process that dies after so many writes."""
    turn, session = await begun(world)
    world.store.life = writes
    with pytest.raises(Killed):
        await heard(world, turn, session)


ASKING, ASKED, BEGUN, KEPT = range(4)  # the writes of a turn with one tool, in order


async def test_killed_when_the_call_is_known_and_nothing_ran(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk")))
    await killed(world, writes=ASKED)
    assert shop.began == []
    assert (await again(world)).text == "The tools say: noted milk"
    assert shop.began == ["milk"]


@pytest.mark.parametrize(("name", "runs"), [("look", 2), ("note", 1)])
async def test_killed_while_it_runs(
    world: World, agent: ScriptedAgent, shop: Workshop, name: str, runs: int
) -> None:
    """Another run only of what may run twice; else the agent is told."""
    what = call("look", where="x") if name == "look" else call("note", text="x")
    agent.play(needs(what))
    turn, session = await begun(world)
    dying = asyncio.create_task(heard(world, turn, session))
    await asyncio.sleep(0.5)
    assert shop.began == ["x"]
    dying.cancel()
    reply = await again(world)
    assert reply.state is State.COMPLETE
    assert len(shop.began) == runs
    told = outputs(agent)[what.id]
    assert told == '{"found":"x"}' if runs == 2 else trouble(told) == "interrupted"


async def test_killed_between_counting_the_run_and_the_run(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    """Nobody can know that it did not run, so it counts."""
    agent.play(needs(call("note", text="milk")))
    await killed(world, writes=BEGUN)
    assert shop.began == []
    assert (await again(world)).state is State.COMPLETE
    assert shop.began == []
    assert trouble(outputs(agent)["call-note"]) == "interrupted"


async def test_killed_when_one_of_two_outputs_is_kept(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk"), call("look", where="Rome")))
    await killed(world, writes=KEPT)
    assert (await again(world)).state is State.COMPLETE
    assert shop.began == ["milk", "Rome"]
    told = outputs(agent)
    assert told["call-look"] == '{"found":"Rome"}'
    assert trouble(told["call-note"]) == "interrupted"


async def test_killed_when_the_output_is_kept_and_not_handed_in(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("offer"), then=Play(text="Where are you?")))
    await killed(world, writes=KEPT)
    assert agent.submitted == []
    reply = await again(world)
    assert (reply.text, reply.buttons) == ("Where are you?", (BUTTON,))
    assert len(shop.callers) == 1


async def test_killed_when_it_was_handed_in(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    """What tools have offered is still offered below an answer that is looked up."""
    agent.play(needs(call("offer"), then=Play(text="Where are you?", pace=2.0)))
    dying = asyncio.create_task(heard(world, *await begun(world)))
    while not agent.submitted:
        await asyncio.sleep(0.1)
    dying.cancel()
    reply = await again(world)
    assert (reply.text, reply.buttons) == ("Where are you?", (BUTTON,))
    assert len(shop.callers) == 1
    assert len(agent.submitted) == 1


async def test_a_run_that_was_overtaken_calls_nothing(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk"), text="I will note it."))
    turn, session = await begun(world)
    stream = world.relay.stream(turn, session, Asking("hello"))
    async for reply in stream:
        if reply.state is State.ACTING:
            break
    assert (await world.take(LANE)).state is TurnState.ASKED
    with pytest.raises(Exception, match="was taken over"):
        await anext(stream)
        await anext(stream)
    assert shop.began == []


async def test_a_database_that_is_away_leaves_the_turn_for_later(
    world: World, agent: ScriptedAgent, shop: Workshop
) -> None:
    agent.play(needs(call("note", text="milk")))
    turn, session = await begun(world)
    world.store.failing = [None, None, None, Unreachable("database: gone")]
    with pytest.raises(Transient):
        await heard(world, turn, session)
    assert shop.ended == ["milk"]
    assert (await again(world)).state is State.COMPLETE
    assert shop.began == ["milk"]
