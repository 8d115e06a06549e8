"""The agent in memory keeps the promises of `bridge.upstream.Agent`."""

from collections.abc import AsyncIterator

import pytest

from bridge.errors import Gone, Transient, Unreachable
from bridge.testing.agent import SPEECH, Play, ScriptedAgent, Stored
from bridge.upstream import (
    AnswerEvent,
    Delta,
    Finished,
    Needs,
    Over,
    Question,
    Rating,
    Said,
    Sounded,
    Spoken,
    Started,
    ToolCall,
    ToolOutput,
    Trace,
    Upload,
    Using,
)

RAIN = ToolCall("call-1", "rain", "{}")
TIDE = ToolCall("call-2", "tide", "{}")
WET, HIGH = ToolOutput("call-1", "wet"), ToolOutput("call-2", "high")


@pytest.fixture
def agent() -> ScriptedAgent:
    return ScriptedAgent()


async def ask(agent: ScriptedAgent) -> tuple[Trace, list[AnswerEvent]]:
    async with agent.ask(Question("u1", await agent.begin(), "hi", "m-1")) as events:
        told = [event async for event in events]
    return agent.chats[-1].trace, told


async def submit(agent: ScriptedAgent, trace: Trace, *outputs: ToolOutput) -> list[AnswerEvent]:
    async with agent.submit(trace, outputs) as events:
        return [event async for event in events]


async def test_an_answer_goes_on_step_by_step(agent: ScriptedAgent) -> None:
    last = Play(text="Stay in", sounds=(b"s",))
    tide = Play(text="", needs=Needs(calls=(TIDE,)), then=last)
    agent.play(Play(using=("search",), text="Wait", needs=Needs(calls=(RAIN,)), then=tide))
    trace, first = await ask(agent)
    assert first == [
        Started(trace.conversation_id, trace.chat_id),
        Using("search"),
        Delta("m1", "Wait"),
        Said("m1", "Wait"),
        Needs(calls=(RAIN,)),
    ]
    assert await agent.outcome(trace) == Over((Said("m1", "Wait"), Needs(calls=(RAIN,))))
    assert await submit(agent, trace, WET) == [Needs(calls=(TIDE,))]
    third = await submit(agent, trace, HIGH)
    assert third[:2] == [Delta("m3", "Stay"), Delta("m3", " in")]
    assert third[2:] == [Said("m3", "Stay in"), Sounded(b"s"), Spoken(), Finished(third[-1].usage)]
    over = await agent.outcome(trace)
    assert isinstance(over, Over)
    assert over.events[:2] == (Said("m1", "Wait"), Said("m3", "Stay in"))
    assert agent.submitted == [(trace, (WET,)), (trace, (HIGH,))]
    assert agent.asked == ["hi"]


async def test_without_a_plan_it_reads_the_outputs_out(agent: ScriptedAgent) -> None:
    agent.play(Play(text="", needs=Needs(calls=(RAIN,))))
    trace, _ = await ask(agent)
    assert Said("m2", "The tools say: wet") in await submit(agent, trace, WET)


async def test_what_was_handed_in_before_is_not_taken_again(agent: ScriptedAgent) -> None:
    agent.play(Play(text="", needs=Needs(calls=(RAIN,))))
    trace, _ = await ask(agent)
    await submit(agent, trace, WET)
    with pytest.raises(Unreachable) as caught:
        await submit(agent, trace, WET)
    assert caught.value.happened
    assert len(agent.submitted) == 1


async def test_handing_in_fails_as_asking_does(agent: ScriptedAgent) -> None:
    lost = Play(text="Rain", lost=True, refuse=Transient("busy"))
    agent.play(Play(text="", needs=Needs(calls=(RAIN,)), then=lost))
    agent.fail("submit", Transient("before anything"))
    trace, _ = await ask(agent)
    for _ in range(2):
        with pytest.raises(Transient):
            await submit(agent, trace, WET)
        assert agent.submitted == []
    with pytest.raises(Unreachable):
        await submit(agent, trace, WET)
    over = await agent.outcome(trace)
    assert isinstance(over, Over)
    assert over.events[0] == Said("m2", "Rain")


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def test_files_are_kept_as_they_arrive(agent: ScriptedAgent) -> None:
    agent.transcripts.append("hello")
    file_id = await agent.upload(Upload("a.png", pieces(b"a", b"b"), 2, "image/png"))
    assert agent.files == {file_id: Stored("a.png", b"ab", "image/png", 2)}
    assert await agent.transcribe(Upload("a.ogg", pieces(b"x"))) == "hello"
    assert await agent.transcribe(Upload("b.ogg", pieces(b"x"))) == "heard b.ogg"
    async with agent.speak("hi", "v1") as sound:
        assert b"".join([piece async for piece in sound]) == SPEECH
    assert agent.spoken == [("hi", "v1")]
    agent.fail("upload", Gone("no"))
    with pytest.raises(Gone):
        await agent.upload(Upload("c.png", pieces(b"x")))


async def test_ratings_and_names_are_recorded(agent: ScriptedAgent) -> None:
    conversation = await agent.begin("first")
    await agent.rename(conversation, "second")
    assert agent.names == {conversation: "second"}
    await agent.rate(conversation, "m1", Rating.DISLIKE, "too short")
    await agent.rate(conversation, "m1", None)
    assert agent.rated == [
        (conversation, "m1", Rating.DISLIKE, "too short"),
        (conversation, "m1", None, ""),
    ]
    for call in (agent.rename("c9", "x"), agent.rate("c9", "m1", Rating.LIKE)):
        with pytest.raises(Gone):
            await call
