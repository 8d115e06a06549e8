"""Socket Mode, with Bolt and with a bare WebSocket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from tests.slack.emulator import Channel, Clock, Emulator, Person, Seat
from tests.slack.emulator.clients import Raw, raw, socket_bolt, web_client
from tests.slack.emulator.params import Json


class Client:
    """A WebSocket that acknowledges when it is told to."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def frame(self) -> Json:
        """The next frame."""
        found = await self.socket.receive_json(timeout=30)
        assert isinstance(found, dict)
        return found

    async def ack(self, frame: Json, payload: object = None) -> None:
        answer = {"envelope_id": frame["envelope_id"]}
        if payload is not None:
            answer["payload"] = payload
        await self.socket.send_str(json.dumps(answer))


@pytest.fixture
async def app_api(slack: Emulator) -> AsyncIterator[Raw]:
    async with raw(slack, slack.app_token) as api:
        yield api


@asynccontextmanager
async def connected(api: Raw) -> AsyncIterator[Client]:
    opened = await api.ok("apps.connections.open")
    async with api.http.ws_connect(str(opened["url"])) as socket:
        yield Client(socket)


def event_of(frame: Json) -> Json:
    payload = frame["payload"]
    assert isinstance(payload, dict)
    event = payload["event"]
    assert isinstance(event, dict)
    return event


async def test_bolt_hears_and_answers(slack: Emulator, dm: Seat) -> None:
    async with aiohttp.ClientSession() as session:
        app = AsyncApp(client=web_client(slack, slack.token, session))

        @app.event("message")
        async def answer(event: Json) -> None:
            await app.client.chat_postMessage(
                channel=str(event["channel"]), thread_ts=str(event["ts"]), text="Hello"
            )

        async with socket_bolt(slack, app):
            asked = await dm.say("hi")
            answered = await dm.in_thread(asked).final("Hello")
            await slack.until(lambda it: not it.deliveries.open)
    assert answered.sender is slack.bot
    assert [delivery.attempts for delivery in slack.deliveries.all] == [1, 1], "it heard itself too"


async def test_bolt_answers_a_command_and_a_press(slack: Emulator, dm: Seat, ann: Person) -> None:
    async with aiohttp.ClientSession() as session:
        app = AsyncApp(client=web_client(slack, slack.token, session))

        @app.command("/coze")
        async def command(ack: AsyncAck, command: Json) -> None:
            await ack(f"You said {command['text']}")

        @app.action("yes")
        async def pressed(ack: AsyncAck, body: Json) -> None:
            await ack()
            async with session.post(
                str(body["response_url"]), json={"text": "Done", "replace_original": True}
            ) as response:
                assert response.status == 200

        async with socket_bolt(slack, app):
            reply = await (await dm.command("/coze", "help")).reply()
            button = {
                "type": "button",
                "action_id": "yes",
                "text": {"type": "plain_text", "text": "Yes"},
            }
            posted = await app.client.chat_postMessage(
                channel=dm.id, text="?", blocks=[{"type": "actions", "elements": [button]}]
            )
            message = dm.channel.messages[str(posted["ts"])]
            await message.press("Yes", ann)
            await slack.until(lambda _: message.text == "Done")
            await slack.until(lambda it: not it.deliveries.open)
    assert (reply.text, reply.whisper) == ("You said help", ann.id)


async def test_refreshed_connection_loses_nothing(slack: Emulator, dm: Seat) -> None:
    heard: list[str] = []
    app = AsyncApp(client=web_client(slack, slack.token))

    @app.event("message")
    async def hear(event: Json) -> None:
        heard.append(str(event["text"]))
        slack.changed()

    async with socket_bolt(slack, app):
        await dm.say("one")
        await slack.until(lambda _: heard == ["one"])
        await slack.sockets.refresh()
        await dm.say("two")
        await slack.until(lambda _: heard == ["one", "two"])
        await slack.until(lambda it: not it.deliveries.open)
    assert slack.sockets.opened == 2


async def test_connection_begins_with_hello(app_api: Raw) -> None:
    async with connected(app_api) as client, connected(app_api) as other:
        hello = await client.frame()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert (await other.frame())["num_connections"] == 2


async def test_ticket_is_good_for_one_connection(app_api: Raw) -> None:
    url = str((await app_api.ok("apps.connections.open"))["url"])
    async with app_api.http.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await app_api.http.ws_connect(url)


async def test_only_the_apps_own_token_opens_a_connection(api: Raw, app_api: Raw) -> None:
    assert await api.error("apps.connections.open") == "not_allowed_token_type"
    assert await app_api.error("chat.postMessage", text="x") == "not_allowed_token_type"


async def test_event_without_acknowledgement_comes_again(
    slack: Emulator, app_api: Raw, dm: Seat, clock: Clock
) -> None:
    slack.deliveries.patience = 0.02
    async with connected(app_api) as client:
        await client.frame()
        await dm.say("hi")
        first, again = await client.frame(), await client.frame()
        assert (first["retry_attempt"], first["retry_reason"]) == (0, "")
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
        assert first["payload"] == again["payload"]
        assert first["envelope_id"] != again["envelope_id"]
        (delivery,) = slack.deliveries.all
        await slack.until(lambda _: delivery.attempts == 2)
        slack.deliveries.patience = 5
        clock.move(60)
        slack.changed()
        third = await next_attempt(slack, client, clock)
        await client.ack(third)
        await slack.until(lambda _: delivery.acked)
    assert (third["retry_attempt"], delivery.attempts) == (2, 3)
    assert delivery.latency is not None


