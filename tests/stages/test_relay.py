"""Asked once, and what was asked is looked for, waited for, or given up: never asked again."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from bridge.errors import (
    Gone,
    Occupied,
    Permanent,
    RateLimited,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.flow.stop import Stop
from bridge.store.sessions import Session
from bridge.store.turns import Turn, TurnState
from bridge.testing.agent import Play, ScriptedAgent
from bridge.text.reply import Reply, State
from bridge.upstream import Asking, ConversationLost, Question, Trace, Usage
from tests.stages.world import World

LANE = "fake/fake/room/"


async def begun(world: World, text: str = "hello") -> tuple[Turn, Session]:
    """A turn about to be asked in a conversation."""
    turn = await world.taken(text)
    session = await world.sessions.open(await world.sessions.resolve(turn.event), text)
    return turn, session


async def heard(world: World, turn: Turn, session: Session) -> list[Reply]:
    """Every snapshot of the answer."""
    return [reply async for reply in world.relay.stream(turn, session, Asking(turn.text))]


async def crashed_while_asking(world: World, play: Play) -> tuple[Turn, Session]:
    """The process died after the question had left and before anything was heard."""
    turn, session = await begun(world)
    await world.ledger.asking(turn, session)
    if play.refuse is None:
        world.agent.play(play)
        question = Question("u", str(session.conversation_id), turn.text, turn.mark)
        async with world.agent.ask(question):
            pass
    return await world.take(LANE), session


async def crashed_while_asked(world: World, play: Play) -> tuple[Turn, Session]:
    """The process died in the middle of the answer."""
    turn, session = await crashed_while_asking(world, play)
    await world.ledger.asked(turn, world.agent.chats[-1].trace)
    return await world.take(LANE), session


async def test_each_event_is_a_snapshot_and_the_last_has_ended(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b", suggestions=("And then?",)))
    replies = await heard(world, *await begun(world))
    assert [reply.text for reply in replies][:3] == ["", "a", "a b"]
    assert replies[-1].state is State.COMPLETE
    assert replies[-1].suggestions == ("And then?",)
    assert replies[-1].usage == Usage(3, 7)


async def test_it_is_in_the_ledger_before_the_question_leaves(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=Unreachable("down")))
    turn, session = await begun(world)
    with pytest.raises(Unreachable):
        await heard(world, turn, session)
    stored = await world.take(LANE)
    assert stored.state is TurnState.ASKING
    assert stored.trace == Trace("c1", "")


async def test_the_chat_id_is_in_the_ledger_before_any_text_is_heard(
    world: World, agent: ScriptedAgent
) -> None:
    turn, session = await begun(world)
    stream = world.relay.stream(turn, session, Asking("hello"))
    first = await anext(stream)
    stored = await world.take(LANE)
    await stream.aclose()
    assert first.text == ""
    assert (stored.state, stored.trace) == (TurnState.ASKED, agent.chats[0].trace)


async def test_asking_and_found_is_not_asked_again(world: World, agent: ScriptedAgent) -> None:
    replies = await heard(world, *await crashed_while_asking(world, Play(text="found", pace=5.0)))
    assert [reply.text for reply in replies] == ["found"]
    assert len(agent.attempts) == 1
    assert (await world.take(LANE)).state is TurnState.ASKED


async def test_asking_and_not_found_is_asked_then(world: World, agent: ScriptedAgent) -> None:
    turn, session = await crashed_while_asking(world, Play(refuse=Unreachable()))
    replies = await heard(world, turn, session)
    assert replies[-1].text == "You said: hello"
    assert agent.looked == [turn.mark]
    assert len(agent.attempts) == 1


async def test_nobody_looks_for_what_was_never_asked(world: World, agent: ScriptedAgent) -> None:
    await heard(world, *await begun(world))
    assert agent.looked == []


async def test_a_search_that_fails_leaves_the_question_open(
    world: World, agent: ScriptedAgent
) -> None:
    turn, session = await crashed_while_asking(world, Play())
    agent.fail("find", Unreachable("down"))
    with pytest.raises(Unreachable):
        await heard(world, turn, session)
    assert len(agent.attempts) == 1


async def test_a_conversation_lost_between_two_runs_is_no_reason_to_give_up(
    world: World, agent: ScriptedAgent
) -> None:
    turn, _ = await crashed_while_asking(world, Play(refuse=Unreachable()))
    agent.forget("c1")
    session = Session(LANE, "default", "u", await agent.begin(), fresh=True)
    replies = await heard(world, turn, session)
    assert replies[-1].text == "You said: hello"


async def test_an_asked_question_is_waited_for_and_never_repeated(
    world: World, agent: ScriptedAgent
) -> None:
    turn, session = await crashed_while_asked(world, Play(text="a b c", pace=10.0))
    assert [reply.text for reply in await heard(world, turn, session)] == ["a b c"]
    assert len(agent.attempts) == 1
    assert world.clock.monotonic() == pytest.approx(30, abs=2)


async def test_a_cut_stream_goes_on_with_the_text_so_far_until_the_whole_is_there(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c d", cut_after=2, pace=3.0))
    replies = await heard(world, *await begun(world))
    assert [reply.text for reply in replies] == ["", "a", "a b", "a b c d"]
    assert len(agent.attempts) == 1


async def test_a_recovered_answer_that_failed_says_so(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(text="a b", cut_after=1, fail=Permanent("broken", code=5000)))
    replies = await heard(world, *await begun(world))
    assert replies[-1].state is State.FAILED
    assert str(replies[-1].error) == "broken, code 5000"


@pytest.mark.parametrize("error", [Gone("forgotten", code=4001), Permanent("odd", code=4000)])
async def test_an_answer_that_the_agent_cannot_tell_any_more_keeps_what_was_heard(
    world: World, agent: ScriptedAgent, error: Permanent
) -> None:
    agent.play(Play(text="a b c", cut_after=2))
    agent.fail("outcome", error)
    replies = await heard(world, *await begun(world))
    assert (replies[-1].text, replies[-1].error) == ("a b", error)


async def test_an_agent_that_is_away_while_an_answer_is_recovered_is_asked_later(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c", cut_after=2))
    agent.fail("outcome", Unreachable("down"))
    with pytest.raises(Unreachable):
        await heard(world, *await begun(world))
    turn = await world.take(LANE)
    session = await world.sessions.resolve(turn.event)
    assert (await heard(world, turn, session))[-1].text == "a b c"


async def test_an_answer_that_never_ends_is_given_up_in_time_and_cancelled(
    world: World, agent: ScriptedAgent
) -> None:
    turn, session = await crashed_while_asked(world, Play(endless=True))
    replies = await heard(world, turn, session)
    assert isinstance(replies[-1].error, Unreachable)
    assert agent.cancelled == [agent.chats[0].trace]
    assert world.clock.monotonic() == pytest.approx(world.turn_timeout, abs=5)


async def test_an_occupied_conversation_is_freed_of_the_chat_nobody_waits_for(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(endless=True))
    first = await world.taken("first")
    stop = Stop()
    running = asyncio.create_task(world.run(first, stop))
    await asyncio.sleep(3)
    agent.fail("cancel", Unreachable("down"))
    stop.ask()
    await running
    turn, session = await begun(world, "second")
    with pytest.raises(Occupied):
        await heard(world, turn, session)
    assert agent.cancelled[-1] == agent.chats[0].trace
    again = await world.take(LANE)
    assert (await heard(world, again, session))[-1].text == "You said: second"


async def test_an_occupied_conversation_of_somebody_unknown_is_only_told(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=Occupied("4016")))
    with pytest.raises(Occupied):
        await heard(world, *await begun(world))
    assert agent.cancelled == []


async def test_a_lost_conversation_is_forgotten_and_the_turn_may_go_again_at_once(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("before")
    turn, session = await begun(world)
    agent.forget("c1")
    with pytest.raises(Transient) as caught:
        await heard(world, turn, session)
    assert caught.value.retry_after == 0
    assert (await world.sessions.resolve(turn.event)).conversation_id is None


async def test_a_fresh_conversation_that_is_lost_fails_the_turn(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=ConversationLost("gone")))
    replies = await heard(world, *await begun(world))
    assert isinstance(replies[-1].error, ConversationLost)


async def test_a_refused_key_is_not_an_answer(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(refuse=Unauthorised("bad token")))
    with pytest.raises(Unauthorised):
        await heard(world, *await begun(world))


async def test_what_is_abandoned_is_looked_for_if_its_chat_is_not_known(
    world: World, agent: ScriptedAgent
) -> None:
    turn, session = await crashed_while_asking(world, Play(endless=True))
    await world.relay.abandon(turn, session, Reply())
    assert agent.cancelled == [agent.chats[0].trace]


@pytest.mark.parametrize("error", [Unreachable("down"), Unauthorised("bad"), Gone("gone")])
async def test_abandoning_never_fails(
    world: World, agent: ScriptedAgent, error: Permanent | Transient
) -> None:
    turn, session = await crashed_while_asked(world, Play(endless=True))
    agent.fail("cancel", error)
    await world.relay.abandon(turn, session, Reply())


async def test_what_an_answer_cost_is_counted_once(world: World, agent: ScriptedAgent) -> None:
    def tokens(direction: str) -> float:
        found = REGISTRY.get_sample_value(
            "coze_bridge_tokens_total", {"agent": "default", "direction": direction}
        )
        return found or 0.0

    turn, session = await begun(world)
    agent.play(Play(usage=Usage(3, 40)))
    before = tokens("input"), tokens("output")
    await heard(world, turn, session)
    assert (tokens("input") - before[0], tokens("output") - before[1]) == (3, 40)


def told(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"coze_bridge_{name}", labels) or 0.0


async def test_what_coze_refuses_for_now_is_counted_by_its_code(
    world: World, agent: ScriptedAgent
) -> None:
    labels = {"error": "RateLimited", "code": "4020"}
    before = told("coze_delays_total", **labels)
    agent.play(Play(refuse=RateLimited("4020", code=4020, retry_after=1)))
    await world.chat("hello")
    assert told("coze_delays_total", **labels) == before + 1


async def test_a_stream_is_open_while_it_is_read(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(pace=10.0))
    await world.hear("one two three")
    draining = asyncio.create_task(world.drain("fake/fake/room/"))
    await world.clock.sleep(15)
    assert told("coze_streams_open") == 1
    await draining
    assert told("coze_streams_open") == 0
