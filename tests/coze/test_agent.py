"""The agent over real HTTP, against a server that plays bytes."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest
from wire_agent import SETTINGS, agent

from bridge.coze import CozeAgent, CozeClient, Pat
from bridge.errors import (
    BridgeError,
    Occupied,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.testing.wire_server import Gate, Scene, WireServer, reply, response, stream
from bridge.upstream import (
    AnswerEvent,
    ConversationLost,
    Delta,
    Failed,
    Finished,
    Question,
    Said,
    Spoken,
    Started,
    Trace,
    Usage,
)

__all__ = ["agent"]

QUESTION = Question("u1", "c1", "hello", "turn-1")


def frame(event: str, **data: object) -> bytes:
    return f"event:{event}\ndata:{json.dumps(data, ensure_ascii=False)}\n\n".encode()


CREATED = frame("conversation.chat.created", id="t1", conversation_id="c1")
DELTA = frame("conversation.message.delta", id="m1", type="answer", content="Hi 你")
SAID = frame("conversation.message.completed", id="m1", type="answer", content="Hi 你好")
COMPLETED = frame(
    "conversation.chat.completed", id="t1", usage={"input_count": 2, "output_count": 1}
)
DONE = b'event:done\ndata:"[DONE]"\n\n'
WHOLE = CREATED + DELTA + SAID + COMPLETED + DONE
WALK = [
    Started("c1", "t1"),
    Delta("m1", "Hi 你"),
    Said("m1", "Hi 你好"),
    Spoken(),
    Finished(Usage(2, 1)),
]


async def ask(agent: CozeAgent) -> list[AnswerEvent]:
    async with agent.ask(QUESTION) as events:
        return [event async for event in events]


async def refusal(agent: CozeAgent) -> BridgeError:
    """Ask, and return what entering raises."""
    with pytest.raises(BridgeError) as caught:
        async with agent.ask(QUESTION):
            pytest.fail("entered a refused question")
    return caught.value


async def breakage(agent: CozeAgent) -> tuple[list[AnswerEvent], BridgeError]:
    """Ask, and return what was told before iterating raised, and what it raised."""
    told: list[AnswerEvent] = []
    async with agent.ask(QUESTION) as events:
        with pytest.raises(BridgeError) as caught:
            async for event in events:
                told.append(event)
    return told, caught.value


# --- asking


async def test_a_question_is_asked_as_documented(server: WireServer, agent: CozeAgent) -> None:
    server.plays(stream(WHOLE))
    assert await ask(agent) == WALK
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == (
        "POST",
        "/v3/chat",
        {"conversation_id": "c1"},
    )
    assert asked.headers["authorization"] == "Bearer pat_x"
    assert asked.headers["accept"] == "text/event-stream"
    assert isinstance(asked.body, dict)
    assert (asked.body["bot_id"], asked.body["user_id"], asked.body["stream"]) == ("b1", "u1", True)
    assert asked.body["meta_data"] == {"bridge_turn": "turn-1"}
    assert "conversation_id" not in asked.body


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_any_cut_of_the_bytes_tells_the_same(
    server: WireServer, agent: CozeAgent, size: int
) -> None:
    server.plays(stream(*(WHOLE[at : at + size] for at in range(0, len(WHOLE), size))))
    assert await ask(agent) == WALK


async def test_crlf_bom_pings_ids_and_a_missing_last_blank_line(
    server: WireServer, agent: CozeAgent
) -> None:
    noisy = b"\xef\xbb\xbf: hi\n\nid: 1\n" + WHOLE.replace(b"\n\n", b"\n\nid: 7\nevent: PING\n\n")
    server.plays(stream(noisy.replace(b"\n", b"\r\n").rstrip()))
    assert await ask(agent) == WALK


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\u0085", "\x7f"])
async def test_raw_line_separators_stay_in_the_text(
    server: WireServer, agent: CozeAgent, odd: str
) -> None:
    said = frame("conversation.message.completed", id="m1", type="answer", content=f"a{odd}b")
    server.plays(stream(CREATED + said + COMPLETED))
    assert Said("m1", f"a{odd}b") in await ask(agent)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/octet-stream", "Text/Event-Stream; charset=utf-8"]
)
async def test_a_stream_is_a_stream_whatever_its_content_type(
    server: WireServer, agent: CozeAgent, kind: str
) -> None:
    server.plays(stream(WHOLE[:3], WHOLE[3:], kind=kind))
    assert await ask(agent) == WALK


# --- refusals


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain", ""])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_a_json_error_is_raised_by_code_whatever_it_calls_itself(
    server: WireServer, agent: CozeAgent, kind: str, status: str
) -> None:
    body = json.dumps({"code": 4016, "msg": "busy", "detail": {"logid": "log-7"}}).encode()
    server.plays(response(body, status=status, kind=kind))
    with pytest.raises(Occupied) as caught:
        await ask(agent)
    assert (caught.value.code, caught.value.logid, caught.value.happened) == (4016, "log-7", False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (4016, Occupied),
        (4002, ConversationLost),
        (4009, Transient),
        (4101, Unauthorised),
        (4014, Rejected),
    ],
)
async def test_entering_raises_before_anything_was_asked(
    server: WireServer, agent: CozeAgent, code: int, kind: type[BridgeError]
) -> None:
    server.plays(reply({"code": code, "msg": "no"}, X_Tt_Logid="log-8"))
    error = await refusal(agent)
    assert type(error) is kind
    assert (error.code, error.logid) == (code, "log-8")
    assert not getattr(error, "happened", False)
    assert len(server.asked) == 1


async def test_an_internal_error_may_have_happened(server: WireServer, agent: CozeAgent) -> None:
    server.plays(reply({"code": 5000, "msg": "internal"}))
    error = await refusal(agent)
    assert isinstance(error, Transient)
    assert error.happened


@pytest.mark.parametrize("status", ["500 Oops", "502 Bad Gateway", "503 Busy", "504 Timeout"])
async def test_a_gateway_that_gave_up_leaves_it_open(
    server: WireServer, agent: CozeAgent, status: str
) -> None:
    server.plays(response(b"<html>sorry</html>", status=status, kind="text/html"))
    error = await refusal(agent)
    assert isinstance(error, Unreachable)
    assert error.happened
    assert len(server.asked) == 1


async def test_too_many_requests_say_when_to_come_back(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(response(b"", status="429 Slow Down", kind="text/event-stream", Retry_After="7"))
    error = await refusal(agent)
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.happened) == (7.0, False)


async def test_an_accepted_question_that_is_not_streamed_is_looked_up(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(reply({"code": 0, "data": {"id": "t1", "status": "in_progress"}}))
    error = await refusal(agent)
    assert isinstance(error, Unreachable)
    assert error.happened


async def test_a_page_instead_of_a_stream_is_no_answer(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(response(b"<html>log in</html>", kind="text/html"))
    assert isinstance(await refusal(agent), Unreachable)
    server.plays(response(b"", status="302 Found", Location="https://example.org/"))
    error = await refusal(agent)
    assert isinstance(error, Permanent)
    assert "https://example.org/" in error.message


async def test_an_endless_refusal_is_not_read_to_its_end(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(stream(*[b"[" * 100_000] * 30, kind="application/json"))
    assert isinstance(await refusal(agent), Unreachable)


# --- the network


async def test_without_a_connection_nothing_happened(server: WireServer) -> None:
    async with CozeClient("http://127.0.0.1:1", Pat("pat_x"), SETTINGS) as client:
        error = await refusal(CozeAgent(client, bot_id="b1"))
    assert isinstance(error, Unreachable)
    assert not error.happened


async def test_a_server_that_hangs_up_on_the_question_may_have_read_it(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(Scene((), hang_up=True))
    error = await refusal(agent)
    assert isinstance(error, Unreachable)
    assert error.happened
    assert len(server.asked) == 1


async def test_a_server_that_never_answers_may_have_read_it(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(Scene((Gate(),)))
    error = await refusal(agent)
    assert isinstance(error, Unreachable)
    assert error.happened
    assert len(server.asked) == 1


async def test_what_is_not_http_may_have_happened(server: WireServer, agent: CozeAgent) -> None:
    server.plays(Scene((b"SSH-2.0-OpenSSH\r\n\r\n",), hang_up=True))
    error = await refusal(agent)
    assert isinstance(error, Unreachable)
    assert error.happened


@pytest.mark.parametrize(
    "scene",
    [
        stream(CREATED + DELTA, hang_up=True, end=False),
        stream(CREATED + DELTA + SAID[:-30], hang_up=True, end=False),
        stream(CREATED + DELTA),
        stream(CREATED + DELTA + DONE),
        stream(CREATED + DELTA, Gate()),
    ],
    ids=["reset", "reset within a frame", "end without a terminal event", "done", "silence"],
)
async def test_a_stream_that_breaks_off_happened(
    server: WireServer, agent: CozeAgent, scene: Scene
) -> None:
    server.plays(scene)
    told, error = await breakage(agent)
    assert told == WALK[:2]
    assert isinstance(error, Unreachable)
    assert (error.happened, error.logid) == (True, "log-1")


async def test_an_event_without_end_is_cut_off(server: WireServer, agent: CozeAgent) -> None:
    server.plays(stream(CREATED + DELTA, b"data:", *[b"x" * 1_000_000] * 9))
    told, error = await breakage(agent)
    assert told == WALK[:2]
    assert isinstance(error, Unreachable)
    assert error.happened


async def test_a_failure_in_the_stream_is_the_last_event(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(stream(CREATED + frame("error", code=4014, msg="no"), Gate()))
    last = (await ask(agent))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, Rejected)
    assert (last.error.code, last.error.logid) == (4014, "log-1")


async def test_the_walk_does_not_wait_for_done(server: WireServer, agent: CozeAgent) -> None:
    gate = Gate()
    server.plays(stream(CREATED + DELTA + SAID + COMPLETED, gate, DONE))
    assert await ask(agent) == WALK
    assert not gate.opened.is_set()


# --- connections: the pool holds exactly one


async def test_an_answered_stream_leaves_its_connection_for_the_next(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(stream(WHOLE), stream(WHOLE), stream(WHOLE))
    assert [await ask(agent) for _ in range(3)] == [WALK] * 3
    assert server.connections == 1


async def leave_by_break(agent: CozeAgent) -> None:
    async with agent.ask(QUESTION) as events:
        async for _event in events:
            break


async def leave_without_looking(agent: CozeAgent) -> None:
    async with agent.ask(QUESTION):
        pass


async def leave_by_error(agent: CozeAgent) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with agent.ask(QUESTION):
            raise ZeroDivisionError


async def leave_by_cancellation(agent: CozeAgent) -> None:
    told = asyncio.Event()

    async def follow() -> None:
        async with agent.ask(QUESTION) as events:
            async for _event in events:
                told.set()

    task = asyncio.create_task(follow())
    await told.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize(
    "leave", [leave_by_break, leave_without_looking, leave_by_error, leave_by_cancellation]
)
async def test_leaving_a_running_stream_frees_its_connection(
    server: WireServer, agent: CozeAgent, leave: Callable[[CozeAgent], Awaitable[None]]
) -> None:
    for _ in range(20):
        server.plays(stream(CREATED + DELTA, Gate(), end=False))
        await leave(agent)
    await server.all_closed()
    server.plays(stream(WHOLE))
    assert await ask(agent) == WALK


async def test_cancelling_while_nothing_has_answered_frees_the_connection(
    server: WireServer, agent: CozeAgent
) -> None:
    gate = Gate()
    server.plays(Scene((gate,)), stream(WHOLE))
    task = asyncio.create_task(ask(agent))
    await gate.reached.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await ask(agent) == WALK


async def test_refusals_leak_no_connection(server: WireServer, agent: CozeAgent) -> None:
    for _ in range(20):
        server.plays(reply({"code": 4016, "msg": "busy"}))
        assert isinstance(await refusal(agent), Occupied)
    server.plays(stream(WHOLE))
    assert await ask(agent) == WALK


async def test_a_full_pool_refuses_after_a_while_and_lets_small_calls_through(
    server: WireServer, agent: CozeAgent
) -> None:
    server.plays(stream(CREATED, Gate(), end=False))
    async with agent.ask(QUESTION):
        error = await refusal(agent)
        server.plays(reply({"code": 0, "data": {}}))
        await agent.cancel(Trace("c1", "t1"))
    assert isinstance(error, Unreachable)
    assert not error.happened
    assert [asked.path for asked in server.asked] == ["/v3/chat", "/v3/chat/cancel"]
