"""The routes of one account. What they say to the page is in `adapter.py`'s docstring."""

import asyncio
from time import monotonic
from urllib.parse import quote

from aiohttp import web

from adapters.web import assets, normalise
from adapters.web.chats import Chats
from adapters.web.desk import Desk
from adapters.web.faults import answering, bad_request
from adapters.web.filing import Filing
from adapters.web.live import Subscriber, from_entry, sse, whole
from adapters.web.reception import BODY_PATIENCE, Reception, answer
from adapters.web.shelf import MB, Shelf
from adapters.web.visitors import Door
from bridge.web.assets import Asset

_PAGE = 100  # messages in a snapshot, and the most in a listing
_BEAT = 15.0  # seconds
_GLANCE = 1.0  # seconds between two looks whether a quiet reader is still there
_STUCK = 30.0  # seconds a reader may take nothing before it counts as gone
_BUFFER = 16 * 1024  # bytes under way to a reader before its frames are conflated


class Endpoints:
    """Handlers for the page and what it calls.

    edit_window: see `Host`. body_patience: see `BODY_PATIENCE`.
    """

    def __init__(
        self,
        account: str,
        title: str,
        chats: Chats,
        shelf: Shelf,
        *,
        edit_window: float = 0.0,
        body_patience: float = BODY_PATIENCE,
    ) -> None:
        self._account = account
        self._title = title
        self._chats = chats
        self._shelf = shelf
        self._edit_window = edit_window
        self._reception = Reception(chats, body_patience)
        self._filing = Filing(self._reception, shelf)
        self._assets: dict[str, Asset] = {}
        self.desk = Desk(account, chats, self._reception, shelf, edit_window)

    def open(self, door: Door) -> None:
        """Read the page's files, and from now on let in whom `door` lets in."""
        self._reception.open(door)
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
            web.post(f"{base}/chats/{{chat}}/messages", answering(self.desk.receive)),
            web.post(f"{base}/chats/{{chat}}/ratings", answering(self.desk.rate)),
            web.post(f"{base}/chats/{{chat}}/files", answering(self._filing.take)),
            web.get(f"{base}/chats/{{chat}}/files/{{file}}", answering(self._filing.hand_out)),
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
        door = self._reception.door(request)
        door.refuse_other_sites(request)
        fields = normalise.json_object(await self._reception.body(request))
        visitor = door.admit(request, normalise.text_of(fields, "token", ""))
        await self._chats.transcript.open_chat(visitor.chat)
        response = answer(self._facts(visitor.chat))
        door.remember(request, response, visitor)
        return response

    def _facts(self, chat: str) -> dict[str, object]:
        """What the page needs to know of the chat and of this place."""
        return {
            "chat": chat,
            "title": self._title,
            "largest": self._shelf.largest // MB,
            "edits": self._edit_window,
        }

    async def _list(self, request: web.Request) -> web.StreamResponse:
        visitor = await self._reception.resident(request)
        before, limit = _number(request, "before"), _number(request, "limit") or 50
        entries, more = await self._chats.newest(visitor.chat, min(limit, _PAGE), before)
        return answer({"entries": [whole(from_entry(entry)) for entry in entries], "more": more})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        visitor = await self._reception.resident(request)
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


def _number(request: web.Request, name: str) -> int | None:
    """Read a positive number from the query. Raises `Refused` (400)."""
    value = request.query.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 19 and int(value) > 0):
        raise bad_request(f"{name} must be a positive number.")
    return int(value)
