"""Every fault in what an answer says, and how it is written, really is what its name says."""

import asyncio
import json
import re

import pytest
from fault_caller import Caller, Checks, Heard, caller, is_seen

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, FAULTS, Emulator, Scenario

__all__ = ["CHECKS", "caller"]

CHECKS = Checks()
shows = CHECKS.of


@shows("reasoning")
async def reasoning(caller: Caller) -> None:
    heard = await caller.ask()
    deltas = heard.data("conversation.message.delta")
    thoughts = [d for d in deltas if d["reasoning_content"]]
    assert "".join(str(d["reasoning_content"]) for d in thoughts) == FAULTS["reasoning"].reasoning
    assert all(d["content"] == "" for d in thoughts)
    assert deltas[: len(thoughts)] == thoughts
    assert len({d["id"] for d in deltas}) == 1
    assert heard.completed() == ["".join(heard.deltas)]


@shows("several_answers")
async def several_answers(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.completed()[1:] == list(FAULTS["several_answers"].more or ())
    assert len({d["id"] for d in heard.data("conversation.message.delta")}) == 3
    finishes = [text for text in heard.completed("verbose") if "generate_answer_finish" in text]
    assert len(finishes) == 1


@shows("follow_ups")
async def follow_ups(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.completed("follow_up") == list(FAULTS["follow_ups"].follow_ups or ())
    kinds = [m["type"] for m in heard.data("conversation.message.completed")]
    assert kinds == ["answer", "verbose", "follow_up", "follow_up", "follow_up"]
    chat = caller.emulator.asked[-1]
    assert chat.finished_at is not None
    assert chat.finished_at - chat.at >= 0.15


@shows("empty_deltas")
async def empty_deltas(caller: Caller) -> None:
    heard = await caller.ask()
    contents = [d["content"] for d in heard.data("conversation.message.delta")]
    assert contents.count("") >= 3
    assert heard.completed() == ["".join(heard.deltas)]


@shows("completed_differs")
async def completed_differs(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.completed() == [FAULTS["completed_differs"].completed]
    assert "".join(heard.deltas) != heard.completed()[0]


@shows("no_completed")
async def no_completed(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.completed() == []
    assert heard.events[-2:] == ["conversation.chat.completed", "done"]
    assert (await caller.outcome())[1] == ["".join(heard.deltas)]


@shows("no_message_ids")
async def no_message_ids(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.deltas
    assert not any("id" in delta for delta in heard.data("conversation.message.delta"))


@shows("missing_fields")
async def missing_fields(caller: Caller) -> None:
    heard = await caller.ask()
    for delta in heard.data("conversation.message.delta"):
        assert {"type", "content_type", "section_id"}.isdisjoint(delta)
    assert "generate_answer_finish" in heard.completed("verbose")[0]


@shows("null_fields")
async def null_fields(caller: Caller) -> None:
    heard = await caller.ask()
    deltas = heard.data("conversation.message.delta")
    assert any(delta.get("content", "") is None for delta in deltas)
    assert any("content" not in delta for delta in deltas)
    chat = heard.data("conversation.chat.completed")[0]
    assert chat["usage"] is None
    assert chat["last_error"] is None


@shows("late_audio")
async def late_audio(caller: Caller) -> None:
    ending = ["conversation.chat.completed", "conversation.audio.delta", "done"]
    assert (await caller.ask()).events[-3:] == ending


@shows("silence")
async def silence(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.deltas == []
    assert heard.completed() == []
    assert heard.events[-1] == "done"


@shows("verbose", "knowledge", "tool_noise")
async def noise(caller: Caller) -> None:
    heard = await caller.ask()
    name = caller.emulator.playbook.scenarios[0].name
    kinds = {m["type"] for m in heard.data("conversation.message.completed")}
    wanted = {"tool_noise": {"function_call", "tool_response"}}.get(name, {name})
    assert wanted <= kinds
    assert "SECRET" in heard.body.decode()
    assert heard.completed() == ["".join(heard.deltas)]


@shows("unknown_events")
async def unknown_events(caller: Caller) -> None:
    heard = await caller.ask()
    assert {"conversation.chat.pondering", "conversation.message.delta.v9"} <= set(heard.events)


@shows("tools")
async def tools(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.events[-2:] == ["conversation.chat.requires_action", "done"]
    assert any('"interrupt"' in text for text in heard.completed("verbose"))
    assert heard.deltas == []
    chat = heard.data("conversation.chat.requires_action")[0]
    action = chat["required_action"]
    assert isinstance(action, dict)
    call = action["submit_tool_outputs"]["tool_calls"][0]
    assert call["function"]["name"] == "get_rain_probability"
    assert call["require_info"] is None


@shows("needs_reply")
async def needs_reply(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.completed() == ["Which city do you mean?"]
    chat = heard.data("conversation.chat.requires_action")[0]
    action = chat["required_action"]
    assert isinstance(action, dict)
    call = action["submit_tool_outputs"]["tool_calls"][0]
    assert (call["type"], call["id"], call["function"]) == ("reply_message", "", None)
    caller.emulator.uninstall()
    conversation = caller.emulator.asked[-1].conversation_id
    assert (await caller.ask("Paris", conversation)).events[-1] == "done"


@shows("skeleton_action")
async def skeleton_action(caller: Caller) -> None:
    chat = (await caller.ask()).data("conversation.chat.completed")[0]
    assert chat["status"] == "completed"
    action = chat["required_action"]
    assert isinstance(action, dict)
    assert action["type"] == ""


@shows("null_error_code")
async def null_error_code(caller: Caller) -> None:
    chat = (await caller.ask()).data("conversation.chat.completed")[0]
    assert chat["last_error"] == {"code": None, "msg": ""}


@shows("usage_zero", "usage_absent")
async def usage(caller: Caller) -> None:
    chat = (await caller.ask()).data("conversation.chat.completed")[0]
    zero = {"token_count": 0, "output_count": 0, "input_count": 0}
    absent = caller.emulator.playbook.scenarios[0].name == "usage_absent"
    assert chat.get("usage") == (None if absent else zero)
    assert ("usage" in chat) is not absent


@shows("studio_spelling")
async def studio_spelling(caller: Caller) -> None:
    caller.emulator.pace = 0.02
    asking = asyncio.create_task(caller.ask("count to 20"))
    await caller.emulator.until(lambda e: bool(e.asked) and e.asked[0].deltas >= 1)
    chat = caller.emulator.asked[0]
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
    async with caller.http.post("/v3/chat/cancel", json=ids) as response:
        assert (await response.json())["data"]["status"] == "cancelled"
    asking.cancel()


@shows("space")
async def space(caller: Caller) -> None:
    heard = await caller.ask()
    lines = [line for line in heard.body.decode().split("\n") if line]
    assert all(re.match(r"(event|data): \S", line) for line in lines)


@shows("crlf")
async def crlf(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.body.count(b"\n") == heard.body.count(b"\r\n") > 10
    assert heard.events[-1] == "done"


@shows("shuffled_keys")
async def shuffled_keys(caller: Caller) -> None:
    heard = await caller.ask("count to 9")
    orders = {tuple(delta) for delta in heard.data("conversation.message.delta")}
    assert len(orders) > 3


@shows("raw_separators")
async def raw_separators(caller: Caller) -> None:
    heard = await caller.ask()
    assert all(mark in heard.body.decode() for mark in "\u2028\u2029\u0085")
    assert heard.deltas == list(FAULTS["raw_separators"].chunks)
    caller.emulator.uninstall()
    caller.emulator.install(Scenario(reply="a\u2028b"))
    usual = await caller.ask()
    assert "\u2028" not in usual.body.decode()
    assert usual.completed() == ["a\u2028b"]


@shows("ping")
async def ping(caller: Caller) -> None:
    assert (await caller.ask("count to 9")).events.count("PING") > 3


@shows("comments")
async def comments(caller: Caller) -> None:
    text = (await caller.ask("count to 9")).body.decode()
    assert {":", "id", "retry"} <= {
        line[:1] if line[:1] == ":" else line.split(":")[0] for line in text.split("\n") if line
    }


async def _chunks(emulator: Emulator) -> list[bytes]:
    """Ask over a bare socket and return the HTTP chunks exactly as they were written."""
    question = {"role": "user", "content": "hello", "content_type": "text"}
    body = json.dumps(
        {"bot_id": DEMO_BOT_ID, "user_id": "u1", "stream": True, "additional_messages": [question]}
    ).encode()
    host, port = emulator.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /v3/chat HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {DEMO_TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await reader.readuntil(b"\r\n\r\n")
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    writer.close()
    await writer.wait_closed()
    return chunks


@shows("byte_by_byte", "odd_cuts")
async def grain(caller: Caller) -> None:
    scenario = caller.emulator.playbook.scenarios[0]
    chunks = await _chunks(caller.emulator)
    assert max(len(chunk) for chunk in chunks) == scenario.grain
    assert any(_breaks_a_character(chunk) for chunk in chunks)
    frames = Heard(200, "", b"".join(chunks), whole=True, took=0.0)
    assert frames.deltas == list(scenario.chunks)


def _breaks_a_character(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return True
    return False


@shows("ten_words")
async def ten_words(caller: Caller) -> None:
    heard = await caller.ask()
    assert len(heard.deltas) == 10
    assert heard.completed() == ["".join(heard.deltas)]


@pytest.mark.parametrize("name", sorted(CHECKS))
async def test_fault_does_what_it_says(caller: Caller, name: str) -> None:
    await is_seen(name, CHECKS[name], caller)
