"""Downloads: http and https, from public addresses, bounded in size and time.

A link in an answer may be anybody's. So the address is looked up once, judged, and that very
address is connected to: a name that means something else a moment later changes nothing.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bridge.adapter import Download
from bridge.errors import Rejected, Unreachable
from bridge.events import EnclosureKind
from bridge.fetching.addresses import is_public
from bridge.fetching.content import HEAD, fits, sniffed

REDIRECTS = 5
PIECE = 64 * 1024
_MOVED = frozenset([301, 302, 303, 307, 308])

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises `OSError`."""


class Fetcher:
    """Raises `Rejected` for what is not read on principle, `Unreachable` for what could not be.

    largest: bytes. timeout: seconds for the whole file. allowed: judges an address.
    """

    def __init__(
        self,
        *,
        largest: int,
        timeout: float,
        allowed: Callable[[str], bool] = is_public,
        resolve: Resolve | None = None,
    ) -> None:
        self._largest = largest
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._allowed = allowed
        self._resolve = resolve or _resolve

    @asynccontextmanager
    async def fetch(self, url: str, kind: EnclosureKind) -> AsyncIterator[Download]:
        """Read a file that should be of a kind; nothing of one that is not is handed on."""
        async with self._session() as session:
            with closing(await self._opened(session, url)) as response:
                _check_status(response)
                size = self._size(response)
                content = self._pieces(response)
                head = await _head(content)
                mime = sniffed(head)
                if not fits(kind, mime):
                    raise Rejected(f"promised as {kind}, but it is {mime}")
                yield Download(_whole(head, content), size, mime)

    def _session(self) -> aiohttp.ClientSession:
        """One for each file: nothing of a stranger's is kept, no cookie and no connection."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Judging(self._resolve, self._allowed),
                use_dns_cache=False,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "coze-bridge"},
        )

    def _socket(self, info: Any) -> socket.socket:
        """The last door: whatever led here, no other address is connected to."""
        family, kind, protocol, _, address = info
        if not self._allowed(address[0]):
            raise Rejected(f"{address[0]} is not a public address")
        return socket.socket(family, kind, protocol)

    async def _opened(self, session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
        """Follow redirects by hand, each as careful as the first step."""
        for _ in range(REDIRECTS + 1):
            self._check(url)
            with _translated():
                response = await session.get(url, allow_redirects=False)
            if response.status not in _MOVED:
                return response
            response.close()
            url = urljoin(url, response.headers.get("Location", ""))
        raise Rejected("too many redirects")

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port  # an impossible port raises
        except ValueError as error:
            raise Rejected(f"no address: {error}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise Rejected("only http and https are read")
        if parts.username is not None or parts.password is not None:
            raise Rejected("an address with a password in it")
        if _is_literal(host) and not self._allowed(host):
            raise Rejected(f"{host} is not a public address")

    def _size(self, response: aiohttp.ClientResponse) -> int | None:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Rejected("packed, although it was asked for plain")
        size = response.content_length
        if size is not None and size > self._largest:
            raise Rejected(f"{size} bytes are too many")
        return size

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        with _translated():
            async for piece in response.content.iter_chunked(PIECE):
                size += len(piece)
                if size > self._largest:
                    raise Rejected(f"more than {self._largest} bytes")
                yield piece


class _Judging(AbstractResolver):
    """Looks a name up and hands on only the addresses that may be connected to."""

    def __init__(self, look_up: Resolve, allowed: Callable[[str], bool]) -> None:
        self._look_up = look_up
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._look_up(host, port)
        good = [address for address in found if self._allowed(address)]
        if not good:
            raise Rejected(f"{host} has no public address")
        return [_result(host, port, address) for address in good]

    async def close(self) -> None:
        """Nothing is kept."""


def _result(host: str, port: int, address: str) -> ResolveResult:
    version = ip_address(address.partition("%")[0]).version
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET if version == 4 else socket.AF_INET6,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


async def _resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status >= 500 or response.status in (408, 425, 429):
        raise Unreachable("the file's server is in trouble", code=response.status)
    if response.status != 200:
        raise Rejected("the file's server refused it", code=response.status)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise Rejected(f"no address: {error}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unreachable(str(error) or "no answer in time") from error


async def _head(content: AsyncIterator[bytes]) -> bytes:
    head = b""
    async for piece in content:
        head += piece
        if len(head) >= HEAD:
            break
    return head


async def _whole(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for piece in rest:
        yield piece
