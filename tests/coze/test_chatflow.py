"""Chatflows: asked as documented, and never twice, whichever way Coze lets an answer be found."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from asking import (
    FAILED,
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

from bridge.coze import Chatflow, ClientSettings, CozeClient, Pat
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    FAULTS,
    Emulator,
    Scenario,
    Trouble,
    serve,
)
from bridge.emulator.chatflows import Workflow
from bridge.errors import BridgeError, Gone, Permanent, Transient, Unauthorised
from bridge.testing.clock import Clock as LoopClock
from bridge.testing.clock import ClockLoop
from bridge.testing.wire_server import Scene, WireServer, reply, stream
from bridge.upstream import (
    AnswerEvent,
    ConversationLost,
    Delta,
    Failed,
    Finished,
    Needs,
    Over,
    Profile,
    Question,
    Running,
    Said,
    Spoken,
    Started,
    Suggested,
    Trace,
)

ENDPOINT = "/v1/workflows/chat"
SETTINGS = ClientSettings(
    connect_timeout=0.5, idle_timeout=1.0, max_concurrent_turns=1, retry_wait=0.001
)
ENDED_WELL = [Spoken(), Finished(None)]


async def at_once(_seconds: float) -> None:
    """Wait for nothing: the emulator's chats have ended where a test asks what became of them."""


def chatflow(client: CozeClient, *, app_id: str = DEMO_APP_ID) -> Chatflow:
    return Chatflow(client, workflow_id=DEMO_WORKFLOW_ID, app_id=app_id, sleep=at_once)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(agent=storyteller, pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def agent(emulator: Emulator) -> AsyncIterator[Chatflow]:
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), SETTINGS) as client:
        yield chatflow(client)


async def told(agent: Chatflow, question: Question) -> list[AnswerEvent]:
    async with agent.ask(question) as events:
        return [event async for event in events]


# --- what is sent


@asynccontextmanager
async def asking(server: WireServer) -> AsyncIterator[Chatflow]:
    async with CozeClient(server.url, Pat("pat_x"), SETTINGS) as client:
        yield chatflow(client)


def spaced(event: str, data: object) -> bytes:
    """A frame as `/v1/workflows/chat` writes it: one space after each colon."""
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


async def test_a_chatflow_is_asked_as_documented(server: WireServer) -> None:
    chat = {"id": "t1", "conversation_id": "c1"}
    server.plays(
        stream(
            spaced("conversation.chat.created", chat)
            + spaced("conversation.message.delta", {"id": "m1", "type": "answer", "content": "Hi"})
            + spaced("conversation.chat.completed", chat)
            + spaced("done", {"debug_url": "https://coze.example/run"})
        )
    )
    question = Question("u1", "c1", "hello", "turn-1", parameters={"city": "Rome"})
    async with asking(server) as agent:
        events = await told(agent, question)
    assert events == [Started("c1", "t1"), Delta("m1", "Hi"), Said("m1", "Hi"), *ENDED_WELL]
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", ENDPOINT, {})
    assert asked.body == {
        "workflow_id": DEMO_WORKFLOW_ID,
        "app_id": DEMO_APP_ID,
        "connector_id": "1024",
        "conversation_id": "c1",
        "parameters": {"city": "Rome"},
        "ext": {"user_id": "u1"},
        "additional_messages": [
            {
                "role": "user",
                "type": "question",
                "content": "hello",
                "content_type": "text",
                "meta_data": {"bridge_turn": "turn-1"},
            }
        ],
    }


@pytest.mark.parametrize("data", ['"out of order"', "out of order", '{"code":"5000","msg":"x"}'])
async def test_an_error_in_the_stream_may_be_text(server: WireServer, data: str) -> None:
    begun = spaced("conversation.chat.created", {"id": "t1", "conversation_id": "c1"})
    server.plays(stream(begun + f"event: error\ndata: {data}\n\n".encode()))
    async with asking(server) as agent:
        events = await told(agent, Question("u1", "c1", "hello", "turn-1"))
    assert isinstance(events[-1], Failed)


async def test_a_question_node_needs_no_required_action_to_be_one(server: WireServer) -> None:
    chat = {"id": "t1", "conversation_id": "c1", "status": "requires_action"}
    server.plays(
        stream(
            spaced("conversation.message.completed", {"id": "m", "type": "answer", "content": "?"})
            + spaced("conversation.chat.requires_action", chat)
            + spaced("done", {"debug_url": "https://coze.example/run"})
        )
    )
    async with asking(server) as agent:
        events = await told(agent, Question("u1", "c1", "hello", "turn-1"))
    assert events[1:] == [Said("m", "?"), Needs()]


# --- conversations


