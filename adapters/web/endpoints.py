"""The routes of one account. What they say to the page is in `adapter.py`'s docstring."""

import asyncio
from time import monotonic
from urllib.parse import quote

from aiohttp import web

from adapters.web import assets, normalise
from adapters.web.chats import Chats
from adapters.web.faults import Refused, answering, bad_request, unknown_chat
from adapters.web.live import Subscriber, from_entry, sse, whole
from adapters.web.visitors import Door, Visitor
from bridge.adapter import Sink
from bridge.errors import Transient

_BODY_LIMIT = 64 * 1024  # bytes of a POST
_BODY_PATIENCE = 20.0  # seconds for a POST's body to arrive; the page gives up after as many
_PAGE = 100  # messages in a snapshot, and the most in a listing
_BEAT = 15.0  # seconds
_GLANCE = 1.0  # seconds between two looks whether a quiet reader is still there
_STUCK = 30.0  # seconds a reader may take nothing before it counts as gone
_BUFFER = 16 * 1024  # bytes under way to a reader before its frames are conflated


class Endpoints:
    """Handlers for the page and what it calls.

    sink: where messages go while the adapter runs; None answers 503.
    body_patience: see `_BODY_PATIENCE`.
    """

    def __init__(
        self, account: str, title: str, chats: Chats, *, body_patience: float = _BODY_PATIENCE
    ) -> None:
        self._account = account
        self._title = title
        self._chats = chats
        self._body_patience = body_patience
        self._gate: Door | None = None
        self._assets: dict[str, assets.Asset] = {}
        self.sink: Sink | None = None

    def open(self, door: Door) -> None:
        """Read the page's files, and from now on let in whom `door` lets in."""
        self._gate = door
        self._assets = assets.load()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of this account.

        aiohttp serves the first match, so `/` is the page of the account mounted first.
        """
        base = f"/web/{quote(self._account)}"
        return [
            web.get("/", self._front_page),
            web.get(base, self._to_page),
            web.get(f"{base}/", self._page),
            web.get(f"{base}/page/{{name:.+}}", self._asset),
            web.post(f"{base}/session", answering(self._open_session)),
            web.post(f"{base}/chats/{{chat}}/messages", answering(self._receive)),
            web.get(f"{base}/chats/{{chat}}/messages", answering(self._list)),
            web.get(f"{base}/chats/{{chat}}/events", answering(self._stream)),
        ]

    # The page

    async def _front_page(self, request: web.Request) -> web.StreamResponse:
        return self._index(request, f"web/{quote(self._account)}/")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return self._index(request, "")

    async def _to_page(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"{quote(self._account)}/")

    def _index(self, request: web.Request, base: str) -> web.Response:
        page = assets.index(self._assets, base=base, title=self._title)
        return page.response(request)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        found = self._assets.get(request.match_info["name"])
        if found is None or found is self._assets["index.html"]:
            raise web.HTTPNotFound
        return found.response(request)

    # What the page calls

    async def _open_session(self, request: web.Request) -> web.StreamResponse:
        door = self._open_door(request)
        door.refuse_other_sites(request)
        fields = normalise.json_object(await self._body(request))
        visitor = door.admit(request, normalise.text_of(fields, "token", ""))
        await self._chats.transcript.open_chat(visitor.chat)
        answer = _json({"chat": visitor.chat, "title": self._title})
        door.remember(request, answer, visitor)
        return answer

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        """Take a message: into the transcript, into the sink, and only then say yes."""
        self._open_door(request).refuse_other_sites(request)
        visitor = await self._resident(request)
        message = normalise.posted(await self._body(request))
        sink = self.sink
        if sink is None:
            raise Transient("not accepting messages")
        # the prefix keeps a visitor's ids apart from other visitors' and from the bridge's keys
        key = f"user:{visitor.chat}:{message.id}"
        entry = await self._chats.transcript.append(visitor.chat, "user", message.text, key=key)
        await sink(normalise.inbound(self._account, message, entry))
        self._chats.live(visitor.chat).heard(entry, message.id)
        await self._chats.tell(visitor.chat, entry.id)
        self._chats.tidy(visitor.chat)
        return _json({"id": entry.id}, status=202)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        visitor = await self._resident(request)
        before, limit = _number(request, "before"), _number(request, "limit") or 50
        entries, more = await self._chats.newest(visitor.chat, min(limit, _PAGE), before)
        return _json({"entries": [whole(from_entry(entry)) for entry in entries], "more": more})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        visitor = await self._resident(request)
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "X-Content-Type-Options": "nosniff",
            }
        )
        live = self._chats.live(visitor.chat)
        reader = live.join()
        try:
            # Read after joining: what changes meanwhile is marked, and so not missed.
            entries, more = await self._chats.newest(visitor.chat, _PAGE)
            snapshot = live.snapshot(reader, entries, more=more, now=monotonic())
            await response.prepare(request)
            await _feed(request, response, reader, snapshot)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()  # the reader left; its page comes back by itself
        finally:
            live.leave(reader)
            self._chats.tidy(visitor.chat)
        return response

    async def _body(self, request: web.Request) -> bytes:
        """Read the body. Raises `Refused` when it is too long (413) or takes too long (408)."""
        try:
            async with asyncio.timeout(self._body_patience):
                return await _limited_body(request)
        except TimeoutError:
            raise Refused(408, "too_slow", "The message did not arrive in time.") from None

    # Who asks

    def _open_door(self, request: web.Request) -> Door:
        if self._gate is None:
            raise Transient("not open yet")
        self._gate.refuse_strange_names(request)
        return self._gate

    async def _resident(self, request: web.Request) -> Visitor:
        """Tell who asks about the chat in the path. Raises `Refused` (401, 404)."""
        visitor = self._open_door(request).identify(request)
        if visitor.chat != request.match_info["chat"]:
            raise unknown_chat()
        if not await self._chats.knows(visitor.chat):
            raise unknown_chat()
        return visitor


async def _feed(
    request: web.Request, response: web.StreamResponse, reader: Subscriber, first: bytes
) -> None:
    """Write frames until the reader leaves or the adapter closes.

    Raises `ConnectionError` when the reader left, `TimeoutError` when it takes nothing more.
    """
    if request.transport is not None:
        request.transport.set_write_buffer_limits(high=_BUFFER)
    frame, written = first, monotonic()
    while not reader.over:
        if not frame and monotonic() - written >= _BEAT:
            frame = sse("beat", {})
        if frame:
            async with asyncio.timeout(_STUCK):
                await response.write(frame)
                await request.writer.drain()
            written = monotonic()
        frame = await reader.frames(_GLANCE)
        if request.transport is None:  # aiohttp tells a handler in no other way
            raise ConnectionResetError


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


def _number(request: web.Request, name: str) -> int | None:
    """Read a positive number from the query. Raises `Refused` (400)."""
    value = request.query.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 19 and int(value) > 0):
        raise bad_request(f"{name} must be a positive number.")
    return int(value)


def _json(body: object, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(body, status=status, headers=headers)
