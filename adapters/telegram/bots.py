"""Bots of python-telegram-bot, on the aiohttp transport.

A plain httpx pool looks at every connection for every request: 1.2 to 3.1 ms of CPU for a small
POST, against 0.2 to 0.3 ms on this transport (measured in the preparation of this project).
"""

import asyncio
import ssl
from functools import cache
from typing import Any, TypeAlias

import httpx
from httpx_aiohttp import AiohttpTransport
from telegram import Bot
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

from adapters.telegram.settings import TelegramSettings

JSONDict: TypeAlias = dict[str, Any]

CONNECTIONS = 64
READ_TIMEOUT = 20.0  # seconds; a send that takes longer is ambiguous
CONNECT_TIMEOUT = 10.0
FILES_AT_ONCE = 16
FILE_TIMEOUT = 60.0  # seconds of silence; Telegram looks at a file before it answers


class RawBot(Bot):
    """A bot whose updates come as they are on the wire.

    The typed `get_updates` raises for a whole batch if one update in it is malformed, and would
    so for ever; `do_api_request` warns about it, and calls a revoked token a missing endpoint.
    """

    async def raw_updates(self, asked: JSONDict, *, read_timeout: float) -> list[JSONDict]:
        """Return up to 100 updates. Raises `telegram.error.TelegramError`."""
        told: object = await self._post("getUpdates", asked, read_timeout=read_timeout)
        if not (isinstance(told, list) and all(isinstance(update, dict) for update in told)):
            raise NetworkError("the server's answer is no list of updates")
        return told

    async def call(self, method: str, **asked: object) -> JSONDict:
        """Call a method whose answer is an object; what is None is left out.

        The typed methods take twice the time, most of it for objects around each stretch of
        markup, on the way there and back (0.8 against 0.4 ms an edit). Raises like they do.
        """
        return await self.call_within(READ_TIMEOUT, method, asked)

    async def call_within(self, seconds: float, method: str, asked: JSONDict) -> JSONDict:
        """Call a method that may take its time, like `call`."""
        told: object = await self._post(method, asked, read_timeout=seconds)
        return told if isinstance(told, dict) else {}

    async def release(self) -> None:
        """Close every connection; `shutdown` leaves those of a bot that never said who it is."""
        await asyncio.gather(*(request.shutdown() for request in self._request))


def make_bot(settings: TelegramSettings, *, connections: int = CONNECTIONS) -> RawBot:
    """A bot that is not initialised yet; it cannot be used again after its release."""
    base = settings.api_base_url
    return RawBot(
        settings.token.get_secret_value(),
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=_request(connections),
        get_updates_request=_request(1),
    )


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections to Telegram: each would be 15 ms and 0.7 MB of certificates."""
    return httpx.create_ssl_context()


def make_http(connections: int = FILES_AT_ONCE) -> httpx.AsyncClient:
    """Connections for files, so that a long one holds up no message. Close it."""
    limits = httpx.Limits(max_connections=connections)
    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=_tls(), limits=limits),
        timeout=httpx.Timeout(FILE_TIMEOUT, connect=CONNECT_TIMEOUT),
    )


def _request(connections: int) -> HTTPXRequest:
    limits = httpx.Limits(max_connections=connections)
    return HTTPXRequest(
        connection_pool_size=connections,
        read_timeout=READ_TIMEOUT,
        write_timeout=READ_TIMEOUT,
        connect_timeout=CONNECT_TIMEOUT,
        pool_timeout=READ_TIMEOUT,
        httpx_kwargs={"transport": AiohttpTransport(verify=_tls(), limits=limits)},
    )
