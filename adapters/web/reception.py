"""Who asks, and what they bring: what every handler wants to know first."""

import asyncio

from aiohttp import web

from adapters.web.chats import Chats
from adapters.web.faults import Refused, unknown_chat
from adapters.web.visitors import JSON, Door, Visitor
from bridge.errors import Transient

_BODY_LIMIT = 64 * 1024  # bytes of a POST
BODY_PATIENCE = 20.0  # seconds for a POST's body to arrive; the page gives up after as many


class Reception:
    """Lets in whom the door lets in. body_patience: see `BODY_PATIENCE`."""

    def __init__(self, chats: Chats, body_patience: float = BODY_PATIENCE) -> None:
        self._chats = chats
        self._body_patience = body_patience
        self._door: Door | None = None

    def open(self, door: Door) -> None:
        """From now on ask `door`."""
        self._door = door

    def door(self, request: web.Request) -> Door:
        """Raises `Transient` before `open`, `Refused` (403) for a name that is not ours."""
        if self._door is None:
            raise Transient("not open yet")
        self._door.refuse_strange_names(request)
        return self._door

    async def resident(self, request: web.Request) -> Visitor:
        """Tell who asks about the chat in the path. Raises `Refused` (401, 404)."""
        visitor = self.door(request).identify(request)
        if visitor.chat != request.match_info["chat"]:
            raise unknown_chat()
        if not await self._chats.knows(visitor.chat):
            raise unknown_chat()
        return visitor

    async def writer(self, request: web.Request, content_type: str = JSON) -> Visitor:
        """Tell who wants to write into the chat in the path. Raises `Refused`."""
        self.door(request).refuse_other_sites(request, content_type)
        return await self.resident(request)

    async def body(self, request: web.Request) -> bytes:
        """Read the body. Raises `Refused` when it is too long (413) or takes too long (408)."""
        try:
            async with asyncio.timeout(self._body_patience):
                return await _limited_body(request)
        except TimeoutError:
            raise too_slow() from None


def too_slow() -> Refused:
    """What was promised did not come."""
    return Refused(408, "too_slow", "The message did not arrive in time.")


async def _limited_body(request: web.Request) -> bytes:
    """Read the body. Raises `Refused` (413) as soon as it is longer than allowed."""
    too_long = Refused(413, "too_long", f"The message is over {_BODY_LIMIT // 1024} KB.")
    if (request.content_length or 0) > _BODY_LIMIT:
        raise too_long
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise too_long
    return bytes(body)


def answer(body: object, status: int = 200) -> web.Response:
    """Answer in JSON that nobody keeps."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(body, status=status, headers=headers)
