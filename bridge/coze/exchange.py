"""One call to any endpoint, known to the client or not: for the operator's `api` command."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

import httpx

from bridge.coze.arriving import body_of
from bridge.coze.auth import Credentials
from bridge.coze.envelope import Reply, logid_of, opened
from bridge.coze.faults import calling, reading
from bridge.coze.sse import Frame, Frames
from bridge.coze.transport import MAX_REPLY, ClientSettings, address, pool
from bridge.errors import BridgeError, Unauthorised

_Part: TypeAlias = tuple[str, tuple[str | None, str | IO[bytes]]]
_NOT_JSON = ("text/event-stream", "audio/", "image/", "video/", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to send in a form, under its own name."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Ask:
    """What to send. texts and files make a form; else `body` is JSON, or None for no body."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, object] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Attachment] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Live:
    """An answer that is not JSON: a stream of events, or bytes such as speech.

    kind: its content type. Read it while the exchange is open. Reading raises `Unreachable`.
    """

    status: int
    kind: str
    logid: str | None
    chunks: AsyncIterator[bytes]

    @property
    def is_stream(self) -> bool:
        """Tell whether these are events."""
        return self.kind.startswith("text/event-stream")

    async def frames(self) -> AsyncIterator[Frame]:
        """Read the events as they arrive."""
        frames = Frames()
        async for chunk in self.bytes():
            for frame in frames.feed(chunk):
                yield frame
        for frame in frames.end():
            yield frame

    async def bytes(self) -> AsyncIterator[bytes]:
        """Read the body as it arrives."""
        with reading(self.logid):
            async for chunk in self.chunks:
                yield chunk


class Exchange:
    """Sends calls one at a time. Nothing is repeated, except after a refused token.

    Close it when it is done. `tokens` are those it has sent, which nobody may read.
    """

    def __init__(self, base_url: str, credentials: Credentials, settings: ClientSettings) -> None:
        """Open nothing yet. Raises `Misconfigured` for a base_url that is no http address."""
        self.tokens: list[str] = []
        self._credentials = credentials
        self._http = pool(address(base_url), settings, 1)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    @asynccontextmanager
    async def send(self, ask: Ask) -> AsyncIterator[Reply | Live]:
        """Send, and give the answer, whatever it says.

        Raises `Unreachable`, and what the credentials raise.
        """
        token = await self._credentials.token()
        async with AsyncExitStack() as stack:
            answer = await self._once(ask, token, stack)
            if _refuses_token(answer) and await self._credentials.refused(token):
                await stack.aclose()
                answer = await self._once(ask, await self._credentials.token(), stack)
            yield answer

    async def _once(self, ask: Ask, token: str, stack: AsyncExitStack) -> Reply | Live:
        self.tokens.append(token)
        request = self._request(ask, token, stack)
        with calling():
            response = await self._http.send(request, stream=True)
        stack.push_async_callback(_closed, response)
        kind = response.headers.get("content-type", "").lower()
        logid = logid_of(response.headers)
        if response.status_code < 400 and kind.startswith(_NOT_JSON):
            return Live(response.status_code, kind, logid, response.aiter_bytes())
        with reading(logid):
            body = await body_of(response.aiter_bytes(), MAX_REPLY)
        return Reply(response.status_code, response.headers, body)

    def _request(self, ask: Ask, token: str, stack: AsyncExitStack) -> httpx.Request:
        headers = {
            "accept-encoding": "identity",  # a compressor holds a stream back
            **ask.headers,
            "authorization": f"Bearer {token}",
        }
        build = partial(
            self._http.build_request,
            ask.method,
            ask.path,
            params=httpx.QueryParams(list(ask.query)),
            headers=headers,
        )
        if not ask.files and not ask.texts:
            return build(json=ask.body)
        texts: list[_Part] = [(name, (None, text)) for name, text in ask.texts.items()]
        files: list[_Part] = [
            (each.name, (each.path.name, stack.enter_context(each.path.open("rb"))))
            for each in ask.files
        ]
        return build(files=texts + files)


async def _closed(response: httpx.Response) -> None:
    with contextlib.suppress(BridgeError), reading(None):
        await response.aclose()


def _refuses_token(answer: Reply | Live) -> bool:
    if isinstance(answer, Live):
        return False
    try:
        opened(answer)
    except Unauthorised:
        return True
    except BridgeError:
        return False
    return False
