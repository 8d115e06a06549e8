"""The agent against the emulator: every fault it knows, and the calls between two turns."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import (
    DEMO_BOT_ID,
    DEMO_TOKEN,
    FAULTS,
    Answer,
    Emulator,
    Memory,
    Scenario,
    serve,
)
from bridge.errors import (
    BridgeError,
    Exhausted,
    Gone,
    Occupied,
    Permanent,
    Rejected,
    Transient,
    Unauthorised,
)
from bridge.upstream import (
    AnswerEvent,
    Cancelled,
    ConversationLost,
    Delta,
    Failed,
    Finished,
    Needs,
    Over,
    Question,
    Said,
    Spoken,
    Started,
    Suggested,
    Trace,
)

ANSWER = "Once upon a time 从前有座山 there lived **one** small 🦊 and it said nothing at all."
NEXT = ("And then?", "Why nothing?")


def storyteller(_question: str, _memory: Memory) -> Answer:
    return Answer(ANSWER, follow_ups=NEXT)


@dataclass
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(agent=storyteller, pace=0.001, clock=clock)) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[CozeClient]:
    settings = ClientSettings(idle_timeout=1.0, max_concurrent_turns=1, retry_wait=0.001)
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), settings) as client:
        yield client


@pytest.fixture
def agent(client: CozeClient) -> CozeAgent:
    return CozeAgent(client, bot_id=DEMO_BOT_ID)


def nothing_runs(emulator: Emulator) -> bool:
    return all(asked.status not in ("created", "in_progress") for asked in emulator.asked)


@dataclass
class Caller:
    """Asks as the architecture wants it: never twice what may have arrived.

    streamed: what the streams told; found: what was looked up after one of them was lost.
    """

    agent: CozeAgent
    emulator: Emulator
    clock: Clock
    streamed: list[AnswerEvent] = field(default_factory=list)
    found: list[AnswerEvent] = field(default_factory=list)

    async def ask(self, question: Question) -> None:
        """Get an answer out of at most three attempts."""
        for last in (False, False, True):
            try:
                return await self._attempt(question)
            except Transient as error:
                if last:
                    raise
                self.clock.now += 3.0  # time for whatever is busy
                if error.happened and await self._looked_up(question):
                    return None
        return None

    async def _attempt(self, question: Question) -> None:
        async with self.agent.ask(question) as events:
            async for event in events:
                self.streamed.append(event)

    async def _looked_up(self, question: Question) -> bool:
        trace = await self.agent.find(question.conversation_id, question.mark)
        if trace is None:
            return False
        if self.emulator.asked[-1].scenario == "hang":
            await self.agent.cancel(trace)
        await self.emulator.until(nothing_runs)
        outcome = await self.agent.outcome(trace)
        assert isinstance(outcome, Over)
        self.found.extend(outcome.events)
        return True

    @property
    def told(self) -> list[AnswerEvent]:
        """What counts in the end."""
        return self.found or self.streamed

    def said(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Said)]


@pytest.fixture
def caller(agent: CozeAgent, emulator: Emulator, clock: Clock) -> Caller:
    return Caller(agent, emulator, clock)


REFUSED: dict[str, type[BridgeError]] = {
    "bad_parameters": Permanent,
    "unknown_conversation": ConversationLost,
    "daily_limit": Exhausted,
    "prompt_too_long": Rejected,
    "quota": Exhausted,
    "cannot_answer": Rejected,
    "unpublished": Permanent,
    "no_permission": Unauthorised,
    "invalid_token": Unauthorised,
    "internal_for_ever": Transient,
}
FAILED: dict[str, type[BridgeError]] = {
    "failed": Transient,
    "failed_at_once": Transient,
    "failed_unseen": Transient,
    "error_event": Transient,
    "refused_content": Rejected,
}
OTHER_ENDS: dict[str, AnswerEvent] = {
    "tools": Needs("tools"),
    "needs_reply": Needs("reply"),
    "hang": Cancelled(),
}
LOST = frozenset(
    {
        *("drop_asked", "drop_headers", "slow_headers", "slow_start", "stall", "pause"),
        *("cut", "cut_before_text", "cut_mid_frame", "cut_reset"),
        *("eof", "eof_after_text", "no_terminal", "follow_ups"),
    }
)


def answers_to(fault: Scenario) -> list[str]:
    """Say what the user should read in the end."""
    first = fault.reply if fault.reply is not None else "".join(fault.chunks) or ANSWER
    texts = (fault.completed or first, *(fault.more or ()))
    return [text for text in texts if text]


def suggestions_after(fault: Scenario) -> tuple[str, ...]:
    """Say what is suggested then: a scripted answer has no suggestions of the storyteller."""
    scripted = fault.reply is not None or bool(fault.chunks)
    return fault.follow_ups or (() if scripted else NEXT)


async def begin(agent: CozeAgent, name: str) -> Question:
    return Question("user-1", await agent.begin(), f"tell me about {name}", f"mark-{name}")


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
    assert bool(caller.found) is (name in LOST)
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
    assert caller.told[-1] == OTHER_ENDS[name]
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
