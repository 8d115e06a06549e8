"""A chat at the emulator lives as a chat at Coze does."""

import json

import pytest
from emulator_caller import Caller, Json, body, caller, data, emulator, items

from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_WORKFLOW_ID,
    FAULTS,
    Cut,
    Scenario,
)

__all__ = ["caller", "emulator"]


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
