"""Tools, questions, ratings and names: the agent against the emulator."""

import pytest
from rich_asking import agent, asked, emulator, needs, submitted, text_of, told, trace_of

from bridge.coze import Chatflow, CozeAgent
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_WORKFLOW_ID,
    Cut,
    Drop,
    Emulator,
    Scenario,
    ToolCall,
    Trouble,
)
from bridge.errors import Gone, Rejected, Unreachable
from bridge.upstream import (
    Agent,
    AnswerEvent,
    Delta,
    Finished,
    Needs,
    Over,
    Question,
    Rating,
    Running,
    Said,
    Spoken,
    Started,
    ToolOutput,
    Using,
)

__all__ = ["agent", "emulator"]

# --- tools

RAIN = ToolCall("get_rain", '{"city":"Rome"}')
WIND = ToolCall("get_wind", '{"city":"Rome"}')
TIDE = ToolCall("get_tide", "{}")


async def test_a_tool_of_its_own_is_told_while_it_is_used(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(uses=(ToolCall("search_web", '{"q":"SECRET"}'),), reply="Found."))
    events = await asked(agent)
    assert events[1] == Using("search_web")
    assert "SECRET" not in repr(events)


async def test_two_calls_and_a_second_step_are_one_answer(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN, WIND), next_tools=((TIDE,),), reply="Stay in."))
    first = await asked(agent)
    rain, wind = needs(first).calls
    assert [(each.name, each.arguments) for each in (rain, wind)] == [
        ("get_rain", '{"city":"Rome"}'),
        ("get_wind", '{"city":"Rome"}'),
    ]
    trace = trace_of(first)
    outputs = ToolOutput(wind.id, "strong"), ToolOutput(rain.id, "80%")
    second = await submitted(agent, trace, *outputs)
    (tide,) = needs(second).calls
    assert [type(event) for event in second] == [Using, Needs]
    third = await submitted(agent, trace, ToolOutput(tide.id, "high"))
    assert text_of(third) == "Stay in."
    assert third[-2:] == [Spoken(), third[-1]]
    assert isinstance(third[-1], Finished)
    assert not any(isinstance(event, Started) for event in (*second, *third))
    assert emulator.asked[0].outputs == (
        ("get_rain", "80%"),
        ("get_wind", "strong"),
        ("get_tide", "high"),
    )


async def test_an_agent_may_speak_before_it_asks_for_tools(agent: CozeAgent) -> None:
    first = await asked(agent, "what time is it?")
    (call,) = needs(first).calls
    assert text_of(first) == "Let me look at the sundial."
    second = await submitted(agent, trace_of(first), ToolOutput(call.id, '{"time": "12:00"}'))
    ids = [event.message_id for event in (*first, *second) if isinstance(event, Said)]
    assert len(set(ids)) == 2
    assert "12:00" in text_of(second)


async def test_what_waits_for_tools_can_be_looked_up_and_gone_on_with(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN,), reply="Rain."))
    question = Question("u1", await agent.begin(), "?", "m-1")
    first = await told(agent, question)
    trace = await agent.find(question.conversation_id, "m-1")
    assert trace == trace_of(first)
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert outcome.events[-1] == needs(first)
    call = needs(first).calls[0]
    assert text_of(await submitted(agent, trace, ToolOutput(call.id, "80%"))) == "Rain."


async def test_handing_in_twice_is_a_stream_that_was_lost(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN,), next_tools=((TIDE,),), reply="Rain."))
    first = await asked(agent)
    trace, call = trace_of(first), needs(first).calls[0]
    second = await submitted(agent, trace, ToolOutput(call.id, "80%"))
    with pytest.raises(Unreachable) as caught:  # it waits, but for something else
        await submitted(agent, trace, ToolOutput(call.id, "80%"))
    assert caught.value.happened
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert outcome.events[-1] == needs(second)
    await submitted(agent, trace, ToolOutput(needs(second).calls[0].id, "high"))
    with pytest.raises(Unreachable) as caught:
        await submitted(agent, trace, ToolOutput(call.id, "80%"))
    assert caught.value.happened
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert text_of(list(outcome.events)) == "Rain."
    assert [each[1] for each in emulator.asked[0].outputs] == ["80%", "high"]


async def test_outputs_that_are_refused_while_they_are_awaited_say_why(
    agent: CozeAgent, emulator: Emulator
) -> None:
    first = await asked(agent, "what time is it?")
    emulator.install(
        Scenario(endpoint="/v3/chat/submit_tool_outputs", refuse=Trouble(4105, "sensitive"))
    )
    with pytest.raises(Rejected):
        await submitted(agent, trace_of(first), ToolOutput(needs(first).calls[0].id, "80%"))


