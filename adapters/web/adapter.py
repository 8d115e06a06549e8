"""The chat page: an adapter that is its own platform.

HTTP, below `/web/<account>` (and the page at `/` for the first web account):

    POST /session                       {"token"?}                -> {"chat", "title"} and a cookie
    POST /chats/<chat>/messages         {"id", "text", "name"?, "language"?, "timezone"?,
                                         "files"?: ids, "place"?: {"latitude", "longitude"},
                                         "edits"?: the id of the message that gets these words}
                                                                  -> 202 {"id"} once committed
    POST /chats/<chat>/files?name=N&mime=M&kind=voice  the bytes, as application/octet-stream
                                                                  -> 201 {"id", "name", "size"}
    GET  /chats/<chat>/files/<id>                                 -> the bytes
    POST /chats/<chat>/ratings          {"id", "about", "rating": like | dislike | none, "reason"?}
                                                                  -> 202 {"id"}
    GET  /chats/<chat>/messages?before=ID&limit=N                 -> {"entries", "more"}
    GET  /chats/<chat>/events           server-sent events, below

A program does without cookies: `X-Visitor: <16 to 128 letters, digits, - or _>`, chosen once and
kept secret, and `Authorization: Bearer <token>` where the page needs one. It opens its chat with
`POST /session` like everybody else. Refusals are `{"error": {"code", "message"}}`.

Events: `snapshot` {"entries", "more", "typing": seconds} comes first. `upsert` is one message:
{"id"?, "key"?, "author", "at", "final", "buttons"?, "client"?, "files"?, "rates"?, "rating"?} with
"text", or with "keep" and "append": keep so many UTF-16 units of what you have, then append. A
message that is still being committed has a "key" and no "id"; the same key comes again with the
id. "withdrawn" takes it away. A message that "rates" may be rated; a file with a "mime" may be
shown. `typing` {"seconds"}. `beat` {} comes each 15 s, so that a dead line is noticed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, time
from urllib.parse import quote

from aiohttp import web

from adapters.web.chats import Chats
from adapters.web.desk import entry_file
from adapters.web.endpoints import Endpoints
from adapters.web.live import Item
from adapters.web.markup import markdown
from adapters.web.settings import WebSettings
from adapters.web.shelf import MB, Kept, Shelf, pieces
from adapters.web.visitors import Door
from bridge.adapter import Capabilities, Download, Outgoing, Sink
from bridge.errors import Gone, Transient
from bridge.events import Attachment, ChatRef, EnclosureKind, MessageRef, Page
from bridge.lent import Entry, Host
from bridge.logs import get

_CAPS = Capabilities(max_text=32_000, edit_interval=0.08, edit_interval_group=0.08, buttons=12)
# With several replicas each text that is shown is stored, for the readers of the others.
_CAPS_OF_SEVERAL = replace(_CAPS, edit_interval=0.4, edit_interval_group=0.4)

log = get(__name__)

_TIDYING = 600.0  # seconds between two looks for files that are to go
_SOUNDS = frozenset([EnclosureKind.VOICE, EnclosureKind.AUDIO])
_MOST_TOLD = 10_000  # changes of other replicas that wait to be shown


class WebAdapter:
    """One chat page on the built-in server, with the transcript as its memory."""

    def __init__(self, account: str, settings: WebSettings, host: Host) -> None:
        self._account = account
        self._settings = settings
        self._host = host
        self._token: str | None = None
        self._chats = Chats(host.transcript, host.news)
        self._shelf = Shelf(
            Path(settings.files) / account if settings.files else host.folder,
            largest=settings.file_limit * MB,
            room=settings.room * MB,
        )
        self._endpoints = Endpoints(
            account, settings.title, self._chats, self._shelf, edit_window=host.edit_window
        )
        self._told: asyncio.Queue[tuple[str, int]] = asyncio.Queue(_MOST_TOLD)
        host.news.listen(self._hear)

    @property
    def caps(self) -> Capabilities:
        """The page repaints as fast as a reader can follow."""
        caps = _CAPS_OF_SEVERAL if self._host.news.spreads else _CAPS
        return replace(caps, max_download=self._shelf.largest)

    async def open(self) -> None:
        """Learn the token and read the page's files."""
        if self._settings.access == "token":
            configured = self._settings.token
            given = configured.get_secret_value() if configured is not None else ""
            self._token = given or await self._host.secret("token")
        self._endpoints.open(Door(self._account, self._token, self._host.public_url))

    async def close(self) -> None:
        """Release nothing but the event streams, if the server did not end them."""
        self.hang_up()

    def hang_up(self) -> None:
        """End every event stream; the pages reconnect when the daemon is back."""
        self._chats.hang_up()

    def login_url(self, base: str) -> str:
        """Return a link that signs in whoever opens it, once `open` has returned.

        base: the server's address. The token stands in the fragment, which browsers keep to
        themselves: it is in no request and no access log.
        """
        # "/" is the page of the account mounted first, so only its usual name is sent there.
        path = "/" if self._account == "web" else f"/web/{quote(self._account)}/"
        page = base.rstrip("/") + path
        return page if self._token is None else f"{page}#token={quote(self._token, safe='')}"

    def routes(self) -> list[web.RouteDef]:
        """Return what the built-in server serves for this account."""
        return self._endpoints.routes()

    async def run(self, sink: Sink) -> None:
        """Accept messages until cancelled. The routes answer 503 at other times."""
        self._endpoints.desk.sink = sink
        tidying = asyncio.create_task(self._tidy())
        try:
            while True:
                await self._chats.refresh(*await self._told.get())
        finally:
            self._endpoints.desk.sink = None
            tidying.cancel()
            await asyncio.wait([tidying])

    async def _tidy(self) -> None:
        """Keep the files in bounds; a failure is no reason to stop answering."""
        while True:
            try:
                await self._shelf.tidy(self._chats.transcript.files)
            except Transient as error:
                log.warning("files.not_tidied", account=self._account, error=str(error))
            await asyncio.sleep(_TIDYING)

    def _hear(self, text: str) -> None:
        """Another replica has changed a message; a page that misses one reads it all anew."""
        entry_id, _, chat = text.partition(" ")
        if entry_id.isdecimal() and not self._told.full():
            self._told.put_nowait((chat, int(entry_id)))

    def trouble(self) -> str | None:
        """Nothing can go quiet here: the routes work while `run` does."""
        return None if self._endpoints.desk.sink is not None else "not accepting messages"

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        """Show the page at once and return when it is stored; a repeated key changes it."""
        return await self._post(chat, _item(page), key)

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        """Keep a file of ours, and show it: a picture, something to play, or a link to save it.

        Raises `Rejected` where there is no room for it.
        """
        await self._chats.must_know(chat.chat)
        enclosure = file.enclosure
        digest = hashlib.sha256(f"{self._account}/{key}".encode()).hexdigest()
        like = Kept(digest[:32], enclosure.name, 0, said=enclosure.kind.value)
        async with file.open() as download:
            like = replace(like, size=download.size or 0)
            sounds = enclosure.kind in _SOUNDS
            kept = await self._shelf.put(chat.chat, download.content, like=like, sounds=sounds)
        item = Item("bot", file.caption, time(), files=(entry_file(kept),))
        return await self._post(chat, item, key)

    @asynccontextmanager
    async def fetch(self, chat: ChatRef, attachment: Attachment) -> AsyncIterator[Download]:
        """Read what a visitor sent."""
        kept, path = await self._shelf.place(chat.chat, attachment.ref)
        yield Download(pieces(path), kept.size, kept.said)

    async def _post(self, chat: ChatRef, item: Item, key: str) -> MessageRef:
        live = self._chats.live(chat.chat)
        live.begin(item)
        try:
            await self._chats.must_know(chat.chat)
            entry = await self._keep(chat.chat, item, key)
        except BaseException:
            live.withdraw(item)
            raise
        else:
            live.settle(item, entry)
        finally:
            self._chats.tidy(chat.chat)
        await self._chats.tell(chat.chat, entry.id)
        return MessageRef(chat, str(entry.id))

    async def _keep(self, chat: str, item: Item, key: str) -> Entry:
        return await self._chats.transcript.append(
            chat,
            "bot",
            item.text,
            key=f"bot:{key}",
            buttons=item.buttons,
            final=item.final,
            files=item.files,
            rates=item.rates,
        )

    async def edit(self, message: MessageRef, page: Page) -> None:
        """Show the page at once; only a final one is stored, unless there are other replicas."""
        chat, entry_id = message.chat.chat, _entry_id(message)
        item = await self._chats.take_up(chat, entry_id)
        live, now = self._chats.live(chat), _item(page)
        live.update(item, now)
        if not page.final and not self._host.news.spreads:
            return
        try:
            entry = await self._chats.transcript.revise(
                entry_id, now.text, buttons=now.buttons, final=now.final, rates=now.rates
            )
            live.settle(item, entry)
        finally:
            self._chats.tidy(chat)
        await self._chats.tell(chat, entry_id)

    async def typing(self, chat: ChatRef) -> None:
        """Show the sign for a few seconds to whoever is reading."""
        live = self._chats.seen(chat.chat)
        if live is not None:
            live.push_typing(monotonic())


def _item(page: Page) -> Item:
    """The page as the readers see it."""
    return Item(
        "bot",
        markdown(page),
        time(),
        buttons=page.buttons,
        final=page.final,
        rates=page.rates,
    )


def _entry_id(message: MessageRef) -> int:
    """Read our own reference. Raises `Gone` for one this adapter never gave."""
    if not (message.id.isascii() and message.id.isdecimal()):
        raise Gone("no such message")
    return int(message.id)
