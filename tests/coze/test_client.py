"""Envelopes, retries, tokens and what reaches the log."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bridge.coze import ClientSettings, CozeClient, Pat
from bridge.coze.wire import Conversation
from bridge.errors import (
    Gone,
    Misconfigured,
    Occupied,
    Permanent,
    RateLimited,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.testing.wire_server import Gate, Scene, WireServer, reply, response, stream
from bridge.upstream import Question

SETTINGS = ClientSettings(connect_timeout=5.0, call_timeout=5.0, retry_wait=0.001)
OK = reply({"code": 0, "msg": "Success", "data": {"id": "t1", "status": "completed"}})
BUSY = reply({"code": 4009, "msg": "busy"})


@pytest.fixture
async def client(server: WireServer) -> AsyncIterator[CozeClient]:
    async with CozeClient(server.url, Pat("pat_secret"), SETTINGS) as client:
        yield client


class Rotating:
    """Credentials whose tokens are used up one after the other."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def token(self) -> str:
        return self.tokens[0]

    async def refused(self, token: str) -> bool:
        if len(self.tokens) == 1:
            return False
        if token == self.tokens[0]:
            del self.tokens[0]
        return True


# --- envelopes


async def test_only_code_zero_is_success(server: WireServer, client: CozeClient) -> None:
    for envelope in ({"code": 4200, "msg": "gone"}, {"code": "4200", "msg": "gone"}):
        server.plays(reply(envelope))
        with pytest.raises(Gone):
            await client.retrieve("c1", "t1")
    server.plays(reply({"code": -1, "msg": "negative"}))
    with pytest.raises(Permanent) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.code == -1


async def test_the_body_outranks_the_status(server: WireServer, client: CozeClient) -> None:
    server.plays(reply({"code": 700012006, "msg": "access token invalid"}, status="401 No"))
    with pytest.raises(Unauthorised) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.code == 700012006
    server.plays(reply({"code": 4016, "msg": "busy"}, status="500 Oops"))
    with pytest.raises(Occupied):
        await client.retrieve("c1", "t1")


async def test_a_success_code_does_not_excuse_a_failed_status(
    server: WireServer, client: CozeClient
) -> None:
    server.plays(reply({"code": 0, "msg": ""}, status="404 Not Found"))
    with pytest.raises(Permanent) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.code == 404


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"text"', b"{}", b"{" * 99999])
async def test_what_is_no_envelope_is_no_answer(
    server: WireServer, client: CozeClient, body: bytes
) -> None:
    server.plays(*[response(body, kind="text/html")] * SETTINGS.attempts)
    with pytest.raises(Unreachable):
        await client.retrieve("c1", "t1")


@pytest.mark.parametrize("data", [None, [], {}, "text"])
async def test_a_success_without_its_payload_is_no_answer(
    server: WireServer, client: CozeClient, data: object
) -> None:
    server.plays(*[reply({"code": 0, "data": data})] * SETTINGS.attempts)
    with pytest.raises(Unreachable):
        await client.conversation("c1")


@pytest.mark.parametrize(
    ("scene", "logid"),
    [
        (reply({"code": 4000, "msg": "x", "detail": {"logid": "a"}}, X_Tt_Logid="b"), "a"),
        (reply({"code": 4000, "msg": "x", "error": {"logid": "a"}}), "a"),
        (reply({"code": 4000, "msg": "x", "detail": None}, X_Tt_Logid="b"), "b"),
        (reply({"code": 4000, "msg": "x"}, X_Log_ID="c"), "c"),
        (response(b"<html>", status="404 No", X_Tt_Logid="d"), "d"),
        (reply({"code": 4000, "msg": "x"}), None),
    ],
)
async def test_the_logid_is_kept_wherever_it_stands(
    server: WireServer, client: CozeClient, scene: Scene, logid: str | None
) -> None:
    server.plays(scene)
    with pytest.raises(Permanent) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.logid == logid


async def test_lists_are_read_from_where_each_endpoint_puts_them(
    server: WireServer, client: CozeClient
) -> None:
    item = {"id": "c1", "name": "n", "last_section_id": "s", "created_at": "7"}
    server.plays(reply({"code": 0, "data": {"conversations": [item, None], "has_more": True}}))
    assert await client.conversations("b1", page=2) == ([Conversation("c1", "n", "s", 7)], True)
    assert server.asked[0].query == {
        "bot_id": "b1",
        "page_num": "2",
        "page_size": "20",
        "sort_order": "DESC",
        "connector_id": "1024",
    }
    server.plays(reply({"code": 0, "data": [{"id": "m1"}], "first_id": "m1", "has_more": False}))
    assert [message.id for message in await client.history("c1", chat_id="t1")] == ["m1"]
    assert server.asked[1].body == {"order": "desc", "limit": 50, "chat_id": "t1"}


async def test_conversations_are_renamed_and_deleted(
    server: WireServer, client: CozeClient
) -> None:
    server.plays(*[reply({"code": 0, "msg": ""})] * 2)
    await client.rename("c/1", "New")
    await client.delete("c1")
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("PUT", "/v1/conversations/c%2F1"),
        ("DELETE", "/v1/conversations/c1"),
    ]
    assert server.asked[0].body == {"name": "New"}


# --- retries