@pytest.mark.parametrize("drop", [Drop.UNASKED, Drop.ASKED])
async def test_outputs_lost_on_the_way_are_handed_in_once(
    agent: CozeAgent, emulator: Emulator, drop: Drop
) -> None:
    first = await asked(agent, "what time is it?")
    trace, output = trace_of(first), ToolOutput(needs(first).calls[0].id, "noon")
    emulator.install(Scenario(endpoint="/v3/chat/submit_tool_outputs", times=1, drop=drop))
    with pytest.raises(Unreachable) as caught:
        await submitted(agent, trace, output)
    assert caught.value.happened
    if drop is Drop.ASKED:  # the chat tells that it went on
        await emulator.until(lambda e: e.asked[0].status == "completed")
        over = await agent.outcome(trace)
        assert isinstance(over, Over)
        assert "noon" in text_of(list(over.events))
    else:  # and else that it still waits
        over = await agent.outcome(trace)
        assert isinstance(over, Over)
        assert over.events[-1] == needs(first)
        assert "noon" in text_of(await submitted(agent, trace, output))
    assert len(emulator.asked[0].outputs) == 1


async def test_a_stream_cut_after_the_outputs_is_looked_up(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN,), reply="Rain all day.", cut=Cut.ABRUPT, cut_after=1))
    first = await asked(agent)
    trace = trace_of(first)
    events: list[AnswerEvent] = []
    async with agent.submit(trace, [ToolOutput(needs(first).calls[0].id, "80%")]) as walk:
        with pytest.raises(Unreachable):
            async for event in walk:
                events.append(event)
    assert any(isinstance(event, Delta) for event in events)
    while isinstance(outcome := await agent.outcome(trace), Running):
        await emulator.until(lambda e: e.asked[0].status == "completed")
    assert text_of(list(outcome.events)) == "Rain all day."


# --- questions


@pytest.mark.parametrize("is_flow", [False, True], ids=["agent", "chatflow"])
async def test_a_question_with_options_is_continued_by_the_next_message(
    agent: CozeAgent, emulator: Emulator, is_flow: bool
) -> None:
    flow = Chatflow(agent._client, workflow_id=DEMO_WORKFLOW_ID, app_id=DEMO_APP_ID)
    whom: Agent = flow if is_flow else agent
    conversation = await whom.begin()
    first = await told(whom, Question("u1", conversation, "ask me", "m-1"))
    assert text_of(first) == "What is your favourite colour?"
    assert needs(first) == Needs(options=("Blue", "Red", "Blue. No, yellow!"))
    outcome = await whom.outcome(trace_of(first))
    assert outcome == Over((first[-2], first[-1]))
    second = await told(whom, Question("u1", conversation, "Blue", "m-2"))
    assert "Off you go" in text_of(second)


async def test_a_form_shows_its_fields(agent: CozeAgent, emulator: Emulator) -> None:
    emulator.install(Scenario(reply="?", needs_reply=True, fields=("city", "date")))
    events = await asked(agent)
    assert text_of(events) == "city: …\n\ndate: …"
    assert needs(events) == Needs()


# --- ratings and names


async def answer_of(agent: CozeAgent) -> tuple[str, str]:
    events = await asked(agent)
    said = next(event for event in events if isinstance(event, Said))
    return trace_of(events).conversation_id, said.message_id


async def test_an_answer_is_liked_disliked_and_neither(
    agent: CozeAgent, emulator: Emulator
) -> None:
    conversation, message = await answer_of(agent)
    await agent.rate(conversation, message, Rating.LIKE)
    assert emulator.feedback[message].feedback_type == "like"
    await agent.rate(conversation, message, Rating.DISLIKE, " too short \x00" + "x" * 300)
    assert emulator.feedback[message].feedback_type == "unlike"
    assert emulator.feedback[message].comment.startswith("too short x")
    assert len(emulator.feedback[message].comment) == 250
    await agent.rate(conversation, message, None)
    await agent.rate(conversation, message, None)
    assert emulator.feedback == {}
    said = [each.feedback.feedback_type if each.feedback else "" for each in emulator.opinions]
    assert said == ["like", "unlike", "", ""]


async def test_rating_what_is_not_there_is_gone(agent: CozeAgent) -> None:
    conversation, _ = await answer_of(agent)
    with pytest.raises(Gone):
        await agent.rate(conversation, "7400000000000000001", Rating.LIKE)


async def test_a_conversation_is_renamed(agent: CozeAgent, emulator: Emulator) -> None:
    conversation = await agent.begin("old")
    await agent.rename(conversation, "n" * 200)
    assert emulator.archive.conversations[conversation].name == "n" * 100
    with pytest.raises(Gone):
        await agent.rename("7400000000000000001", "x")
