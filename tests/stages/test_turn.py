"""One message from the door to the last page, whatever happens on the way."""

import asyncio
from itertools import pairwise

import pytest

from bridge.errors import Gone, Permanent, Rejected, Unauthorised, Unreachable
from bridge.store.turns import TurnState
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.upstream import ConversationLost
from tests.stages.world import World

LANE = "fake/fake/room/"
LONG = " ".join(f"word{n}" for n in range(60))


async def test_a_message_is_answered_once(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    assert await world.chat("hello") == ["You said: hello"]
    assert agent.asked == ["hello"]
    assert adapter.pages()[0].page.final


async def test_an_answer_grows_in_place_at_the_pace_of_the_chat(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text=LONG, pace=0.1))
    assert await world.chat("go on") == [LONG]
    calls = adapter.did("send", "edit")
    assert {call.verb for call in calls[1:]} == {"edit"}
    assert min(b.at - a.at for a, b in pairwise(calls[1:-2])) >= 0.99
    assert 5 <= len(calls) <= 9


async def test_a_stop_before_the_question_asks_nothing(world: World, agent: ScriptedAgent) -> None:
    turn = await world.taken()
    stop = world.interrupts.begin(LANE, turn.id)
    stop.ask()
    await world.run(turn, stop)
    assert agent.attempts == []
    assert world.adapter.shown() == ["*(stopped)*"]


async def test_a_stop_during_the_answer_keeps_what_was_said_and_tells_the_agent(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="one two three four", pace=2.0, endless=True))
    answering = asyncio.create_task(world.chat("count"))
    await asyncio.sleep(5)
    assert world.interrupts.ask(LANE)
    await answering
    assert adapter.shown() == ["one two\n\n*(stopped)*"]
    assert [trace.chat_id for trace in agent.cancelled] == [agent.chats[0].trace.chat_id]
    assert agent.streams == 0


async def test_a_stop_between_asking_and_the_first_word_cancels_what_was_asked(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="never heard", pace=100.0))
    answering = asyncio.create_task(world.chat("slowly"))
    await asyncio.sleep(5)
    world.interrupts.ask(LANE)
    await answering
    assert adapter.shown() == ["*(stopped)*"]
    assert len(agent.cancelled) == 1


async def test_a_stop_after_the_answer_changes_nothing(world: World, adapter: FakeAdapter) -> None:
    turn = await world.taken()
    stop = world.interrupts.begin(LANE, turn.id)
    await world.run(turn, stop)
    stop.ask()
    assert adapter.shown() == ["You said: hello"]
    assert await world.ledger.open_lanes() == []


async def test_a_stop_that_the_agent_does_not_hear_is_still_obeyed(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="one two three", pace=2.0, endless=True))
    agent.fail("cancel", Unreachable("down"))
    answering = asyncio.create_task(world.chat("count"))
    await asyncio.sleep(3)
    world.interrupts.ask(LANE)
    await answering
    assert adapter.shown() == ["one\n\n*(stopped)*"]


async def test_an_answer_that_was_stored_is_only_delivered(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    adapter.fail(Unauthorised("bad token"), when=lambda call: "hello" in call.text)
    turn = await world.taken()
    stop = world.interrupts.begin(LANE, turn.id)
    with pytest.raises(Unauthorised):
        await world.run(turn, stop)
    again = await world.take(LANE)
    assert again.state is TurnState.ANSWERED
    await world.run(again, stop)
    assert adapter.shown() == ["You said: hello"]
    assert len(agent.attempts) == 1
    assert await world.ledger.open_lanes() == []


async def test_an_answer_that_takes_too_long_ends_with_an_apology_and_is_cancelled(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="I begin", endless=True))
    shown = await world.chat("hello")
    assert shown[0].startswith("I begin\n\nSorry, the agent cannot be reached")
    assert len(agent.cancelled) == 1
    assert world.clock.monotonic() == pytest.approx(world.turn_timeout, abs=20)


async def test_what_fails_at_the_agent_keeps_what_was_said_and_has_a_reference(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="I begin but", fail=Rejected("sensitive", code=4014)))
    assert await world.chat("hello") == [
        "I begin but\n\nSorry, the agent cannot answer this. (Reference 00001)"
    ]


async def test_a_conversation_that_cannot_be_begun_is_told_to_the_user(
    world: World, agent: ScriptedAgent
) -> None:
    agent.fail("begin", Gone("no such agent", code=4006))
    assert "Sorry" in (await world.chat("hello"))[0]


async def test_clearing_a_conversation_that_coze_lost_is_answered(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("hello")
    agent.forget("c1")
    shown = await world.chat("/clear", "and now")
    assert shown[1:] == ["Forgotten. We go on from here.", "You said: and now"]
    assert agent.conversations == ["c2"]


async def test_a_lost_conversation_is_replaced_and_the_question_asked_in_the_new_one(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("hello")
    agent.forget("c1")
    assert (await world.chat("still there?"))[1:] == ["You said: still there?"]
    assert agent.chats[-1].trace.conversation_id == "c2"


async def test_a_conversation_that_is_lost_at_once_is_not_replaced_for_ever(
    world: World, agent: ScriptedAgent
) -> None:
    agent.otherwise = Play(refuse=ConversationLost("gone", code=4002))
    assert "Sorry" in (await world.chat("hello"))[0]
    assert len(agent.attempts) <= 2


async def test_a_platform_that_threw_us_out_ends_the_turn_in_silence(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    adapter.blocked.add("room")
    assert await world.chat("hello") == []
    assert await world.ledger.open_lanes() == []


async def test_a_refused_question_is_told_at_once_and_not_asked_again(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=Permanent("bad bot", code=4015)))
    assert await world.chat("hello") == [
        "Sorry, something went wrong with this answer. (Reference 00001)"
    ]
    assert len(agent.attempts) == 1


async def test_the_stream_is_released_when_the_platform_throws_us_out_midway(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text=LONG, pace=1.0))
    adapter.fail(Gone("kicked"), verb="send")
    await world.chat("hello")
    assert agent.streams == 0
