"""The agent against the emulator: every fault it knows, and the calls between two turns."""

from collections.abc import AsyncIterator

import pytest
from asking import (
    ANSWER,
    FAILED,
    LOST,
    OTHER_ENDS,
    REFUSED,
    Caller,
    Clock,
    answers_to,
    begin,
    is_right_about,
    nameless,
    storyteller,
    suggestions_after,
)

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import (
    DEMO_BOT_ID,
    DEMO_TOKEN,
    FAULTS,
    Emulator,
    serve,
)
from bridge.errors import (
    BridgeError,
    Gone,
    Occupied,
    Unauthorised,
)
from bridge.upstream import (
    Cancelled,
    Delta,
    Failed,
    Finished,
    Over,
    Question,
    Spoken,
    Started,
    Suggested,
    Trace,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(agent=storyteller, pace=0.001, clock=clock)) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[CozeClient]:
    settings = ClientSettings(
        connect_timeout=0.5, idle_timeout=1.0, max_concurrent_turns=1, retry_wait=0.001
    )
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), settings) as client:
        yield client


@pytest.fixture
def agent(client: CozeClient) -> CozeAgent:
    return CozeAgent(client, bot_id=DEMO_BOT_ID)


@pytest.fixture
def caller(agent: CozeAgent, emulator: Emulator, clock: Clock) -> Caller:
    return Caller(agent, emulator, clock)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_question_is_raised_by_kind(
    caller: Caller, emulator: Emulator, name: str
) -> None:
    question = await begin(caller.agent, name)
    emulator.install(FAULTS[name])
    with pytest.raises(BridgeError) as caught:
        await caller.ask(question)
    assert type(caught.value) is REFUSED[name]
    assert caught.value.logid
    assert emulator.asked == []


@pytest.mark.parametrize("name", sorted(set(FAULTS).difference(REFUSED, FAILED, OTHER_ENDS)))
async def test_an_answer_arrives_whole_and_was_asked_for_once(
    caller: Caller, emulator: Emulator, name: str
) -> None:
    question = await begin(caller.agent, name)
    emulator.install(FAULTS[name])
    await caller.ask(question)
    assert caller.said() == answers_to(FAULTS[name])
    assert isinstance(caller.told[-1], Finished)
    assert caller.told.count(Spoken()) == 1
    assert is_right_about(name, looked_up=bool(caller.found))
    assert [asked.message_meta_data for asked in emulator.asked] == [{"bridge_turn": question.mark}]
    suggested = [event.text for event in caller.told if isinstance(event, Suggested)]
    assert suggested == list(suggestions_after(FAULTS[name]))


@pytest.mark.parametrize("name", sorted(set(FAULTS).difference(REFUSED, LOST)))
async def test_nothing_but_the_answer_is_streamed(
    caller: Caller, emulator: Emulator, name: str
) -> None:
    question = await begin(caller.agent, name)
    emulator.install(FAULTS[name])
    await caller.ask(question)
    fault = FAULTS[name]
    streamed = "".join(event.text for event in caller.streamed if isinstance(event, Delta))
    spoken = "".join(fault.chunks) or "".join(answers_to(fault))
    whole = isinstance(caller.told[-1], Finished)
    assert streamed == spoken if whole else spoken.startswith(streamed)
    thought = "".join(event.reasoning for event in caller.streamed if isinstance(event, Delta))
    assert thought == (fault.reasoning or "")


@pytest.mark.parametrize("name", FAILED)
async def test_a_failed_answer_says_why(caller: Caller, emulator: Emulator, name: str) -> None:
    question = await begin(caller.agent, name)
    emulator.install(FAULTS[name])
    await caller.ask(question)
    last = caller.told[-1]
    assert isinstance(last, Failed)
    assert type(last.error) is FAILED[name]
    assert last.error.logid
    assert len(emulator.asked) == 1


@pytest.mark.parametrize("name", OTHER_ENDS)
async def test_an_answer_may_end_in_something_else(
    caller: Caller, emulator: Emulator, name: str
) -> None:
    question = await begin(caller.agent, name)
    emulator.install(FAULTS[name])
    await caller.ask(question)
    assert nameless(caller.told[-1]) == OTHER_ENDS[name]
    assert len(emulator.asked) == 1


@pytest.mark.parametrize("name", FAULTS)
async def test_after_any_fault_the_only_connection_is_free_again(
    agent: CozeAgent, emulator: Emulator, name: str
) -> None:
    question = await begin(agent, name)
    emulator.install(FAULTS[name])
    try:
        async with agent.ask(question) as events:
            async for _event in events:
                pass
    except BridgeError:
        pass
    emulator.uninstall()
    caller = Caller(agent, emulator, Clock())
    await caller.ask(await begin(agent, "the next one"))
    assert caller.said() == [ANSWER]
    assert caller.found == []


async def test_a_conversation_answers_one_question_at_a_time_until_it_is_cancelled(
    agent: CozeAgent, emulator: Emulator, clock: Clock
) -> None:
    question = await begin(agent, "hang")
    emulator.install(FAULTS["hang"])
    trace = Trace(question.conversation_id, "")
    async with agent.ask(question) as events:
        async for event in events:
            if isinstance(event, Started):
                trace = Trace(event.conversation_id, event.chat_id)
            if isinstance(event, Delta):
                break
    assert await agent.find(question.conversation_id, question.mark) == trace
    with pytest.raises(Occupied):
        async with agent.ask(question):
            pytest.fail("entered an occupied conversation")
    await agent.cancel(trace)
    await agent.cancel(trace)
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert outcome.events[-1] == Cancelled()
    emulator.uninstall()
    caller = Caller(agent, emulator, clock)
    await caller.ask(question)
    assert caller.said() == [ANSWER]


async def test_a_question_never_asked_is_not_found_and_a_strange_chat_is_gone(
    agent: CozeAgent,
) -> None:
    question = await begin(agent, "nothing")
    assert await agent.find(question.conversation_id, question.mark) is None
    with pytest.raises(Gone):
        await agent.outcome(Trace(question.conversation_id, "7400000000000000001"))
    with pytest.raises(Gone):
        await agent.find("7400000000000000002", question.mark)


async def test_a_wrong_token_is_unauthorised_everywhere(emulator: Emulator) -> None:
    async with CozeClient(emulator.url, Pat("pat_wrong")) as client:
        agent = CozeAgent(client, bot_id=DEMO_BOT_ID)
        with pytest.raises(Unauthorised):
            await agent.begin()
        with pytest.raises(Unauthorised):
            await agent.check()
        with pytest.raises(Unauthorised):
            async with agent.ask(Question("u", "1", "hi", "m")):
                pytest.fail("entered with a wrong token")


async def test_conversations_are_kept_in_order(client: CozeClient, caller: Caller) -> None:
    question = await begin(caller.agent, "order")
    await caller.ask(question)
    before = await client.conversation(question.conversation_id)
    await caller.agent.clear(question.conversation_id)
    after = await client.conversation(question.conversation_id)
    assert before.section_id != after.section_id
    assert [message.content for message in await client.history(after.id)] == [
        ANSWER,
        question.text,
    ]
    await client.rename(after.id, "Stories")
    found, more = await client.conversations(DEMO_BOT_ID)
    assert [(one.id, one.name) for one in found] == [(after.id, "Stories")]
    assert not more
    await client.delete(after.id)
    await client.delete(after.id)
    with pytest.raises(Gone):
        await client.conversation(after.id)


async def test_the_published_agent_introduces_itself(agent: CozeAgent) -> None:
    await agent.check()
    profile = await agent.profile()
    assert profile.name
    assert profile.prologue
    assert profile.questions