async def test_a_conversation_belongs_to_its_app(emulator: Emulator, agent: Chatflow) -> None:
    emulator.chatflows.bound = True
    first, second = await agent.begin(), await agent.begin()
    assert first != second
    events = await told(agent, Question("u1", first, "hello", "turn-1"))
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("code", [4000, 5000])
async def test_where_apps_have_no_conversations_any_will_do(
    emulator: Emulator, agent: Chatflow, code: int
) -> None:
    emulator.install(
        Scenario(endpoint="/v1/conversation/create", refuse=Trouble(code, "no"), times=1)
    )
    conversation = await agent.begin()
    assert emulator.calls["POST /v1/conversation/create"] == 2
    events = await told(agent, Question("u1", conversation, "hello", "turn-1"))
    assert isinstance(events[-1], Finished)


async def test_a_refused_token_is_not_tried_twice(emulator: Emulator) -> None:
    async with CozeClient(emulator.url, Pat("pat_wrong"), SETTINGS) as client:
        with pytest.raises(Unauthorised):
            await chatflow(client).begin()
    assert emulator.calls["POST /v1/conversation/create"] == 1


async def test_what_a_chatflow_asks_back_the_next_question_answers(
    emulator: Emulator, agent: Chatflow
) -> None:
    emulator.install(Scenario(endpoint=ENDPOINT, reply="Which city?", needs_reply=True, times=1))
    conversation = await agent.begin()
    first = await told(agent, Question("u1", conversation, "weather", "turn-1"))
    assert first[-2:] == [Said(_id(first), "Which city?"), Needs()]
    second = await told(agent, Question("u1", conversation, "Rome", "turn-2"))
    assert isinstance(second[-1], Finished)
    assert [asked.conversation_id for asked in emulator.asked] == [conversation] * 2


def _id(events: list[AnswerEvent]) -> str:
    return next(event.message_id for event in events if isinstance(event, Said))


# --- what became of a question


@dataclass(frozen=True)
class Ended:
    """How one fault ended for a caller, and what Coze had accepted."""

    error: BridgeError | None
    said: list[str]
    told: list[AnswerEvent]
    looked_up: bool
    marks: list[str]


async def suffered(name: str, *, retrievable: bool) -> Ended:
    """Ask one question of a chatflow with a fault of its own."""
    clock = Clock()
    emulator = Emulator(agent=storyteller, pace=0.001, clock=clock)
    emulator.chatflows.retrievable = retrievable
    async with (
        serve(emulator),
        CozeClient(emulator.url, Pat(DEMO_TOKEN), SETTINGS) as client,
    ):
        caller = Caller(chatflow(client), emulator, clock)
        question = await begin(caller.agent, name)
        emulator.install(replace(FAULTS[name], endpoint=ENDPOINT))
        error = None
        try:
            await caller.ask(question)
        except BridgeError as raised:
            error = raised
        marks = [asked.message_meta_data["bridge_turn"] for asked in emulator.asked]
        return Ended(error, caller.said(), caller.told, bool(caller.found), marks)


# Without an endpoint that tells the status, these cannot be told from an answer that still comes.
UNKNOWABLE = {"hang", "failed_unseen"}


FEW = 12  # faults at once: of many, one would be late only because of the others


def suffer(*, retrievable: bool) -> dict[str, Ended]:
    async def all_at_once() -> dict[str, Ended]:
        names = sorted(FAULTS if retrievable else set(FAULTS) - UNKNOWABLE)
        room = asyncio.Semaphore(FEW)

        async def one(name: str) -> Ended:
            async with room:
                return await suffered(name, retrievable=retrievable)

        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))

    with asyncio.Runner(loop_factory=lambda: ClockLoop(LoopClock())) as runner:
        return runner.run(all_at_once())


@pytest.fixture(scope="module")
def by_chat() -> dict[str, Ended]:
    """Every fault, where chats can be looked up."""
    return suffer(retrievable=True)


@pytest.fixture(scope="module")
def by_history() -> dict[str, Ended]:
    """Every fault, where only the history tells."""
    return suffer(retrievable=False)


WELL = sorted(set(FAULTS).difference(REFUSED, FAILED, OTHER_ENDS))


@pytest.mark.parametrize("name", WELL)
def test_an_answer_arrives_whole_and_was_asked_for_once(
    by_chat: dict[str, Ended], name: str
) -> None:
    ended = by_chat[name]
    assert ended.error is None
    assert ended.said == answers_to(FAULTS[name])
    assert ended.told.count(Spoken()) == 1
    assert isinstance(ended.told[-1], Finished)
    suggested = tuple(event.text for event in ended.told if isinstance(event, Suggested))
    assert suggested == suggestions_after(FAULTS[name])
    assert is_right_about(name, looked_up=ended.looked_up)
    assert ended.marks == [f"mark-{name}"]


