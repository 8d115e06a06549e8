"""How updates reach a bot with a webhook: the secret, the order, and again until accepted."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.telegram.emulator import Emulator, Private, serve
from tests.telegram.emulator.clients import Raw, raw
from tests.telegram.emulator.webhook import SECRET_HEADER


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        emulator.webhook.first_pause = 0.01
        yield emulator
        assert emulator.violations == []


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


@pytest.fixture
def ann(emulator: Emulator) -> Private:
    return emulator.person(1, "Ann").chat()


@dataclass
class Hook:
    """A bot's own server, and what it was sent. answers: statuses to give, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    most: int = 0
    inside: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        update = json.loads(await request.read())
        self.secrets.append(request.headers.get(SECRET_HEADER))
        self.texts.append(update["message"]["text"])
        self.inside += 1
        self.most = max(self.most, self.inside)
        async with self.arrived:
            self.arrived.notify_all()
        await self.hold.wait()
        self.inside -= 1
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers=self.headers if status != 200 else {})

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(30), self.arrived:
            await self.arrived.wait_for(seen)


@asynccontextmanager
async def listening() -> AsyncIterator[Hook]:
    hook = Hook()
    hook.hold.set()
    app = web.Application()
    app.router.add_post("/hook", hook.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield hook
    finally:
        await runner.cleanup()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with listening() as hook:
        yield hook


async def info(api: Raw) -> dict[str, object]:
    return await api.message("getWebhookInfo")


async def test_webhook_delivers_with_the_secret(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    await ann.say("before")
    answer = await api.call("setWebhook", url=hook.url, secret_token="s-1_x", max_connections=500)
    assert answer.description == "Webhook was set"
    await ann.say("after")
    await emulator.until(lambda it: not it.inbox.pending)
    assert hook.texts == ["before", "after"]
    assert hook.secrets == ["s-1_x", "s-1_x"]
    told = await info(api)
    assert (told["url"], told["max_connections"]) == (hook.url, 100)
    assert (told["pending_update_count"], "last_error_message" in told) == (0, False)
    same = await api.call("setWebhook", url=hook.url, secret_token="s-1_x", max_connections=100)
    assert same.description == "Webhook is already set"


async def test_webhook_delivers_again_until_it_is_accepted(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    hook.answers = [503, 500, 404]
    await api.ok("setWebhook", url=hook.url)
    await ann.say("a")
    await emulator.until(lambda it: not it.inbox.pending)
    assert hook.texts == ["a"] * 4
    told = await info(api)
    assert told["last_error_message"] == "Wrong response from the webhook: 404 Not Found"
    when = told["last_error_date"]
    assert isinstance(when, int)
    assert 0 <= emulator.clock() - when < 60


async def test_webhook_waits_longer_after_each_failure(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    hook.answers = [503] * 9
    emulator.webhook.first_pause = 1000.0
    await api.ok("setWebhook", url=hook.url)
    await ann.say("a")
    await emulator.until(lambda it: it.webhook.failed == 2)
    assert len(hook.texts) == 2, "once more at once, then a pause"
    (update,) = emulator.inbox.pending
    assert 59 < update.due - emulator.inbox.now() <= 60, "of a minute at most"


async def test_webhook_obeys_retry_after(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    hook.answers, hook.headers = [503], {"Retry-After": "30"}
    await api.ok("setWebhook", url=hook.url)
    await ann.say("a")
    await emulator.until(lambda it: it.webhook.failed == 1)
    (update,) = emulator.inbox.pending
    assert 29 < update.due - emulator.inbox.now() <= 30


async def test_webhook_delivers_twice_when_told(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    await api.ok("setWebhook", url=hook.url)
    await ann.say("a")
    await emulator.until(lambda it: not it.inbox.pending)
    emulator.repeat_updates()
    await emulator.until(lambda it: not it.inbox.pending)
    assert hook.texts == ["a", "a"]


async def test_webhook_keeps_the_order_within_a_chat_only(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    hook.hold.clear()
    bob = emulator.person(2).chat()
    await api.ok("setWebhook", url=hook.url)
    await ann.say("ann 1")
    await ann.say("ann 2")
    await bob.say("bob 1")
    await hook.until(lambda: len(hook.texts) == 2)
    assert sorted(hook.texts) == ["ann 1", "bob 1"]
    hook.hold.set()
    await emulator.until(lambda it: not it.inbox.pending)
    assert hook.texts[-1] == "ann 2"


async def test_webhook_opens_no_more_connections_than_told(
    api: Raw, hook: Hook, emulator: Emulator
) -> None:
    hook.hold.clear()
    await api.ok("setWebhook", url=hook.url, max_connections=2)
    for number in range(5):
        await emulator.person(number + 1).chat().say("x")
    await hook.until(lambda: hook.inside == 2)
    hook.hold.set()
    await emulator.until(lambda it: not it.inbox.pending)
    assert hook.most == 2
    assert len(hook.texts) == 5


async def test_webhook_that_nobody_answers_is_an_error_to_read(
    api: Raw, ann: Private, emulator: Emulator
) -> None:
    async with listening() as gone:
        url = gone.url
    emulator.webhook.first_pause = 1000.0
    await api.ok("setWebhook", url=url)
    await ann.say("a")
    await emulator.until(lambda it: it.webhook.failed == 2)
    told = await info(api)
    assert str(told["last_error_message"]).startswith("Connection failed")
    assert told["pending_update_count"] == 1
    await api.ok("deleteWebhook", drop_pending_updates=True)
    assert await api.updates() == []


async def test_webhook_ends_a_poll_and_leaves_the_rest_to_polling(
    api: Raw, ann: Private, hook: Hook, emulator: Emulator
) -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        polling = group.create_task(api.error("getUpdates", timeout=50))
        await emulator.until(lambda it: it.inbox.polled)
        await api.ok("setWebhook", url=hook.url)
    assert polling.result() == "Conflict: terminated by setWebhook request"
    assert (await api.error("getUpdates")).startswith("Conflict: can't use getUpdates method")
    assert (await api.call("deleteWebhook")).description == "Webhook was deleted"
    assert (await api.call("deleteWebhook")).description == "Webhook is already deleted"
    await ann.say("a")
    assert len(await api.updates()) == 1
    assert hook.texts == []
