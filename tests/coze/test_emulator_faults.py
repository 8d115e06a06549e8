"""Every named fault really does on the wire what its name says."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import aiohttp
import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, FAULTS, Emulator, Scenario, serve

Json = dict[str, object]

# Some faults take seconds, so that a person sees them; a test does not need to.
_QUICK: dict[str, dict[str, float]] = {
    "slow_headers": {"slow_headers": 0.15},
    "slow_start": {"first_delay": 0.15},
    "pause": {"stall": 0.15},
    "eof": {"linger": 0.15},
    "follow_ups": {"follow_up_delay": 0.15},
}


@dataclass(frozen=True)
class Heard:
    """What came back for one question. took: seconds until the headers."""

    status: int
    type: str
    body: bytes
    whole: bool  # the body ended as HTTP wants it
    took: float

    @property
    def frames(self) -> list[tuple[str, str]]:
        blocks = re.split(r"\r?\n\r?\n", self.body.decode())[:-1]  # the last one is unfinished
        found = [re.fullmatch(r"event: ?(.*?)\r?\ndata: ?(.*)", b, re.S) for b in blocks]
        return [(frame[1], frame[2]) for frame in found if frame]

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.frames]

    def data(self, event: str) -> list[Json]:
        return [json.loads(data) for name, data in self.frames if name == event]

    @property
    def deltas(self) -> list[str]:
        said = [body.get("content") for body in self.data("conversation.message.delta")]
        return [text for text in said if isinstance(text, str) and text]

    def completed(self, kind: str = "answer") -> list[str]:
        messages = self.data("conversation.message.completed")
        return [str(m["content"]) for m in messages if m.get("type") == kind]

    @property
    def error(self) -> int:
        assert self.type == "application/json"
        return int(json.loads(self.body)["code"])


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, and looks at the bytes."""

    emulator: Emulator
    http: aiohttp.ClientSession

    async def ask(self, text: str = "hello", conversation: str = "") -> Heard:
        params = {"conversation_id": conversation} if conversation else {}
        question = {"role": "user", "content": text, "content_type": "text"}
        body: Json = {
            "bot_id": DEMO_BOT_ID,
            "user_id": "u1",
            "stream": True,
            "additional_messages": [question],
        }
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with self.http.post("/v3/chat", params=params, json=body) as response:
            took = loop.time() - began
            received, whole = b"", True
            try:
                async for piece in response.content.iter_any():
                    received += piece
            except aiohttp.ClientPayloadError:
                whole = False
            return Heard(response.status, response.content_type, received, whole, took)

    async def get(self, path: str, **params: str) -> Json:
        async with self.http.get(path, params=params) as response:
            body: Json = await response.json()
            return body

    async def outcome(self) -> tuple[str, list[str]]:
        """How the newest chat ended at Coze, and what it answered there."""
        await self.emulator.until(lambda e: e.asked[-1].finished_at is not None)
        chat = self.emulator.asked[-1]
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
        found = await self.get("/v3/chat/retrieve", **ids)
        listed = await self.get("/v3/chat/message/list", **ids)
        data, messages = found["data"], listed["data"]
        assert isinstance(data, dict)
        assert isinstance(messages, list)
        return data["status"], [m["content"] for m in messages if m["type"] == "answer"]


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with (
        serve(Emulator(pace=0.002)) as emulator,
        aiohttp.ClientSession(emulator.url, headers=headers) as http,
    ):
        yield Caller(emulator, http)