@pytest.mark.parametrize(
    "trouble",
    [
        BUSY,
        reply({"code": 5000, "msg": "internal"}),
        response(b"<html>", status="502 Bad Gateway"),
        Scene((), hang_up=True),
        reply({"code": 4020, "msg": "rpm"}, Retry_After="0"),
    ],
    ids=["busy", "internal", "gateway", "hang up", "rate"],
)
async def test_a_lookup_is_repeated(server: WireServer, client: CozeClient, trouble: Scene) -> None:
    server.plays(trouble, trouble, OK)
    assert (await client.retrieve("c1", "t1")).id == "t1"
    assert len(server.asked) == 3


async def test_a_lookup_is_not_repeated_for_ever(server: WireServer, client: CozeClient) -> None:
    server.plays(*[BUSY] * 9)
    with pytest.raises(Transient):
        await client.retrieve("c1", "t1")
    assert len(server.asked) == SETTINGS.attempts


@pytest.mark.parametrize("code", [4000, 4002, 4016, 4101])
async def test_what_waiting_cannot_cure_is_not_repeated(
    server: WireServer, client: CozeClient, code: int
) -> None:
    server.plays(reply({"code": code, "msg": "no"}))
    with pytest.raises((Permanent, Occupied)):
        await client.retrieve("c1", "t1")
    assert len(server.asked) == 1


async def test_a_long_retry_after_is_left_to_the_caller(
    server: WireServer, client: CozeClient
) -> None:
    server.plays(response(b"", status="429 Slow", Retry_After="60"))
    with pytest.raises(RateLimited) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.retry_after == 60
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.plays(response(b"", status="429 Slow", Retry_After=later))
    with pytest.raises(RateLimited) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.retry_after == pytest.approx(90, abs=5)


@pytest.mark.parametrize("odd", ["soon", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
async def test_a_retry_after_that_cannot_be_read_is_none(
    server: WireServer, client: CozeClient, odd: str
) -> None:
    server.plays(*[response(b"", status="429 Slow", Retry_After=odd)] * SETTINGS.attempts)
    with pytest.raises(RateLimited) as caught:
        await client.retrieve("c1", "t1")
    assert caught.value.retry_after is None


async def test_a_deletion_whose_answer_was_lost_is_done(
    server: WireServer, client: CozeClient
) -> None:
    server.plays(reply({"code": 5000, "msg": "?"}), reply({"code": 4002, "msg": "gone"}))
    await client.delete("c1")
    assert len(server.asked) == 2


async def test_a_small_call_does_not_wait_for_ever(server: WireServer) -> None:
    settings = ClientSettings(call_timeout=0.1, attempts=1)
    async with CozeClient(server.url, Pat("pat_x"), settings) as client:
        for scene in (Scene((Gate(),)), stream(b"{", Gate())):
            server.plays(scene)
            with pytest.raises(Unreachable):
                await client.retrieve("c1", "t1")


# --- tokens


QUESTION = Question("u", "c1", "hi", "m")
REFUSED = reply({"code": 4101, "msg": "no"})


async def test_a_refused_token_is_replaced_once(server: WireServer) -> None:
    async with CozeClient(server.url, Rotating("old", "new"), SETTINGS) as client:
        server.plays(REFUSED, OK, REFUSED)
        await client.retrieve("c1", "t1")
        with pytest.raises(Unauthorised):
            await client.retrieve("c1", "t1")
    tokens = [asked.headers["authorization"] for asked in server.asked]
    assert tokens == ["Bearer old", "Bearer new", "Bearer new"]


async def test_a_question_is_asked_again_with_the_fresh_token(server: WireServer) -> None:
    async with CozeClient(server.url, Rotating("old", "new", "newest"), SETTINGS) as client:
        server.plays(REFUSED, stream(b"event:done\n\n"))
        async with client.chat(QUESTION, "b1") as frames:
            assert await frames.more()
        server.plays(REFUSED, REFUSED)
        with pytest.raises(Unauthorised):
            async with client.chat(QUESTION, "b1"):
                pytest.fail("entered with a refused token")
    assert len(server.asked) == 4


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "pät", "a\x00"])
def test_a_token_that_no_header_can_carry_is_a_configuration_error(token: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Pat(token)
    assert "coze.token" in str(caught.value)
    assert token.strip() == "" or token not in str(caught.value)


async def test_a_token_file_may_end_in_a_newline() -> None:
    assert await Pat("pat_x\n").token() == "pat_x"


@pytest.mark.parametrize("url", ["", "api.coze.cn", "ftp://x", "http://", "http:/x", "\n"])
def test_a_base_url_that_is_none_is_a_configuration_error(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"coze\.base_url"):
        CozeClient(url, Pat("pat_x"))


async def test_a_base_url_may_have_a_path_and_a_slash(server: WireServer) -> None:
    async with CozeClient(server.url + "/proxy/", Pat("pat_x"), SETTINGS) as client:
        server.plays(OK)
        await client.retrieve("c1", "t1")
    assert server.asked[0].path == "/proxy/v3/chat/retrieve"


async def test_the_token_reaches_no_log_and_no_error(
    server: WireServer, client: CozeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.plays(Scene((), hang_up=True), REFUSED, OK)
    errors = []
    for _ in range(2):
        with pytest.raises((Unreachable, Unauthorised)) as caught:
            async with client.chat(QUESTION, "b1"):
                pytest.fail("entered")
        errors.append(repr(caught.value) + repr(caught.value.__cause__))
    await client.retrieve("c1", "t1")
    assert "pat_secret" not in caplog.text + json.dumps(errors) + repr(client) + repr(Pat("pat_x"))