@pytest.mark.parametrize("name", WELL)
def test_where_chats_are_unknown_the_history_has_the_answer(
    by_history: dict[str, Ended], name: str
) -> None:
    ended = by_history[name]
    assert ended.error is None
    assert ended.said == answers_to(FAULTS[name])
    assert isinstance(ended.told[-1], Finished)
    assert is_right_about(name, looked_up=ended.looked_up)
    assert ended.marks == [f"mark-{name}"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_question_is_raised_by_kind(by_chat: dict[str, Ended], name: str) -> None:
    assert type(by_chat[name].error) is REFUSED[name]
    assert by_chat[name].marks == []


@pytest.mark.parametrize("name", FAILED)
def test_a_failed_answer_says_why(by_chat: dict[str, Ended], name: str) -> None:
    last = by_chat[name].told[-1]
    assert isinstance(last, Failed)
    assert type(last.error) is FAILED[name]


@pytest.mark.parametrize("name", OTHER_ENDS)
def test_an_answer_may_end_in_something_else(by_chat: dict[str, Ended], name: str) -> None:
    assert nameless(by_chat[name].told[-1]) == OTHER_ENDS[name]


async def test_an_answer_still_growing_in_the_history_is_not_whole(
    server: WireServer,
) -> None:
    gone = reply({"code": 4001, "msg": "no such chat"})
    question = {"id": "q", "role": "user", "chat_id": "t1", "content": "?"}
    first = {"id": "1", "role": "assistant", "type": "answer", "chat_id": "t1", "content": "One."}
    second = {**first, "id": "2", "content": "Two."}
    begun, grown = [first, question], [second, first, question]
    server.plays(
        *(gone, history([question])),
        *(gone, history(begun), history(grown)),
        *(gone, history(grown), history(grown)),
    )
    async with asking(server) as agent:
        trace = Trace("c1", "t1")
        assert await agent.outcome(trace) == Running()
        assert await agent.outcome(trace) == Running()
        outcome = await agent.outcome(trace)
    assert outcome == Over((Said("1", "One."), Said("2", "Two."), Spoken(), Finished(None)))


def history(messages: list[dict[str, str]]) -> Scene:
    return reply({"code": 0, "data": messages})


@pytest.mark.parametrize(
    ("code", "kind"), [(4002, ConversationLost), (4100, Unauthorised), (4013, Transient)]
)
async def test_other_errors_of_a_look_up_stay_what_they_are(
    server: WireServer, code: int, kind: type[BridgeError]
) -> None:
    refused = reply({"code": code, "msg": "no"})
    server.plays(refused, refused, refused)
    async with asking(server) as agent:
        with pytest.raises(kind):
            await agent.outcome(Trace("c1", "t1"))


async def test_what_cannot_be_cancelled_runs_to_its_end(
    emulator: Emulator, agent: Chatflow
) -> None:
    emulator.chatflows.retrievable = False
    conversation = await agent.begin()
    emulator.install(Scenario(endpoint=ENDPOINT, first_delay=60))
    async with agent.ask(Question("u1", conversation, "hello", "turn-1")) as events:
        started = await anext(events)
    assert isinstance(started, Started)
    await agent.cancel(Trace(conversation, started.chat_id))
    assert [asked.status for asked in emulator.asked] == ["in_progress"]


# --- what is known of it


async def test_a_chatflow_has_a_name_and_a_version(emulator: Emulator, agent: Chatflow) -> None:
    profile = await agent.check()
    assert profile == Profile(name="Bridge tour", version=profile.version if profile else "")
    emulator.chatflows.all[DEMO_WORKFLOW_ID] = Workflow("Bridge tour", DEMO_APP_ID, 7)
    assert await agent.profile() == Profile(name="Bridge tour", version="7")


async def test_one_that_was_never_published_is_gone(emulator: Emulator, agent: Chatflow) -> None:
    emulator.chatflows.all.clear()
    with pytest.raises(Gone):
        await agent.check()


async def test_a_wrong_app_is_named_with_the_right_one(emulator: Emulator) -> None:
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), SETTINGS) as client:
        with pytest.raises(Permanent, match=f"belongs to the app {DEMO_APP_ID}: correct app_id"):
            await chatflow(client, app_id="99").check()


async def test_a_chatflow_of_a_library_runs_in_any_app(emulator: Emulator, agent: Chatflow) -> None:
    emulator.chatflows.all[DEMO_WORKFLOW_ID] = Workflow("Shared", "0", 7)
    assert await agent.check() == Profile(name="Shared", version="7")


async def test_a_token_that_may_not_read_workflows_may_still_run_them(
    emulator: Emulator, agent: Chatflow
) -> None:
    emulator.install(Scenario(endpoint="/v1/workflows/7*", refuse=Trouble(4101, "no permission")))
    assert await agent.check() is None


async def test_variables_are_those_of_the_app(emulator: Emulator, agent: Chatflow) -> None:
    await agent.set_variables("u1", {"user_name": "Anna"})
    values = {variable.keyword: variable.value for variable in await agent.variables("u1")}
    assert values["user_name"] == "Anna"
