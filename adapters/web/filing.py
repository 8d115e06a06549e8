"""Files over HTTP: written to the shelf as they come, and handed out where they can do no harm."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import web

from adapters.web import normalise
from adapters.web.faults import Refused, bad_request
from adapters.web.reception import Reception, answer, too_slow
from adapters.web.shelf import MB, Full, Kept, Shelf, TooLarge
from bridge.errors import Gone

BYTES = "application/octet-stream"
_PATIENCE = 30.0  # seconds without a byte of an upload
_AT_ONCE = 4  # uploads of one visitor

# A file is looked at alone, if at all, and may reach for nothing.
_FENCES = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=86400",
}


class Filing:
    """Takes files in for a message that is still to come, and gives them out again."""

    def __init__(self, reception: Reception, shelf: Shelf) -> None:
        self._reception = reception
        self._shelf = shelf
        self._coming: dict[str, int] = {}

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Write an upload to the shelf, byte by byte as it comes."""
        visitor = await self._reception.writer(request, BYTES)
        like = normalise.upload(request.query, request.content_length)
        if self._coming.get(visitor.chat, 0) >= _AT_ONCE:
            raise Refused(429, "too_many", "One after the other: other files are still coming.")
        self._coming[visitor.chat] = self._coming.get(visitor.chat, 0) + 1
        try:
            kept = await self._put(visitor.chat, request, like)
        finally:
            self._coming[visitor.chat] -= 1
            if not self._coming[visitor.chat]:
                del self._coming[visitor.chat]
        return answer(facts(kept), status=201)

    async def hand_out(self, request: web.Request) -> web.StreamResponse:
        """Send a file to whom it belongs: shown if it is harmless, else to be saved."""
        visitor = await self._reception.resident(request)
        try:
            kept, path = await self._shelf.place(visitor.chat, request.match_info["file"])
        except Gone:
            raise Refused(404, "unknown_file", "This file is no longer here.") from None
        return web.FileResponse(path, chunk_size=256 * 1024, headers=_headers(kept))

    async def _put(self, chat: str, request: web.Request, like: Kept) -> Kept:
        largest = self._shelf.largest // MB
        try:
            kept = await self._shelf.put(
                chat, _arriving(request), like=like, sounds=like.said.startswith("audio/")
            )
        except TooLarge:
            raise Refused(413, "too_large", f"The file is over {largest} MB.") from None
        except Full:
            text = "There is no room for more files now; try again in an hour."
            raise Refused(507, "full", text) from None
        if not kept.size:
            raise bad_request("The file is empty.")
        return kept


async def _arriving(request: web.Request) -> AsyncIterator[bytes]:
    """Read a body. Raises `Refused` (408) where it stops coming."""
    reading = request.content.iter_any()
    while True:
        try:
            async with asyncio.timeout(_PATIENCE):
                piece = await anext(reading, b"")
        except TimeoutError:
            raise too_slow() from None
        if not piece:
            return
        yield piece


def facts(kept: Kept) -> dict[str, object]:
    """What the page is told of a file."""
    return {"id": kept.id, "name": kept.name, "size": kept.size, "mime": kept.shows}


def _headers(kept: Kept) -> dict[str, str]:
    way = "inline" if kept.shows else "attachment"
    return {
        **_FENCES,
        "Content-Type": kept.shows or BYTES,
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(kept.name, safe='')}",
    }
