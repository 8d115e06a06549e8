"""Bots of python-telegram-bot, on aiohttp."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx
from httpx_aiohttp import AiohttpTransport
from telegram import Bot
from telegram.error import NetworkError

from adapters.telegram.http import CONNECT_TIMEOUT, READ_TIMEOUT, Call, Requests, tls
from adapters.telegram.settings import TelegramSettings
from bridge.proxies import proxy_to

JSONDict: TypeAlias = dict[str, Any]

CONNECTIONS = 64
FILES_AT_ONCE = 16
FILE_TIMEOUT = 60.0  # seconds of silence; Telegram looks at a file before it answers


class RawBot(Bot):
    """A bot whose updates come as they are on the wire.

    The typed `get_updates` raises for a whole batch if one update in it is malformed, and would
    so for ever; `do_api_request` warns about it, and calls a revoked token a missing endpoint.
    """

    def __init__(self, token: str, base_url: str, connections: int) -> None:
        self._requests = Requests(base_url, connections)
        super().__init__(
            token,
            base_url=f"{base_url}/bot",
            base_file_url=f"{base_url}/file/bot",
            request=self._requests,
            get_updates_request=Requests(base_url, 1),
        )

    async def raw_updates(self, asked: JSONDict, *, read_timeout: float) -> list[JSONDict]:
        """Return up to 100 updates. Raises `telegram.error.TelegramError`."""
        told: object = await self._post("getUpdates", asked, read_timeout=read_timeout)
        if not (isinstance(told, list) and all(isinstance(update, dict) for update in told)):
            raise NetworkError("the server's answer is no list of updates")
        return told

    async def call(self, method: str, **asked: object) -> JSONDict:
        """Call a method whose answer is an object; what is None is left out, the rest is JSON.

        The typed methods make objects of each parameter and each stretch of markup, on the way
        there and back. Raises like they do.
        """
        return await self.call_within(READ_TIMEOUT, method, asked)

    async def call_within(
        self, seconds: float, method: str, asked: Mapping[str, object]
    ) -> JSONDict:
        """Call a method that may take its time, like `call`."""
        given = {name: value for name, value in asked.items() if value is not None}
        call = Call(self._requests, given, read_timeout=seconds)
        told: object = await call.post(f"{self.base_url}/{method}")
        return told if isinstance(told, dict) else {}

    async def release(self) -> None:
        """Close every connection; `shutdown` leaves those of a bot that never said who it is."""
        await asyncio.gather(*(request.shutdown() for request in self._request))


def make_bot(settings: TelegramSettings, *, connections: int = CONNECTIONS) -> RawBot:
    """A bot that is not initialised yet; it cannot be used again after its release."""
    return RawBot(settings.token.get_secret_value(), settings.api_base_url, connections)


def make_http(base_url: str, connections: int = FILES_AT_ONCE) -> httpx.AsyncClient:
    """Connections for files, so that a long one holds up no message. Close it."""
    limits, proxy = httpx.Limits(max_connections=connections), proxy_to(base_url)
    return httpx.AsyncClient(
        transport=AiohttpTransport(
            verify=tls(), limits=limits, proxy=httpx.Proxy(proxy) if proxy else None
        ),
        timeout=httpx.Timeout(FILE_TIMEOUT, connect=CONNECT_TIMEOUT),
    )
