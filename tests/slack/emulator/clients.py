"""Clients for the emulator's own tests: Slack's libraries, and one raw."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack.emulator.emulator import Emulator
from tests.slack.emulator.params import Json


@asynccontextmanager
async def library(emulator: Emulator, token: str = "") -> AsyncIterator[AsyncWebClient]:
    """slack_sdk, with one session and nothing repeated."""
    async with aiohttp.ClientSession() as session:
        yield web_client(emulator, token or emulator.token, session)


def web_client(
    emulator: Emulator, token: str | None, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    return AsyncWebClient(
        token, base_url=f"{emulator.url}/api/", session=session, retry_handlers=[], timeout=5
    )


@asynccontextmanager
async def socket_bolt(emulator: Emulator, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """Bolt by Socket Mode, until the context is left."""
    client = web_client(emulator, emulator.app_token)
    handler = AsyncSocketModeHandler(app, emulator.app_token, web_client=client, ping_interval=0.5)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it so
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def http_bolt(emulator: Emulator, app: AsyncApp) -> AsyncIterator[str]:
    """Bolt behind a URL, to which the emulator delivers from now on."""

    async def events(request: web.Request) -> web.Response:
        response = await app.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(response)

    site = web.Application()
    site.router.add_post("/slack/events", events)
    async with serving(site) as url:
        emulator.hooks.url = f"{url}/slack/events"
        yield emulator.hooks.url


@asynccontextmanager
async def serving(site: web.Application) -> AsyncIterator[str]:
    """Serve an app on a free port."""
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Json
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class Raw:
    """Calls methods with JSON, as nobody's library would."""

    http: aiohttp.ClientSession
    token: str

    async def call(self, method: str, **args: object) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.post(f"/api/{method}", json=args, headers=headers) as response:
            body = await response.json()
            return Answer(response.status, body, response.headers.get("Retry-After"))

    async def ok(self, method: str, **args: object) -> Json:
        """The answer, which has to be a good one."""
        answer = await self.call(method, **args)
        assert answer.body["ok"] is True, answer
        return answer.body

    async def error(self, method: str, **args: object) -> str:
        """The word of the refusal there has to be."""
        answer = await self.call(method, **args)
        assert answer.body["ok"] is False, answer
        return str(answer.body["error"])


@asynccontextmanager
async def raw(emulator: Emulator, token: str | None = None) -> AsyncIterator[Raw]:
    """A raw client of the emulator. token: None is the bot's."""
    async with aiohttp.ClientSession(emulator.url) as http:
        yield Raw(http, emulator.token if token is None else token)
