"""A chat at the emulator lives as a chat at Coze does."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    FAULTS,
    Answer,
    Cut,
    Emulator,
    Memory,
    Scenario,
    serve,
)
from bridge.testing.clock import Clock

Json = dict[str, object]


def body(text: str = "hello", **more: object) -> Json:
    question = {"role": "user", "content": text, "content_type": "text"}
    base: Json = {"bot_id": DEMO_BOT_ID, "user_id": "u1", "additional_messages": [question]}
    return base | more


@dataclass(frozen=True)
class Caller:
    emulator: Emulator
    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, payload: object = None, **params: str
    ) -> tuple[int, Json]:
        async with self.http.request(method, path, json=payload, params=params) as response:
            answer: Json = json.loads(await response.text())
            return response.status, answer

    async def post(self, path: str, payload: object = None, **params: str) -> Json:
        return (await self.call("POST", path, payload, **params))[1]

    async def get(self, path: str, **params: str) -> Json:
        return (await self.call("GET", path, **params))[1]

    async def conversation(self) -> str:
        return str(data(await self.post("/v1/conversation/create", {}))["id"])

    async def finished(self, count: int = 1) -> None:
        await self.emulator.until(
            lambda e: len(e.asked) >= count and all(a.finished_at for a in e.asked)
        )

    async def said(self, text: str, conversation: str) -> str:
        """Ask without streaming, and return the whole answer."""
        asked = len(self.emulator.asked)
        chat = data(await self.post("/v3/chat", body(text), conversation_id=conversation))
        await self.finished(asked + 1)
        messages = items(
            await self.get(
                "/v3/chat/message/list",
                conversation_id=str(chat["conversation_id"]),
                chat_id=str(chat["id"]),
            )
        )
        return "".join(str(m["content"]) for m in messages if m["type"] == "answer")


def data(answer: Json) -> Json:
    assert answer["code"] == 0, answer
    found = answer["data"]
    assert isinstance(found, dict)
    return found


def items(answer: Json) -> list[Json]:
    assert answer["code"] == 0, answer
    found = answer["data"]
    assert isinstance(found, list)
    return found


@pytest.fixture
async def emulator(loop_clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0.002, clock=lambda: loop_clock.now().timestamp())) as emulator:
        yield emulator


@pytest.fixture
async def caller(emulator: Emulator) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as http:
        yield Caller(emulator, http)


async def test_stream_tells_a_turn_in_the_documented_order(caller: Caller) -> None:
    async with caller.http.post("/v3/chat", json=body("hello", stream=True)) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-tt-logid"]
        text = await response.text()
    events = [line.removeprefix("event:") for line in text.split("\n") if line[:6] == "event:"]
    assert events[:3] == [
        "conversation.chat.created",
        "conversation.chat.in_progress",
        "conversation.message.delta",
    ]
    assert events[-2:] == ["conversation.chat.completed", "done"]
    assert text.endswith('event:done\ndata:"[DONE]"\n\n')


async def test_without_stream_the_chat_is_in_progress_and_polled(caller: Caller) -> None:
    chat = data(await caller.post("/v3/chat", body("12*7")))
    assert chat["status"] in ("created", "in_progress")
    await caller.finished()
    ids = {"conversation_id": str(chat["conversation_id"]), "chat_id": str(chat["id"])}
    for method in ("GET", "POST"):
        _, answer = await caller.call(method, "/v3/chat/retrieve", **ids)
        assert data(answer)["status"] == "completed"
    messages = items(await caller.get("/v3/chat/message/list", **ids))
    assert [m["type"] for m in messages] == ["answer", "verbose"]
    assert "84" in str(messages[0]["content"])


async def test_chat_goes_on_when_its_reader_leaves(caller: Caller) -> None:
    async with caller.http.post("/v3/chat", json=body("help", stream=True)) as response:
        await response.content.readuntil(b"message.delta")
        response.close()
    await caller.finished()
    assert caller.emulator.asked[0].status == "completed"


async def test_second_question_is_refused_while_one_is_answered(caller: Caller) -> None:
    caller.emulator.install(Scenario(times=1, hang_after=2))
    conversation = await caller.conversation()
    chat = data(await caller.post("/v3/chat", body(), conversation_id=conversation))
    busy = await caller.post("/v3/chat", body("again"), conversation_id=conversation)
    assert busy["code"] == 4016
    elsewhere = await caller.post("/v3/chat", body("elsewhere"))
    assert elsewhere["code"] == 0
    ids = {"conversation_id": conversation, "chat_id": str(chat["id"])}
    assert data(await caller.post("/v3/chat/cancel", ids))["status"] == "canceled"
    assert (await caller.post("/v3/chat", body(), conversation_id=conversation))["code"] == 0


async def test_cancel_does_not_end_the_stream(caller: Caller) -> None:
    async with caller.http.post("/v3/chat", json=body("help", stream=True)) as response:
        await caller.emulator.until(lambda e: bool(e.asked) and e.asked[0].deltas >= 2)
        chat = caller.emulator.asked[0]
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
        await caller.post("/v3/chat/cancel", ids)
        at_cancel = caller.emulator.asked[0].deltas
        text = await response.text()
    assert caller.emulator.asked[0].deltas > at_cancel + 10
    assert text.count("event:conversation.message.delta") == caller.emulator.asked[0].deltas
    assert "conversation.chat.completed" not in text
    retrieved = data(await caller.get("/v3/chat/retrieve", **ids))
    assert retrieved["status"] == "canceled"
    assert caller.emulator.asked[0].cancelled


async def test_cancelled_turn_is_no_context(caller: Caller) -> None:
    conversation = await caller.conversation()
    caller.emulator.install(Scenario(match="secret", hang_after=1))
    chat = data(await caller.post("/v3/chat", body("secret"), conversation_id=conversation))
    ids = {"conversation_id": conversation, "chat_id": str(chat["id"])}
    await caller.post("/v3/chat/cancel", ids)
    assert "secret" not in await caller.said("what did I say?", conversation)


async def test_ended_chat_cannot_be_cancelled(caller: Caller) -> None:
    chat = data(await caller.post("/v3/chat", body("hi")))
    await caller.finished()
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    assert (await caller.post("/v3/chat/cancel", ids))["code"] == 4104


async def test_context_ends_at_clear_but_messages_stay(caller: Caller) -> None:
    conversation = await caller.conversation()
    await caller.said("the cat is called Rio", conversation)
    assert "Rio" in await caller.said("what did I say?", conversation)
    section = data(await caller.post(f"/v1/conversations/{conversation}/clear"))
    assert section["id"] != conversation
    assert section["conversation_id"] == conversation
    assert "Rio" not in await caller.said("what did I say?", conversation)
    listed = items(
        await caller.post("/v1/conversation/message/list", {}, conversation_id=conversation)
    )
    assert any("Rio" in str(message["content"]) for message in listed)


async def test_question_is_found_again_by_its_meta_data(caller: Caller) -> None:
    conversation = await caller.conversation()
    asked = body("hello", meta_data={"turn": "t-1"})
    chat = data(await caller.post("/v3/chat", asked, conversation_id=conversation))
    await caller.finished()
    listed = items(
        await caller.post("/v1/conversation/message/list", {}, conversation_id=conversation)
    )
    assert [m["type"] for m in listed] == ["answer", "question"]
    assert listed[1]["meta_data"] == {"turn": "t-1"}
    assert listed[1]["chat_id"] == chat["id"]


async def test_history_that_is_not_kept_cannot_be_retrieved(caller: Caller) -> None:
    asked = body("hello", stream=True, auto_save_history=False)
    async with caller.http.post("/v3/chat", json=asked) as response:
        await response.read()
    chat = caller.emulator.asked[0]
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
    assert (await caller.get("/v3/chat/retrieve", **ids))["code"] == 4001
    submit: Json = {"tool_outputs": []}
    assert (await caller.post("/v3/chat/submit_tool_outputs", submit, **ids))["code"] == 5000
    refused = await caller.post("/v3/chat", body("hello", auto_save_history=False))
    assert refused["code"] == 4007


async def test_tools_are_waited_for_and_the_chat_goes_on(caller: Caller) -> None:
    caller.emulator.install(FAULTS["tools"])
    conversation = await caller.conversation()
    chat = data(await caller.post("/v3/chat", body("rain?"), conversation_id=conversation))
    await caller.finished()
    ids = {"conversation_id": conversation, "chat_id": str(chat["id"])}
    waiting = data(await caller.get("/v3/chat/retrieve", **ids))
    assert waiting["status"] == "requires_action"
    assert {"usage", "last_error"}.isdisjoint(waiting)
    action = waiting["required_action"]
    assert isinstance(action, dict)
    [call] = action["submit_tool_outputs"]["tool_calls"]
    assert call["require_info"] == {}
    assert (await caller.post("/v3/chat/cancel", ids))["code"] == 4104

    wrong = {"tool_outputs": [{"tool_call_id": "1", "output": "no"}]}
    assert (await caller.post("/v3/chat/submit_tool_outputs", wrong, **ids))["code"] == 4000

    right = {"tool_outputs": [{"tool_call_id": call["id"], "output": "80%"}], "stream": True}
    async with caller.http.post("/v3/chat/submit_tool_outputs", json=right, params=ids) as response:
        text = await response.text()
    assert "conversation.chat.created" not in text
    assert text.index("tool_response") < text.index("conversation.message.delta")
    assert "80%" in str(
        [m["content"] for m in items(await caller.get("/v3/chat/message/list", **ids))]
    )
    assert data(await caller.get("/v3/chat/retrieve", **ids))["status"] == "completed"


async def test_recording_of_questions_tells_when_the_first_delta_came(caller: Caller) -> None:
    conversation = await caller.conversation()
    asked = body("hello", meta_data={"turn": "7"})
    asked["additional_messages"] = [
        {"role": "user", "content": "hello", "content_type": "text", "meta_data": {"k": "v"}}
    ]
    await caller.post("/v3/chat", asked, conversation_id=conversation)
    await caller.finished()
    [record] = caller.emulator.asked
    assert (record.text, record.user_id, record.conversation_id) == ("hello", "u1", conversation)
    assert record.meta_data == {"turn": "7"}
    assert record.message_meta_data == {"k": "v"}
    assert record.first_delta_at is not None
    assert record.first_delta_wall is not None
    assert record.finished_at is not None
    assert record.at <= record.first_delta_wall <= record.finished_at
    log = await caller.get("/_emulator/log")
    assert log["asked"] == [
        {
            "text": "hello",
            "user_id": "u1",
            "conversation_id": conversation,
            "chat_id": record.chat_id,
            "meta_data": {"turn": "7"},
            "message_meta_data": {"k": "v"},
            "at": record.at,
            "status": "completed",
            "scenario": "normal",
            "deltas": record.deltas,
            "first_delta_at": record.first_delta_at,
            "first_delta_wall": record.first_delta_wall,
            "finished_at": record.finished_at,
            "cancelled": False,
            "files": [],
            "extra": {},
            "outputs": [],
        }
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bot_id": "1"}, 4006),
        ({"bot_id": None}, 4000),
        ({"user_id": ""}, 4000),
        ({"meta_data": {str(n): "x" for n in range(17)}}, 4003),
        ({"meta_data": {"k": "x" * 513}}, 4003),
        ({"additional_messages": [{"role": "user", "content": "x"}] * 101}, 4004),
        ({"additional_messages": [{"role": "assistant", "content": "x"}]}, 4000),
        ({"additional_messages": [{"role": "user", "content": "x", "type": "answer"}]}, 4000),
        ({"additional_messages": []}, 4000),
        (
            {
                "additional_messages": [
                    {"role": "user", "content": "no JSON", "content_type": "object_string"}
                ]
            },
            4000,
        ),
        (
            {
                "additional_messages": [
                    {
                        "role": "user",
                        "content": '[{"type":"image","file_url":"http://x/a.png"}]',
                        "content_type": "object_string",
                    }
                ]
            },
            4000,
        ),
        ({"bot_version": "1", "publish_status": "unpublished_draft"}, 4000),
    ],
)
async def test_bad_question_gets_the_documented_code(
    caller: Caller, change: Json, code: int
) -> None:
    status, answer = await caller.call("POST", "/v3/chat", body() | change)
    assert (status, answer["code"]) == (200, code)
    assert caller.emulator.asked == []


async def test_text_with_a_picture_reaches_the_agent(caller: Caller) -> None:
    content = json.dumps(
        [{"type": "text", "text": "look"}, {"type": "image", "file_url": "http://x/goat.png"}]
    )
    message = {"role": "user", "content": content, "content_type": "object_string"}
    chat = data(await caller.post("/v3/chat", body() | {"additional_messages": [message]}))
    await caller.finished()
    ids = {"conversation_id": str(chat["conversation_id"]), "chat_id": str(chat["id"])}
    assert "goat.png" in str(items(await caller.get("/v3/chat/message/list", **ids))[0])


async def test_unknown_conversation_is_4002(caller: Caller) -> None:
    answer = await caller.post("/v3/chat", body(), conversation_id="123")
    assert answer["code"] == 4002


async def test_wrong_token_is_4101_at_200_in_chat_and_401_elsewhere(emulator: Emulator) -> None:
    async with aiohttp.ClientSession(
        emulator.url, headers={"Authorization": "Bearer nonsense"}
    ) as http:
        caller = Caller(emulator, http)
        status, answer = await caller.call("POST", "/v3/chat", body())
        assert (status, answer["code"]) == (200, 4101)
        for path in ("/v3/chat/retrieve", "/v3/chat/message/list", "/v1/conversations"):
            status, answer = await caller.call("GET", path)
            assert (status, answer["code"]) == (401, 700012006)


async def test_unknown_path_is_4000_at_404(caller: Caller) -> None:
    for path in ("/v3/conversation/message/list", "/v1/nothing"):
        status, answer = await caller.call("GET", path)
        assert (status, answer["code"]) == (404, 4000)


async def test_chatflow_takes_its_conversation_from_the_body(caller: Caller) -> None:
    conversation = await caller.conversation()
    question = {"role": "user", "content": "the cat is called Rio", "content_type": "text"}
    asked = {
        "workflow_id": DEMO_WORKFLOW_ID,
        "app_id": DEMO_APP_ID,
        "parameters": {},
        "additional_messages": [question],
        "conversation_id": conversation,
        "ext": {"user_id": "u9"},
    }
    async with caller.http.post("/v1/workflows/chat", json=asked) as response:
        text = await response.text()
    frames = [frame.split("\n") for frame in text.strip().split("\n\n")]
    assert all(line.partition(":")[2].startswith(" ") for frame in frames for line in frame)
    assert frames[-1][0] == "event: done"
    assert json.loads(frames[-1][1].removeprefix("data: ")).keys() == {"debug_url"}
    chat = json.loads(frames[0][1].removeprefix("data: "))
    assert chat["conversation_id"] == conversation
    assert "bot_id" not in chat
    assert caller.emulator.asked[0].user_id == "u9"
    both = asked | {"bot_id": DEMO_BOT_ID}
    assert (await caller.post("/v1/workflows/chat", both))["code"] == 4000


async def test_agent_of_ones_own_hears_context_and_variables() -> None:
    heard: list[tuple[str, Memory]] = []

    def agent(question: str, memory: Memory) -> Answer:
        heard.append((question, memory))
        return Answer("yes")

    async with (
        serve(Emulator(agent=agent, pace=0, seed=3)) as emulator,
        aiohttp.ClientSession(
            emulator.url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"}
        ) as http,
    ):
        caller = Caller(emulator, http)
        conversation = await caller.conversation()
        await caller.said("one", conversation)
        await caller.said("two", conversation)
    assert [(question, memory.said) for question, memory in heard] == [
        ("one", ()),
        ("two", ("one",)),
    ]
    assert heard[1][1].variables["plan"] == "free"
    assert heard[1][1].seed == 3


async def test_same_seed_gives_the_same_ids_and_words() -> None:
    async def tell(seed: int) -> list[str]:
        emulator = Emulator(pace=0, seed=seed, clock=lambda: 1000.0)
        emulator.install(Scenario(tokens=20))
        headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
        async with (
            serve(emulator),
            aiohttp.ClientSession(emulator.url, headers=headers) as http,
            http.post("/v3/chat", json=body(stream=True)) as response,
        ):
            return [line for line in (await response.text()).split("\n") if line]

    first = await tell(1)
    assert first == await tell(1)
    assert first != await tell(2)


async def test_long_answer_keeps_its_pace(
    emulator: Emulator, caller: Caller, loop_clock: Clock
) -> None:
    emulator.install(Scenario(tokens=100, pace=0.005))
    await caller.post("/v3/chat", body())
    for count in range(10, 100, 10):
        await emulator.until(lambda e, count=count: e.asked[0].deltas >= count)  # type: ignore[misc]
        loop_clock.advance(0.009)  # a busy machine: it wakes up 4 ms late
    await caller.finished()
    [record] = emulator.asked
    assert record.finished_at is not None
    assert record.first_delta_wall is not None
    assert record.deltas == 100
    # 99 gaps of 5 ms: late wake-ups do not add up.
    assert record.finished_at - record.first_delta_wall == pytest.approx(0.495, abs=0.01)


async def test_stopping_is_prompt_and_the_same_port_can_be_served_again() -> None:
    emulator = Emulator(pace=0.002)
    emulator.install(Scenario(match="stall", stall_after=1))
    emulator.install(Scenario(match="count", tokens=300, pace=0.004))
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(headers=headers) as http:
        async with serve(emulator):
            port = int(emulator.url.rpartition(":")[2])
            chat = f"{emulator.url}/v3/chat"
            stalled = await http.post(chat, json=body("stall", stream=True))
            counting = await http.post(chat, json=body("count", stream=True))
            await emulator.until(lambda e: len(e.asked) == 2 and e.asked[1].deltas > 5)
            stopping = loop.time()
        assert loop.time() - stopping < 1.0
        with pytest.raises(aiohttp.ClientError):
            await counting.read()
        with pytest.raises(aiohttp.ClientError):
            await stalled.read()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(chat)
        interrupted = emulator.asked[1]
        assert interrupted.status == "in_progress"

        async with serve(emulator, port=port):
            assert emulator.url.endswith(str(port))
            await emulator.until(lambda e: e.asked[1].finished_at is not None)
        assert emulator.asked[1].status == "completed"
        assert emulator.asked[1].deltas == 300


async def test_cut_stream_leaves_the_whole_answer_at_coze(caller: Caller) -> None:
    caller.emulator.install(Scenario(reply="a b c d e", cut=Cut.CLEAN, cut_after=2, linger=0.1))
    async with caller.http.post("/v3/chat", json=body(stream=True)) as response:
        await response.read()
    chat = caller.emulator.asked[0]
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
    assert data(await caller.get("/v3/chat/retrieve", **ids))["status"] == "in_progress"
    await caller.finished()
    assert data(await caller.get("/v3/chat/retrieve", **ids))["status"] == "completed"
    [answer, _] = items(await caller.get("/v3/chat/message/list", **ids))
    assert answer["content"] == "a b c d e"
