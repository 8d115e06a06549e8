"""Responses that arrive piece by piece, and what may come instead of them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import TypeVar

import aiohttp
import httpx

from bridge.coze.envelope import Reply, logid_of, opened
from bridge.coze.faults import reading
from bridge.coze.sse import Frame, Frames
from bridge.errors import BridgeError, Unreachable
from bridge.upstream import Lull

T = TypeVar("T")

MAX_REFUSAL = 1024 * 1024
"""Bytes read of a body that came instead of a stream."""

_LAST_WORDS = 0.05  # seconds to read the rest of an answered stream, to keep its connection
_BLANK = b"\xef\xbb\xbf\r\n\t "
_NO_STREAM = (b"{", b"<")  # JSON, a page


class Stream:
    """One response that arrives in frames. Its owner must `aclose` it.

    silence: seconds to wait for the next piece of it.
    """

    def __init__(self, response: aiohttp.ClientResponse, silence: float) -> None:
        self._silence = silence
        self.logid = logid_of(response.headers)
        self._response = response
        self._chunks = response.content.iter_any()
        self._frames = Frames()
        self._ready: list[Frame] = []
        self._begun = False
        self._ended = False

    async def judge(self) -> None:
        """Return if this is an event stream. Raises by code, for a body that came instead.

        The body is looked at where the headers do not tell, or tell something odd.
        """
        kind = self._response.headers.get("content-type", "").lower()
        if self._response.status != 200 or "json" in kind:
            await self._refuse(b"")
        if "text/event-stream" not in kind:
            self._ready = await self.more() or []

    async def more(self) -> list[Frame] | None:
        """Return the next frames, at least one; None at the end of the stream.

        Raises `Unreachable(happened=True)` when the stream is cut, or silent for too long.
        """
        while not self._ready:
            if self._ended:
                return None
            with reading(self.logid):
                chunk = await self._heard(anext(self._chunks, None))
                if chunk is not None:
                    self._ready = self._frames.feed(chunk)
            if chunk is None:
                self._ended = True
                self._ready = self._frames.end()
            if not self._begun:
                await self._begin(chunk)
        frames, self._ready = self._ready, []
        return frames

    async def lull(self, lull: Lull) -> None:
        """Let more arrive before it is read; the end is noticed at once."""
        # Whatever is wrong with the stream, reading it will say.
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await lull(self._response.content.wait_eof())

    async def drain(self, seconds: float = _LAST_WORDS) -> list[Frame]:
        """Read what is left if it comes at once, so that the connection can be used again."""
        left: list[Frame] = []
        with contextlib.suppress(TimeoutError, BridgeError):
            async with asyncio.timeout(seconds):
                while frames := await self.more():
                    left += frames
        return left

    async def aclose(self) -> None:
        """Release the connection; one that is not at its end is closed."""
        self._response.release()

    async def _heard(self, something: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._silence):
                return await something
        except TimeoutError as error:
            raise TimeoutError(f"nothing was heard for {self._silence:g} s") from error

    async def _begin(self, chunk: bytes | None) -> None:
        """Look at the first bytes: some servers call a JSON body, or a page, a stream."""
        start = (chunk or b"").lstrip(_BLANK)
        if start:
            self._begun = True
            if start.startswith(_NO_STREAM):
                await self._refuse(start)

    async def _refuse(self, start: bytes) -> None:
        """Raise what the body says."""
        with reading(self.logid):
            rest = await self._heard(body_of(self._chunks, MAX_REFUSAL))
        response = self._response
        opened(Reply(response.status, response.headers, start + rest))
        raise Unreachable("accepted, but not streamed", logid=self.logid, happened=True)


class Sound:
    """One response that is a file, as it arrives. Its owner must `aclose` it."""

    def __init__(self, response: httpx.Response) -> None:
        self.logid = logid_of(response.headers)
        self._response = response
        self._chunks = response.aiter_bytes()
        self._first = b""

    async def judge(self) -> None:
        """Return if this is a file. Raises by code, for a body that came instead."""
        response = self._response
        kind = response.headers.get("content-type", "").lower()
        with reading(self.logid):
            while not self._first and (chunk := await anext(self._chunks, None)) is not None:
                self._first = chunk
        # JSON may come under any name; no format of sound begins with a brace.
        starts_odd = not self._first or self._first.lstrip(_BLANK).startswith(_NO_STREAM)
        if response.status_code != 200 or "json" in kind or starts_odd:
            with reading(self.logid):
                rest = await body_of(self._chunks, MAX_REFUSAL)
            opened(Reply(response.status_code, response.headers, self._first + rest))
            raise Unreachable("accepted, but nothing was sent", logid=self.logid, happened=True)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Read the file to its end. Raises `Unreachable` when it is cut, or silent too long."""
        yield self._first
        with reading(self.logid):
            async for chunk in self._chunks:
                yield chunk

    async def aclose(self) -> None:
        """Release the connection; one that is not at its end is closed."""
        with contextlib.suppress(Unreachable), reading(self.logid):
            await self._response.aclose()


async def body_of(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """Read up to `limit` bytes; what is longer is cut, and so no JSON any more."""
    parts: list[bytes] = []
    room = limit
    async for chunk in chunks:
        parts.append(chunk[:room])
        room -= len(chunk)
        if room < 0:
            break
    return b"".join(parts)
