"""An HTTP request of the agent's, to hosts that the operator has named and to no other.

The answer is read up to a size, never decompressed, and taken for text or refused. A redirect is
followed only where a request would have been allowed in the first place.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from bridge.tools.tool import ToolFailure

_SAFE = frozenset({"GET", "HEAD"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_TEXTS = ("text/", "application/json", "application/xml", "application/x-www-form-urlencoded")
_TEXT_ENDINGS = ("+json", "+xml")


@dataclass(frozen=True)
class WebRequest:
    """hosts: names, or `name:port` for another port than the scheme's own.

    methods: in capitals. max_bytes: of an answer; what is longer is cut.
    """

    hosts: Sequence[str]
    methods: Sequence[str]
    max_bytes: int

    @property
    def is_repeatable(self) -> bool:
        """Nothing changes by any request that is allowed."""
        return _SAFE.issuperset(self.methods)

    async def http_request(
        self, url: str, method: str = "GET", body: str = "", content_type: str = "application/json"
    ) -> dict[str, object]:
        """Send a request, and tell the status and the text of what came back."""
        verb = method.strip().upper()
        if verb not in self.methods:
            raise ToolFailure(f"{verb} is not allowed; allowed are {', '.join(self.methods)}")
        what: dict[str, Any] = {}
        if body:
            what = {"data": body.encode(), "headers": {"content-type": content_type}}
        try:
            async with _session() as http:
                return await self._fetched(http, verb, self._allowed(_read(url)), what)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ToolFailure(f"the request failed: {type(error).__name__}") from error

    async def _fetched(
        self, http: aiohttp.ClientSession, verb: str, url: URL, what: dict[str, Any]
    ) -> dict[str, object]:
        for _ in range(_MOST_REDIRECTS + 1):
            async with http.request(verb, url, allow_redirects=False, **what) as response:
                onward = response.headers.get("location")
                if verb not in _SAFE or response.status not in _REDIRECTS or not onward:
                    return await self._told(response)
                url = self._allowed(_onward(url, onward))
        raise ToolFailure(f"more than {_MOST_REDIRECTS} redirects")

    def _allowed(self, url: URL) -> URL:
        """Return the address if its host was named. One object is judged and requested."""
        if url.user is not None or url.password is not None:
            raise ToolFailure("an address with a user name is not allowed")
        default = {"http": 80, "https": 443}.get(url.scheme)
        if default is None or not url.raw_host:
            raise ToolFailure("the address must start with https:// or http://")
        host = url.raw_host.lower()
        named = {place.lower() for place in self.hosts}
        if f"{host}:{url.port}" in named or (host in named and url.port == default):
            return url
        raise ToolFailure(f"{host}:{url.port} is not allowed; allowed are {', '.join(self.hosts)}")

    async def _told(self, response: aiohttp.ClientResponse) -> dict[str, object]:
        told: dict[str, object] = {"status": response.status, "content_type": response.content_type}
        content, is_cut = await self._content(response)
        if not content:
            return told
        if response.headers.get("content-encoding", "identity") != "identity":
            return {**told, "note": "the answer is compressed, though that was not asked for"}
        if not _is_text(response.content_type):
            return {**told, "note": "the answer is no text"}
        body = content.decode(_charset(response), "replace")
        return {**told, "body": body, **({"note": "the rest was cut off"} if is_cut else {})}

    async def _content(self, response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self.max_bytes:
                return bytes(content[: self.max_bytes]), True
        return bytes(content), False


def _session() -> aiohttp.ClientSession:
    """One for each request: no cookie, connection or proxy is shared with another.

    No timeout of its own: the tool has one.
    """
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"accept-encoding": "identity", "user-agent": "coze-bridge"},
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )


def _read(url: str) -> URL:
    try:
        return URL(url.strip())
    except ValueError as error:
        raise ToolFailure("this is not an address") from error


def _onward(url: URL, onward: str) -> URL:
    """Where a redirect leads; never from https to http, for somebody may have put it there."""
    target = url.join(_read(onward))
    if url.scheme == "https" and target.scheme != "https":
        raise ToolFailure("a redirect leads from https to http")
    return target


def _is_text(kind: str) -> bool:
    return kind.startswith(_TEXTS) or kind.endswith(_TEXT_ENDINGS)


def _charset(response: aiohttp.ClientResponse) -> str:
    """What it says it is written in; UTF-8 for a name that nobody knows."""
    try:
        return codecs.lookup(response.charset or "utf-8").name
    except LookupError:
        return "utf-8"