async def next_attempt(slack: Emulator, client: Client, clock: Clock) -> Json:
    """Move the clock until the next repetition leaves."""
    while True:
        try:
            found = await client.socket.receive_json(timeout=0.05)
        except TimeoutError:
            clock.move(60)
            slack.changed()
            continue
        assert isinstance(found, dict)
        return found


async def test_late_acknowledgement_counts(slack: Emulator, app_api: Raw, dm: Seat) -> None:
    slack.deliveries.patience = 0.02
    slack.deliveries.pauses = (60.0,)
    async with connected(app_api) as client:
        await client.frame()
        await dm.say("hi")
        frame = await client.frame()
        (delivery,) = slack.deliveries.all
        await slack.until(lambda _: delivery.reason == "timeout")
        await client.ack(frame)
        await slack.until(lambda _: delivery.acked)
    assert delivery.attempts == 1


async def test_event_nobody_ever_acknowledges_is_lost(
    slack: Emulator, app_api: Raw, dm: Seat
) -> None:
    slack.deliveries.patience, slack.deliveries.pauses = 0.01, (0.0, 0.0, 0.0)
    async with connected(app_api):
        await dm.say("hi")
        await slack.until(lambda it: it.deliveries.lost)
    (delivery,) = slack.deliveries.lost
    assert delivery.attempts == 4


async def test_event_of_a_broken_connection_goes_to_another(
    slack: Emulator, app_api: Raw, dm: Seat
) -> None:
    async with connected(app_api) as client:
        await client.frame()
        await dm.say("hi")
        await client.frame()
        slack.sockets.drop()
        await slack.until(lambda it: not it.sockets.connections)
    async with connected(app_api) as client:
        await client.frame()
        frame = await client.frame()
        assert (frame["retry_attempt"], frame["retry_reason"]) == (1, "connection_lost")
        await client.ack(frame)
        await slack.until(lambda it: not it.deliveries.open)


async def test_however_often_connections_break_nothing_is_lost(
    slack: Emulator, app_api: Raw, dm: Seat
) -> None:
    await dm.say("hi")
    for attempt in range(6):
        async with connected(app_api) as client:
            await client.frame()
            assert (await client.frame())["retry_attempt"] == attempt
            slack.sockets.drop()
            await slack.until(lambda it: not it.sockets.connections)
    assert slack.deliveries.lost == []


async def test_payload_goes_to_one_of_the_connections_at_random(
    slack: Emulator, app_api: Raw, dm: Seat
) -> None:
    async with connected(app_api) as one, connected(app_api) as two:
        for number in range(20):
            await dm.say(str(number))
        await slack.until(lambda it: sum(each.carried for each in it.sockets.connections) == 20)
        shares = [each.carried for each in slack.sockets.connections]
        for client, share in zip((one, two), shares, strict=True):
            await client.frame()
            for _ in range(share):
                await client.ack(await client.frame())
        await slack.until(lambda it: not it.deliveries.open)
    assert min(shares) > 0


async def test_eleventh_connection_is_refused(slack: Emulator, app_api: Raw) -> None:
    clients = [connected(app_api) for _ in range(10)]
    for client in clients:
        await client.__aenter__()
    try:
        async with connected(app_api) as last:
            frame = await last.frame()
            assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)


async def test_warned_connection_is_used_until_it_is_told_to_go(
    slack: Emulator, app_api: Raw, dm: Seat
) -> None:
    async with connected(app_api) as client:
        await client.frame()
        (connection,) = slack.sockets.connections
        await connection.disconnect("warning")
        assert (await client.frame())["reason"] == "warning"
        await dm.say("still here")
        frame = await client.frame()
        assert event_of(frame)["text"] == "still here"
        await client.ack(frame)
        await connection.disconnect()
        assert (await client.frame())["reason"] == "refresh_requested"
        assert slack.sockets.usable == []


async def test_ping_is_answered(app_api: Raw) -> None:
    opened = await app_api.ok("apps.connections.open")
    async with app_api.http.ws_connect(str(opened["url"]), autoping=False) as socket:
        await socket.receive(timeout=30)
        await socket.ping(b"sdk-ping-pong:1")
        pong = await socket.receive(timeout=30)
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_frame_that_acknowledges_nothing_is_kept(slack: Emulator, app_api: Raw) -> None:
    async with connected(app_api) as client:
        await client.frame()
        for frame in ("not JSON", '{"envelope_id": "?"}', "[]"):
            await client.socket.send_str(frame)
        await slack.until(lambda it: len(it.sockets.strange) == 3)


async def test_command_nobody_acknowledges_is_not_repeated(
    slack: Emulator, app_api: Raw, dm: Seat
) -> None:
    slack.deliveries.patience = 0.01
    async with connected(app_api):
        invocation = await dm.command("/coze", "help")
        await slack.until(lambda _: invocation.delivery.lost)
    assert invocation.delivery.attempts == 1


async def test_what_was_acknowledged_may_be_replayed(
    slack: Emulator, app_api: Raw, general: Channel, ann: Person
) -> None:
    async with connected(app_api) as client:
        await client.frame()
        await general.say(ann, "hi")
        frame = await client.frame()
        await client.ack(frame)
        await slack.until(lambda it: not it.deliveries.open)
        slack.deliveries.repeat()
        again = await client.frame()
        await client.ack(again)
        assert again["payload"] == frame["payload"]