Check = Callable[[Caller], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def shows(*names: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(names, check))
        return check

    return register


def _refuses(name: str) -> Check:
    async def check(caller: Caller) -> None:
        trouble = FAULTS[name].refuse
        assert trouble is not None
        heard = await caller.ask()
        assert (heard.status, heard.error) == (trouble.status, trouble.code)
        assert json.loads(heard.body)["detail"]["logid"]
        assert caller.emulator.asked == []
        assert [refusal.code for refusal in caller.emulator.refused] == [trouble.code]
        if FAULTS[name].times == 1:
            assert (await caller.ask()).events[-1] == "done"

    return check


CHECKS |= {
    name: _refuses(name)
    for name, fault in FAULTS.items()
    if fault.refuse is not None and fault.refuse.raw is None
}


@shows("bad_gateway")
async def bad_gateway(caller: Caller) -> None:
    heard = await caller.ask()
    assert (heard.status, heard.type) == (502, "text/html")
    assert (await caller.ask()).events[-1] == "done"


@shows("drop_unasked")
async def drop_unasked(caller: Caller) -> None:
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.ask()
    assert caller.emulator.asked == []
    assert (await caller.ask()).events[-1] == "done"


@shows("drop_asked")
async def drop_asked(caller: Caller) -> None:
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.ask("hello")
    status, said = await caller.outcome()
    assert status == "completed"
    assert said
    assert said[0].startswith("Hello")


@shows("drop_headers")
async def drop_headers(caller: Caller) -> None:
    heard = await caller.ask()
    assert (heard.type, heard.body, heard.whole) == ("text/event-stream", b"", False)
    assert (await caller.outcome())[0] == "completed"


@shows("slow_headers")
async def slow_headers(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.took >= 0.15
    assert heard.events[-1] == "done"


@shows("slow_start", "pause")
async def late_but_complete(caller: Caller) -> None:
    await caller.ask()
    chat = caller.emulator.asked[-1]
    assert chat.finished_at is not None
    assert chat.finished_at - chat.at >= 0.15
    assert chat.status == "completed"


def _is_cut(*, after: int, whole: bool, half_frame: bool) -> Check:
    async def check(caller: Caller) -> None:
        heard = await caller.ask()
        assert heard.whole is whole
        assert len(heard.deltas) == after
        assert "conversation.message.completed" not in heard.events
        assert (not heard.body.endswith(b"\n\n")) is half_frame
        status, said = await caller.outcome()
        assert status == "completed"
        assert said[0].startswith("".join(heard.deltas))
        assert len(said[0]) > len("".join(heard.deltas))

    return check


CHECKS |= {
    "cut": _is_cut(after=5, whole=False, half_frame=False),
    "cut_before_text": _is_cut(after=0, whole=False, half_frame=False),
    "cut_mid_frame": _is_cut(after=5, whole=True, half_frame=True),
    "cut_reset": _is_cut(after=5, whole=False, half_frame=True),
    "eof": _is_cut(after=5, whole=True, half_frame=False),
}


@shows("eof_after_text")
async def eof_after_text(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.whole
    assert heard.completed() == []
    assert (await caller.outcome()) == ("completed", ["".join(heard.deltas)])


@shows("no_terminal")
async def no_terminal(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.whole
    assert heard.completed() == ["".join(heard.deltas)]
    assert {"conversation.chat.completed", "done"}.isdisjoint(heard.events)
    assert (await caller.outcome())[0] == "completed"


async def _listen_until_silent(caller: Caller, silence: float) -> bytes:
    """Ask, and read until nothing came for so many seconds; fails if the stream ends."""
    question = {"role": "user", "content": "hello", "content_type": "text"}
    body: Json = {"bot_id": DEMO_BOT_ID, "user_id": "u1", "stream": True}
    received = b""
    async with caller.http.post(
        "/v3/chat", json=body | {"additional_messages": [question]}
    ) as response:
        while True:
            try:
                async with asyncio.timeout(silence):
                    piece = await response.content.readany()
            except TimeoutError:
                return received
            assert piece, "the stream ended"
            received += piece


@shows("stall")
async def stall(caller: Caller) -> None:
    heard = await _listen_until_silent(caller, 0.2)
    assert heard.count(b"conversation.message.delta") == 5
    assert (await caller.outcome())[0] == "completed"


@shows("hang")
async def hang(caller: Caller) -> None:
    heard = await _listen_until_silent(caller, 0.2)
    assert heard.count(b"conversation.message.delta") == 5
    chat = caller.emulator.asked[-1]
    assert chat.status == "in_progress"
    again = await caller.ask(conversation=chat.conversation_id)
    assert again.error == 4016


@shows("no_done")
async def no_done(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.events[-1] == "conversation.chat.completed"
    assert heard.whole


@shows("unquoted_done")
async def unquoted_done(caller: Caller) -> None:
    assert (await caller.ask()).body.endswith(b"event:done\ndata:[DONE]\n\n")


@shows("stream_done")
async def stream_done(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.body.endswith(b"event:conversation.stream.done\n\n")
    assert "done" not in heard.events


@shows("unterminated")
async def unterminated(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.body.endswith(b'event:done\ndata:"[DONE]"')
    assert heard.whole


@shows("failed", "failed_at_once", "refused_content")
async def failed(caller: Caller) -> None:
    heard = await caller.ask()
    trouble = caller.emulator.playbook.scenarios[0].fail
    assert trouble is not None
    assert heard.events[-1] == "conversation.chat.failed"
    chat = heard.data("conversation.chat.failed")[0]
    assert chat["status"] == "failed"
    assert chat["last_error"] == {"code": trouble.code, "msg": trouble.msg}
    assert len(heard.deltas) == caller.emulator.playbook.scenarios[0].fail_after
    assert (await caller.outcome())[0] == "failed"


@shows("error_event")
async def error_event(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.events[-1] == "error"
    assert heard.data("error")[0]["code"] == 5000
    assert "conversation.chat.failed" not in heard.events
    assert len(heard.deltas) == 5


@shows("failed_unseen")
async def failed_unseen(caller: Caller) -> None:
    heard = await caller.ask()
    assert heard.whole
    assert {"conversation.chat.failed", "error", "done"}.isdisjoint(heard.events)
    assert (await caller.outcome())[0] == "failed"


@shows("cancel_ends_stream")
async def cancel_ends_stream(caller: Caller) -> None:
    caller.emulator.pace = 0.02
    asking = asyncio.create_task(caller.ask("long"))
    await caller.emulator.until(lambda e: bool(e.asked) and e.asked[0].deltas >= 3)
    chat = caller.emulator.asked[0]
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
    async with caller.http.post("/v3/chat/cancel", json=ids) as response:
        assert (await response.json())["data"]["status"] == "canceled"
    heard = await asking
    assert heard.events[-2:] == ["conversation.chat.canceled", "done"]
    assert len(heard.deltas) < 100


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


# `busy` needs a clock that is moved and has its own test below.
@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"busy"}))
async def test_fault_does_what_it_says(caller: Caller, name: str) -> None:
    caller.emulator.install(replace(FAULTS[name], **_QUICK.get(name, {})))  # type: ignore[arg-type]
    await CHECKS[name](caller)


async def test_busy_refuses_with_4016_until_its_time_is_over() -> None:
    now = [1000.0]
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with serve(Emulator(pace=0, clock=lambda: now[0])) as emulator:
        emulator.install(FAULTS["busy"])
        async with aiohttp.ClientSession(emulator.url, headers=headers) as http:
            caller = Caller(emulator, http)
            assert (await caller.ask()).error == 4016
            now[0] += FAULTS["busy"].busy_for / 2
            assert (await caller.ask()).error == 4016
            now[0] += FAULTS["busy"].busy_for / 2
            assert (await caller.ask()).events[-1] == "done"


async def test_a_person_may_type_a_fault_by_its_exact_name(caller: Caller) -> None:
    assert not (await caller.ask("fault: cut")).whole
    assert (await caller.ask("Fault: cut")).whole
    assert (await caller.ask("what is a fault: cut")).whole
    unknown = await caller.ask("fault: earthquake")
    assert "earthquake" in unknown.completed()[0]


async def test_a_typed_fault_that_strikes_once_lets_the_repetition_through(caller: Caller) -> None:
    assert (await caller.ask("fault: unknown_conversation")).error == 4002
    assert (await caller.ask("fault: unknown_conversation")).events[-1] == "done"
    assert (await caller.ask("fault: unknown_conversation")).error == 4002
