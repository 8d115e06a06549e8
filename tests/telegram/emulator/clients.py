"""Clients for the emulator's own tests: one independent, one raw."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from httpx_aiohttp import AiohttpTransport
from telegram import Bot
from telegram.request import HTTPXRequest

from tests.telegram.emulator.emulator import Emulator
from tests.telegram.emulator.inbox import Json


@asynccontextmanager
async def library(emulator: Emulator) -> AsyncIterator[Bot]:
    """python-telegram-bot, talking to the emulator."""
    bot = Bot(
        emulator.token,
        base_url=f"{emulator.url}/bot",
        base_file_url=f"{emulator.url}/file/bot",
        request=HTTPXRequest(httpx_kwargs={"transport": AiohttpTransport()}),
        get_updates_request=HTTPXRequest(httpx_kwargs={"transport": AiohttpTransport()}),
    )
    async with bot:
        yield bot


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the HTTP status, and the envelope's parts."""

    status: int
    body: Json

    @property
    def result(self) -> object:
        return self.body.get("result")

    @property
    def description(self) -> str:
        return str(self.body.get("description", ""))

    @property
    def parameters(self) -> object:
        return self.body.get("parameters")


@dataclass(frozen=True, slots=True)
class Raw:
    """Calls methods with JSON, as nobody's library would."""

    http: aiohttp.ClientSession
    token: str

    async def call(self, method: str, **params: object) -> Answer:
        async with self.http.post(f"/bot{self.token}/{method}", json=params) as response:
            return Answer(response.status, await response.json())

    async def error(self, method: str, **params: object) -> str:
        """The description of the refusal there has to be."""
        answer = await self.call(method, **params)
        assert answer.body["ok"] is False, answer
        assert answer.status == answer.body["error_code"]
        return answer.description

    async def ok(self, method: str, **params: object) -> object:
        """The result there has to be."""
        answer = await self.call(method, **params)
        assert answer.body["ok"] is True, answer
        assert answer.status == 200
        return answer.result

    async def message(self, method: str, **params: object) -> Json:
        """The message that has to be the result."""
        result = await self.ok(method, **params)
        assert isinstance(result, dict)
        return result

    async def updates(self, **params: object) -> list[Json]:
        """What getUpdates has."""
        result = await self.ok("getUpdates", **params)
        assert isinstance(result, list)
        return result


@asynccontextmanager
async def raw(emulator: Emulator) -> AsyncIterator[Raw]:
    """A raw client of the emulator."""
    async with aiohttp.ClientSession(emulator.url) as http:
        yield Raw(http, emulator.token)
