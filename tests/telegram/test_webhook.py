"""The webhook: only Telegram may call it, and it says 200 only to what is kept."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from adapters.telegram.addressed import Me
from adapters.telegram.asides import Asides
from adapters.telegram.bots import make_bot
from adapters.telegram.normalise import KINDS
from adapters.telegram.receive import Intake
from adapters.telegram.webhook import MOST_CONNECTIONS, Webhook
from bridge.config import ServerSettings
from bridge.errors import Unreachable
from bridge.testing.contract import RecordingSink, receiving
from bridge.web.server import BODY_LIMIT, serve_http
from tests.platforms.worlds import PATIENCE, free_port
from tests.telegram.emulator import Emulator, Fault
from tests.telegram.emulator.webhook import SECRET_HEADER, Address
from tests.telegram.world import ACCOUNT, LentHost, Supervised, World, telegram_settings

SECRET = "secret-of-webhook"


@dataclass
class Door:
    """An adapter behind a server, receiving, and somebody who knocks."""

    telegram: Emulator
    sink: RecordingSink
    url: str
    adapter: Supervised

    async def knock(self, body: object, **headers: str) -> int:
        """Post to the webhook; returns the HTTP status."""
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        known = {SECRET_HEADER: SECRET} | {k.replace("_", "-"): v for k, v in headers.items()}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.url, data=data, headers=known) as response,
        ):
            return response.status


@pytest.fixture
async def door(telegram: Emulator) -> AsyncIterator[Door]:
    telegram.webhook.first_pause = 0.02
    server = ServerSettings(port=free_port())
    host = LentHost(f"http://{server.host}:{server.port}")
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url, mode="webhook"), host)
    sink = RecordingSink()
    async with serve_http(server, [adapter]) as url:
        await adapter.open()
        async with receiving(adapter, sink):
            yield Door(telegram, sink, f"{url}/telegram/{ACCOUNT}", adapter)
        await adapter.close()


MESSAGE = {
    "update_id": 7,
    "message": {
        "message_id": 3,
        "date": 1_790_000_000,
        "chat": {"id": 1, "type": "private"},
        "from": {"id": 1, "is_bot": False, "first_name": "Anna"},
        "text": "hi",
    },
}


# Registering


async def test_webhook_is_set_with_all_that_belongs_to_it(door: Door) -> None:
    address = door.telegram.webhook.address
    assert address == Address(door.url, SECRET, MOST_CONNECTIONS)
    assert door.telegram.inbox.allowed == frozenset(KINDS)
    (call,) = door.telegram.journal.of("setWebhook")
    assert str(call.params.get("drop_pending_updates", "false")).lower() == "false"


async def test_secret_of_the_configuration_is_used(telegram: Emulator) -> None:
    table = {"mode": "webhook", "webhook_secret": "my-own_secret"}
    host = LentHost("http://127.0.0.1:9/")
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url, **table), host)
    await adapter.open()
    async with receiving(adapter, RecordingSink()):
        assert telegram.webhook.address.secret == "my-own_secret"
        assert telegram.webhook.address.url == f"http://127.0.0.1:9/telegram/{ACCOUNT}"
    await adapter.close()


async def test_generated_secret_outlives_the_process(world: World) -> None:
    secrets = []
    for _ in range(2):
        async with world.running(mode="webhook"):
            secrets.append(world.telegram.webhook.address.secret)
    assert secrets[0] == secrets[1]
    assert len(secrets[0]) >= 32


async def test_while_polling_there_is_no_route(telegram: Emulator) -> None:
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url), LentHost())
    assert list(adapter.routes()) == []


# Who may knock


async def test_update_with_the_secret_is_taken(door: Door) -> None:
    assert await door.knock(MESSAGE) == 200
    assert [event.text for event in door.sink.events] == ["hi"]


@pytest.mark.parametrize("shown", ["", "wrong", SECRET + "x", SECRET.upper(), "ü", "\udcff"])
async def test_wrong_secret_is_refused(door: Door, shown: str) -> None:
    headers = {SECRET_HEADER: shown}
    if shown == "\udcff":  # bytes that are no text at all
        assert await raw_knock(door, b"\xff") == 401
    else:
        assert await door.knock(MESSAGE, **headers) == 401
    assert door.sink.events == []


async def raw_knock(door: Door, secret: bytes) -> int:
    host, port = door.url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /telegram/{ACCOUNT} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
    writer.write(head.encode() + f"{SECRET_HEADER}: ".encode() + secret + b"\r\n\r\n{}")
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])


async def test_missing_secret_is_refused(door: Door) -> None:
    async with aiohttp.ClientSession() as http, http.post(door.url, json=MESSAGE) as response:
        assert response.status == 401


async def test_other_methods_are_not_there(door: Door) -> None:
    async with aiohttp.ClientSession() as http, http.get(door.url) as response:
        assert response.status == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_update_is_told_so(door: Door, body: bytes) -> None:
    assert await door.knock(body) == 400


async def test_body_has_a_limit(door: Door) -> None:
    assert await door.knock(b" " * (BODY_LIMIT + 1)) == 413


async def test_odd_update_is_accepted_so_that_it_does_not_come_again(door: Door) -> None:
    assert await door.knock({"update_id": 1, "message": {"chat": []}}) == 200
    assert await door.knock({"update_id": 2, "something_new": {}}) == 200
    assert door.sink.events == []


# Keeping


async def test_update_that_was_not_kept_is_delivered_again(door: Door) -> None:
    door.sink.failing = True
    await door.telegram.person(1).chat().say("hi")
    await door.telegram.until(lambda it: it.webhook.failed >= 2, within=PATIENCE)
    assert door.telegram.webhook.last_error.endswith("503 Service Unavailable")
    door.sink.failing = False
    await door.telegram.until(lambda it: not it.inbox.pending, within=PATIENCE)
    assert [event.text for event in door.sink.events] == ["hi"]


async def test_nothing_is_taken_before_and_after_it_receives(telegram: Emulator) -> None:
    server = ServerSettings(port=free_port())
    host = LentHost(f"http://{server.host}:{server.port}")
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url, mode="webhook"), host)
    sink = RecordingSink()
    async with serve_http(server, [adapter]) as url:
        door = Door(telegram, sink, f"{url}/telegram/{ACCOUNT}", adapter)
        await adapter.open()
        assert await door.knock(MESSAGE) == 503
        async with receiving(adapter, sink):
            assert await door.knock(MESSAGE) == 200
        assert await door.knock(MESSAGE) == 503
        await adapter.close()
    assert len(sink.events) == 1


# Watching


@pytest.fixture
async def watching(telegram: Emulator) -> AsyncIterator[Webhook]:
    """A webhook that looks after itself every few milliseconds."""
    bot = make_bot(telegram_settings(telegram.url))
    await bot.initialize()
    intake = Intake(Me(bot.id, bot.username), ACCOUNT, Asides(bot, ACCOUNT), LentHost().chat_moved)
    url = "http://127.0.0.1:9/telegram/telegram"
    webhook = Webhook(bot, intake, url=url, secret=SECRET, watch_every=0.005)
    task = asyncio.create_task(webhook.run(RecordingSink()))
    yield webhook
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await bot.release()


async def trouble(webhook: Webhook, words: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while words not in str(webhook.trouble()):
            await asyncio.sleep(0.002)


async def test_webhook_that_somebody_changed_is_set_again(
    telegram: Emulator, watching: Webhook
) -> None:
    await trouble(watching, "None")
    telegram.webhook.set(Address("http://127.0.0.1:9/somebody/else"))
    await trouble(watching, "changed by another program")
    await telegram.until(lambda it: it.webhook.address.secret == SECRET, within=PATIENCE)
    await trouble(watching, "None")


async def test_webhook_that_a_poller_deleted_is_set_again(
    telegram: Emulator, watching: Webhook
) -> None:
    await trouble(watching, "None")
    telegram.webhook.set(Address())
    await telegram.until(lambda it: it.webhook.is_set, within=PATIENCE)


async def test_what_telegram_complains_of_is_told(telegram: Emulator, watching: Webhook) -> None:
    await trouble(watching, "None")
    await telegram.person(1).chat().say("hi")  # nobody listens at the address
    await trouble(watching, "Telegram reports: Connection failed")


async def test_old_complaint_is_no_trouble(telegram: Emulator, watching: Webhook) -> None:
    telegram.webhook.last_error = "Connection timed out"
    telegram.webhook.last_error_at = telegram.clock() - 3600
    looks = telegram.journal.calls["getWebhookInfo"]
    await telegram.until(lambda it: it.journal.calls["getWebhookInfo"] > looks + 2)
    assert watching.trouble() is None


async def test_look_that_fails_is_told_and_ends_nothing(
    telegram: Emulator, watching: Webhook
) -> None:
    telegram.inject(Fault("getWebhookInfo", code=502, html="<html>", times=3))
    await trouble(watching, "cannot be asked")
    await trouble(watching, "None")
    assert telegram.journal.calls["setWebhook"] == 1


async def test_webhook_that_cannot_be_set_is_tried_again_by_the_supervisor(
    telegram: Emulator,
) -> None:
    telegram.inject(Fault("setWebhook", code=502, html="<html>"))
    bot = make_bot(telegram_settings(telegram.url))
    intake = Intake(Me(1, "x"), ACCOUNT, Asides(bot, ACCOUNT), LentHost().chat_moved)
    webhook = Webhook(bot, intake, url="http://127.0.0.1:9/x", secret=SECRET)
    with pytest.raises(Unreachable):
        await webhook.run(RecordingSink())
    assert webhook.trouble() == "has not set the webhook yet"
    await bot.release()


# The whole


async def test_bridge_answers_through_its_webhook(world: World) -> None:
    world.script("", reply="Through the door.")
    anna = world.telegram.person(1).chat()
    async with world.running(mode="webhook") as running:
        await anna.say("hi")
        await anna.final("the door.")
        assert await running.problems() == {}
    assert world.telegram.journal.calls["getUpdates"] == 0


async def test_polling_after_a_webhook_takes_over(world: World) -> None:
    world.script("", reply="Here.")
    anna = world.telegram.person(1).chat()
    async with world.running(mode="webhook"):
        assert world.telegram.webhook.is_set
    await anna.say("anybody?")
    async with world.running():
        await anna.final("Here.")
        assert not world.telegram.webhook.is_set
