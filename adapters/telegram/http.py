"""The Bot API over aiohttp: python-telegram-bot has a place for another HTTP client.

Its own is httpx, whose pool looks at every connection for every request (1.2 to 3.1 ms of CPU for
a small POST), and which takes 0.2 ms for its own objects on any transport. It sends a form, whose
Chinese letters are nine bytes each; here it is JSON (measured: `bench/results.md`).
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import aiohttp
import httpx
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bridge.proxies import proxy_to

READ_TIMEOUT = 20.0  # seconds; a send that takes longer is ambiguous
CONNECT_TIMEOUT = 10.0
_FREE_WITHIN = 20.0  # seconds to wait for one of the connections
_KEPT = 5.0  # seconds for which a connection that nobody uses is kept
_HEADERS = {"Content-Type": "application/json", "User-Agent": BaseRequest.USER_AGENT}


class Requests(BaseRequest):
    """Calls to one server, on so many connections at most. Takes no files: see `uploads`.

    base_url: the server's; whether there is a proxy on the way to it, the environment says.
    """

    def __init__(self, base_url: str, connections: int) -> None:
        self._base = base_url
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return READ_TIMEOUT

    async def initialize(self) -> None:
        """Connections are made when they are needed."""

    async def shutdown(self) -> None:
        """Close every connection; it cannot be used again."""
        if self._session is not None:
            await self._session.close()

    async def do_request(  # noqa: PLR0913, PLR0917 - the library's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = BaseRequest.DEFAULT_NONE,
        write_timeout: object = BaseRequest.DEFAULT_NONE,
        connect_timeout: object = BaseRequest.DEFAULT_NONE,
        pool_timeout: object = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Raises `TimedOut`, `NetworkError`. What is written ends with the wait for an answer."""
        timeout = aiohttp.ClientTimeout(
            connect=_seconds(pool_timeout, _FREE_WITHIN),
            sock_connect=_seconds(connect_timeout, CONNECT_TIMEOUT),
            sock_read=_seconds(read_timeout, READ_TIMEOUT),
        )
        body = None if request_data is None else json.dumps(request_data.parameters).encode()
        with _as_telegram_errors():
            # A redirect would carry the token to somebody else.
            async with self._opened().request(
                method, url, data=body, headers=_HEADERS, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:  # it needs a running event loop
            connector = aiohttp.TCPConnector(
                limit=self._connections, ssl=tls(), keepalive_timeout=_KEPT
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=proxy_to(self._base),
            )
        return self._session


def _seconds(given: object, usual: float) -> float:
    return given if isinstance(given, float | int) else usual


@contextmanager
def _as_telegram_errors() -> Iterator[None]:
    """What is not translated here, the library calls a `NetworkError` with a cause."""
    try:
        yield
    except aiohttp.ServerTimeoutError as error:
        raise TimedOut from error
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
        raise NetworkError(f"{type(error).__name__}: {error}") from error


@cache
def tls() -> ssl.SSLContext:
    """One for all connections to Telegram: each would be 15 ms and 0.7 MB of certificates."""
    return httpx.create_ssl_context()
