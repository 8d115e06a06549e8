"""Delivery by HTTP: signatures, repetitions, and Bolt behind the URL."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from tests.platforms.budgets import Clock
from tests.slack.emulator import Delivery, Emulator, Person, Seat, serve
from tests.slack.emulator.clients import http_bolt, serving, web_client
from tests.slack.emulator.hooks import signature
from tests.slack.emulator.params import Json


@dataclass
class Listener:
    """A server that answers what it is told to. asked: headers and bodies."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def hear(self, request: web.Request) -> web.Response:
        self.asked.append((dict(request.headers), await request.read()))
        if self.gate is not None:
            await self.gate.wait()
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(mode="http", clock=clock)) as emulator:
        yield emulator


@pytest.fixture
async def listener(slack: Emulator) -> AsyncIterator[Listener]:
    listener = Listener()
    site = web.Application()
    site.router.add_post("/", listener.hear)
    async with serving(site) as url:
        slack.hooks.url = f"{url}/"
        yield listener


async def tried(delivery: Delivery, slack: Emulator, attempts: int) -> None:
    await slack.until(lambda _: delivery.attempts == attempts)


async def pass_time(slack: Emulator, clock: Clock, seconds: float) -> None:
    clock.move(seconds)
    slack.changed()


async def test_event_is_signed(slack: Emulator, listener: Listener, dm: Seat, clock: Clock) -> None:
    await dm.say("hi")
    await slack.until(lambda it: not it.deliveries.open)
    ((headers, body),) = listener.asked
    stamp = headers["X-Slack-Request-Timestamp"]
    assert stamp == str(int(clock()))
    assert headers["X-Slack-Signature"] == signature(slack.signing_secret, stamp, body)
    assert json.loads(body)["event"]["text"] == "hi"
    assert len(slack.deliveries.latencies) == 1


async def test_refused_event_is_repeated_at_once_after_a_minute_and_after_five(
    slack: Emulator, listener: Listener, dm: Seat, clock: Clock
) -> None:
    listener.status = 503
    await dm.say("hi")
    (delivery,) = slack.deliveries.all
    await slack.until(lambda _: delivery.attempts == 2 and delivery.reason)
    for attempts, seconds in ((3, 60), (4, 300)):
        await slack.until(lambda it: it.hooks.idle)
        await pass_time(slack, clock, seconds - 1)
        assert delivery.attempts == attempts - 1
        await pass_time(slack, clock, 1)
        await tried(delivery, slack, attempts)
    await slack.until(lambda _: delivery.lost)
    told = [
        (headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason"))
        for headers, _ in listener.asked
    ]
    assert told == [(None, None)] + [(str(n), "http_error") for n in (1, 2, 3)]
    assert len({body for _, body in listener.asked}) == 1


async def test_slow_answer_is_none(slack: Emulator, listener: Listener, dm: Seat) -> None:
    slack.deliveries.patience = 1.0
    listener.gate = asyncio.Event()
    await dm.say("hi")
    await slack.until(lambda _: len(listener.asked) == 2)
    listener.gate.set()
    assert listener.asked[1][0]["x-slack-retry-reason"] == "http_timeout"


async def test_app_that_is_away_is_asked_again(slack: Emulator, dm: Seat) -> None:
    slack.deliveries.pauses = (0.0,)
    slack.hooks.url = "http://127.0.0.1:9/"
    await dm.say("hi")
    await slack.until(lambda it: it.deliveries.lost)
    assert slack.deliveries.lost[0].reason == "connection_failed"


async def test_app_may_ask_not_to_be_told_again(
    slack: Emulator, listener: Listener, dm: Seat
) -> None:
    listener.status, listener.headers = 500, {"X-Slack-No-Retry": "1"}
    await dm.say("hi")
    await slack.until(lambda it: it.deliveries.lost)
    assert len(listener.asked) == 1


async def test_bolt_proves_its_url_and_refuses_forgers(slack: Emulator) -> None:
    app = AsyncApp(signing_secret=slack.signing_secret, client=web_client(slack, slack.token))
    async with http_bolt(slack, app):
        slack.hooks.use_real_time()
        assert await slack.hooks.verify()
        body = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()
        assert (await slack.hooks.post(body, secret="guessed")).status == 401
        assert (await slack.hooks.post(body, age=301)).status == 401


async def test_bolt_answers_events_commands_and_presses(
    slack: Emulator, dm: Seat, ann: Person
) -> None:
    slack.hooks.use_real_time()
    app = AsyncApp(signing_secret=slack.signing_secret, client=web_client(slack, slack.token))
    pressed: list[str] = []

    @app.event("message")
    async def answer(event: Json) -> None:
        button = {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "+"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "-"},
        }
        await app.client.chat_postMessage(
            channel=str(event["channel"]),
            text="Well?",
            blocks=[{"type": "context_actions", "elements": [button]}],
        )

    @app.command("/coze")
    async def command(ack: AsyncAck) -> None:
        await ack({"text": "Here", "response_type": "in_channel"})

    @app.action("feedback")
    async def feedback(ack: AsyncAck, action: Json) -> None:
        await ack()
        pressed.append(str(action["value"]))

    async with http_bolt(slack, app):
        await dm.say("hi")
        message = await dm.final("Well?")
        assert message.labels == ["Good", "Bad"]
        await message.press("Bad", ann)
        reply = await (await dm.command("/coze", "x")).reply()
        await slack.until(lambda it: not it.deliveries.open)
    assert (reply.text, reply.whisper) == ("Here", "")
    assert pressed == ["-"]
