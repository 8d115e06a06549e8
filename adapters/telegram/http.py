"""The Bot API over aiohttp: python-telegram-bot has a place for another HTTP client.

Its own is httpx, whose pool looks at every connection for every request: 1.2 to 3.1 ms of CPU for
a small POST. On aiohttp's transport its objects, and a form that is quoted byte by byte, were still
0.3 ms of the 0.9 that an edit took. Here it is JSON; `python -m bench.edit` tells what is left.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import aiohttp
import httpx
from aiohttp import ClientTimeout
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
        """Raises like `exchange`. What is written has no time of its own."""
        patience = _patience(read_timeout, connect_timeout, pool_timeout)
        asked = None if request_data is None else request_data.parameters
        return await self.exchange(method, url, asked, patience)

    async def exchange(
        self, method: str, url: str, asked: Mapping[str, object] | None, patience: ClientTimeout
    ) -> tuple[int, bytes]:
        """Send parameters as JSON. Returns the status and the body of the answer.

        Raises `TimedOut`, `NetworkError`.
        """
        body = None if asked is None else json.dumps(asked).encode()
        with _as_telegram_errors():
            # A redirect would carry the token to somebody else.
            async with self._opened().request(
                method, url, data=body, headers=_HEADERS, timeout=patience, allow_redirects=False
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


class Call(BaseRequest):
    """One call, whose parameters are JSON already; the library reads the answer and its errors.

    read_timeout: seconds it may take until there is an answer.
    """

    def __init__(
        self, requests: Requests, asked: Mapping[str, object], *, read_timeout: float
    ) -> None:
        self._requests = requests
        self._asked = asked
        self._read_timeout = read_timeout

    @property
    def read_timeout(self) -> float:
        return self._read_timeout

    async def initialize(self) -> None:
        """There is nothing to acquire."""

    async def shutdown(self) -> None:
        """There is nothing to release."""

    async def do_request(
        self, url: str, method: str, *_: object, **__: object
    ) -> tuple[int, bytes]:
        patience = _patience(self._read_timeout)
        return await self._requests.exchange(method, url, self._asked, patience)


def _patience(
    read: object, connect: object = CONNECT_TIMEOUT, free: object = _FREE_WITHIN
) -> ClientTimeout:
    """How long to wait for the answer, the connection, and one that is free; see `DEFAULT_NONE`."""
    return ClientTimeout(
        sock_read=_seconds(read, READ_TIMEOUT),
        sock_connect=_seconds(connect, CONNECT_TIMEOUT),
        connect=_seconds(free, _FREE_WITHIN),
    )


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
