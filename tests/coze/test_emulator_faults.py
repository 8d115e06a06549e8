"""Every fault that loses, cuts or refuses an answer really does on the wire what its name says."""

import asyncio
import json

import aiohttp
import pytest
from fault_caller import Caller, Check, Checks, Json, caller, is_seen
from test_emulator_quirks import CHECKS as QUIRKS

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, FAULTS, Emulator, serve

__all__ = ["CHECKS", "caller"]

CHECKS = Checks()
shows = CHECKS.of


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


@pytest.mark.parametrize("name", sorted(CHECKS))
async def test_fault_does_what_it_says(caller: Caller, name: str) -> None:
    await is_seen(name, CHECKS[name], caller)


# `busy` needs a clock that is moved.
def test_every_fault_is_looked_at() -> None:
    assert CHECKS.keys() | QUIRKS.keys() | {"busy"} == FAULTS.keys()
    assert not CHECKS.keys() & QUIRKS.keys()


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
