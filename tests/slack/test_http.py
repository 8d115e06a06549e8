"""The request URL: only Slack may use it, and it says 200 only to what is kept."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest

from adapters.slack.settings import SlackSettings
from bridge.config import ServerSettings
from bridge.testing.contract import RecordingSink
from bridge.testing.transcript import FakeHost
from bridge.web.server import BODY_LIMIT, serve_http
from tests.platforms.worlds import PATIENCE, eventually, free_port
from tests.slack.emulator import Emulator, Fault, Seat, serve
from tests.slack.emulator.hooks import FORM, signature
from tests.slack.world import (
    ACCOUNT,
    SLACK_GIVES_UP,
    Listening,
    Supervised,
    listening,
    slack_settings,
)

EVENT = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    async with serve(Emulator(mode="http")) as emulator:
        emulator.deliveries.pauses = (0.0,) * 1_000
        yield emulator


@pytest.fixture
async def ear(slack: Emulator) -> AsyncIterator[Listening]:
    async with listening(slack) as ear:
        yield ear


# Who may


async def test_url_is_proved_to_be_ours(ear: Listening) -> None:
    assert await ear.slack.hooks.verify()


async def test_url_is_proved_even_while_slack_does_not_answer_us(ear: Listening) -> None:
    ear.slack.inject(Fault("auth.test", code=503, times=0))
    assert await ear.slack.hooks.verify()


@pytest.mark.parametrize("body", [EVENT, b"{broken", b""], ids=repr)
async def test_forged_and_stale_requests_are_refused(ear: Listening, body: bytes) -> None:
    hooks = ear.slack.hooks
    assert (await hooks.post(body, secret="guessed")).status == 401
    assert (await hooks.post(body, age=301)).status == 401
    assert (await hooks.post(body, age=-301)).status == 401
    assert (await hooks.post(body)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Request-Timestamp": "x", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "9" * 5_000, "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "١٢٣", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "1712345678", "X-Slack-Signature": "v0=é"},
    ],
    ids=["none", "no time", "long time", "odd digits", "odd signature"],
)
async def test_headers_that_are_no_signature_are_refused(
    ear: Listening, headers: dict[str, str]
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(ear.slack.hooks.url, data=EVENT, headers=headers) as response,
    ):
        assert response.status == 401


async def test_signature_belongs_to_its_time_and_body(ear: Listening) -> None:
    signed = signature(ear.slack.signing_secret, "1712345678", EVENT)
    headers = {"X-Slack-Signature": signed}
    assert (await ear.slack.hooks.post(EVENT, headers=headers)).status == 401


async def test_what_is_no_text_is_refused(ear: Listening) -> None:
    assert (await ear.slack.hooks.post(b"\xff")).status == 401


async def test_more_than_a_megabyte_is_not_read(ear: Listening) -> None:
    body = io.BytesIO(b"x" * (BODY_LIMIT + 1))
    async with (
        aiohttp.ClientSession() as http,
        http.post(ear.slack.hooks.url, data=body) as response,
    ):
        assert response.status == 413


async def test_nothing_is_taken_before_the_adapter_receives(slack: Emulator) -> None:
    server = ServerSettings(port=free_port())
    adapter = Supervised(ACCOUNT, slack_settings(slack), FakeHost())
    async with serve_http(server, [adapter]) as url:
        slack.hooks.url = f"{url}/slack/{ACCOUNT}/events"
        assert (await slack.hooks.post(EVENT)).status == 503
        await adapter.open()
        assert (await slack.hooks.post(EVENT)).status == 503
        await adapter.close()


# Keeping


async def test_what_is_not_kept_comes_again(ear: Listening, dm: Seat) -> None:
    ear.sink.failing = True
    await dm.say("hi")
    await ear.slack.until(lambda it: it.deliveries.all[0].attempts > 2)
    assert ear.slack.deliveries.all[0].reason == "http_error"
    ear.sink.failing = False
    await ear.heard("hi")


async def test_refusal_tells_nothing(ear: Listening) -> None:
    ear.sink.failing = True
    body = {
        "type": "event_callback",
        "team_id": ear.slack.team.id,
        "event": {"type": "message", "channel": "D1", "user": "U1", "text": "hi", "ts": "1.2"},
    }
    heard = await ear.slack.hooks.post(json.dumps(body).encode())
    assert (heard.status, heard.answer) == (503, {"error": "not committed, try again"})


async def test_slack_that_does_not_say_who_we_are_is_asked_to_come_again(
    slack: Emulator, dm: Seat
) -> None:
    adapter = Supervised(ACCOUNT, slack_settings(slack), FakeHost())
    slack.inject(Fault("auth.test", code=503, times=3))
    await adapter.open()
    sink = RecordingSink()
    task = asyncio.create_task(adapter.run(sink))
    await eventually(lambda: adapter.trouble() is None)
    assert len(slack.journal.of("auth.test")) == 4
    task.cancel()
    await asyncio.wait([task])
    await adapter.close()


@pytest.mark.parametrize(
    "body",
    [
        b"{broken",
        b"[]",
        b"7",
        b'{"type": "event_callback", "event": null}',
        b'{"type": "event_callback", "event": 7}',
        b'{"type": "event_callback", "authorizations": {}, "event": {"type": "message"}}',
        b'{"user": 7, "team": [], "channel": 1}',
        b"{" * 100_000,
    ],
    ids=lambda body: repr(body[:60]),
)
async def test_what_nobody_can_read_is_acknowledged(ear: Listening, body: bytes) -> None:
    assert (await ear.slack.hooks.post(body)).status == 200
    form = urlencode({"payload": body}).encode()
    assert (await ear.slack.hooks.post(form, FORM)).status == 200


async def test_message_of_a_workspace_without_us_is_dropped(ear: Listening) -> None:
    body = {
        "type": "event_callback",
        "team_id": "T9",
        "event": {"type": "message", "channel": "D1", "user": "U1", "text": "hi", "ts": "1.2"},
    }
    assert (await ear.slack.hooks.post(json.dumps(body).encode())).status == 200
    assert ear.sink.events == []


async def test_two_hundred_events_in_a_second_are_acknowledged_before_slack_gives_up(
    ear: Listening,
) -> None:
    people = [ear.slack.person(f"P{number}").dm() for number in range(50)]
    for number in range(200):
        await people[number % 50].say(str(number))
        await asyncio.sleep(0.005)
    await ear.settled()
    latencies = sorted(ear.slack.deliveries.latencies)
    assert len(latencies) == 200
    assert latencies[-1] < SLACK_GIVES_UP  # how soon it usually is: bench/README.md


async def test_refused_bot_token_is_told() -> None:
    async with serve(Emulator(mode="http")) as slack:
        settings = slack_settings(slack, bot_token="xoxb-wrong")
        adapter = Supervised(ACCOUNT, settings, FakeHost())
        await adapter.open()
        async with asyncio.timeout(PATIENCE):
            results = await asyncio.gather(adapter.run(RecordingSink()), return_exceptions=True)
        assert "invalid_auth" in str(results[0])
        assert "invalid_auth" in str(adapter.trouble())
        await adapter.close()


def test_socket_mode_has_no_url() -> None:
    settings = SlackSettings.model_validate({"mode": "socket"})
    assert list(Supervised(ACCOUNT, settings, FakeHost()).routes()) == []
