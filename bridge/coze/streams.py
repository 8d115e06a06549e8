"""Connections on which answers arrive, on aiohttp itself.

httpx passes each chunk through five generators, cannot tell that a response has ended before it is
read, and takes twice the time for a request. Small calls and files stay there, for they are few.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping

import aiohttp
import httpx

from bridge.proxies import proxy_to


class Streams:
    """At most `most` requests at once, each answered by a stream.

    Times are seconds. wait: for a free connection. connect: for a new one. silence: until the
    next piece of an answer.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something of a connection
        self,
        base: httpx.URL,
        tls: ssl.SSLContext,
        *,
        most: int,
        wait: float,
        connect: float,
        silence: float,
        keep_alive: float,
    ) -> None:
        self._base = str(base).rstrip("/")
        self._tls = tls
        self._most = most
        self._keep_alive = keep_alive
        # Silence is measured by whoever reads, for aiohttp would set a timer anew for each chunk.
        self._timeout = aiohttp.ClientTimeout(connect=wait, sock_connect=connect)
        self._wait, self._silence = wait, silence
        self._session: aiohttp.ClientSession | None = None  # it belongs to the loop that is running

    async def post(
        self, path: str, query: Mapping[str, str], body: object, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Send JSON, and return once the answer's head is there. The caller closes it."""
        if self._session is None:
            self._session = self._open()
        async with asyncio.timeout(self._wait + self._silence):
            return await self._session.post(
                f"{self._base}{path}",
                params=query,
                data=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
                headers={"content-type": "application/json", **headers},
                allow_redirects=False,
            )

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._most, ssl=self._tls, keepalive_timeout=self._keep_alive
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": "coze-bridge"},
            timeout=self._timeout,
            proxy=proxy_to(self._base),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
