"""The adapter of the loopback platform: what a third party would write, and no more."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
from pydantic import BaseModel, TypeAdapter

from bridge.adapter import Capabilities, Download, Outgoing, Sink
from bridge.errors import (
    BridgeError,
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unreachable,
)
from bridge.events import (
    Attachment,
    AttachmentKind,
    ChatKind,
    ChatRef,
    Inbound,
    MessageRef,
    Page,
    User,
)
from bridge.lent import Host
from bridge.testing.loopback_settings import LoopbackSettings

LONG_POLL = 20.0  # seconds the platform may hold a request for updates
TIMEOUT = 30.0  # seconds for any call
PIECE = 64 * 1024
PAUSE = 0.02  # seconds before an update that could not be committed is asked for again
_NOT_MODIFIED = "not_modified"
_PERMANENT: Mapping[int, type[Permanent]] = {400: Rejected, 403: Gone, 404: Gone}


class ReceivedFile(BaseModel):
    """A file that somebody sent."""

    ref: str
    name: str
    kind: AttachmentKind
    mime: str
    size: int


class Received(BaseModel):
    """One update as the platform tells it."""

    id: int
    event: str
    chat: str
    kind: ChatKind
    user: str
    language: str
    text: str
    at: float
    files: list[ReceivedFile] = []


_UPDATES = TypeAdapter(list[Received])


class LoopbackAdapter:
    """One account: long polls for updates, posts and edits over HTTP."""

    def __init__(self, account: str, settings: LoopbackSettings, host: Host) -> None:
        self._account = account
        self._url = str(settings.url).rstrip("/")
        self._caps = Capabilities(
            max_text=settings.max_text,
            edit_interval=settings.edit_interval,
            edit_interval_group=settings.edit_interval,
            buttons=8,
        )
        self._http: aiohttp.ClientSession | None = None
        self._trouble: str | None = "no updates were asked for"

    @property
    def caps(self) -> Capabilities:
        return self._caps

    async def open(self) -> None:
        """Open a session; nothing is asked yet."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))

    async def close(self) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.close()

    async def run(self, sink: Sink) -> None:
        """Ask for updates; each is acknowledged by asking for those after it."""
        offset = 0
        try:
            while True:
                hold = 0.0 if self._trouble else LONG_POLL
                updates = await self._updates(offset, hold)
                self._trouble = None
                offset = await self._hand_over(updates, sink, offset)
        finally:
            self._trouble = "not asking for updates"

    def trouble(self) -> str | None:
        return self._trouble

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        reply = await self._call("send", {"chat": chat.chat, **_shape(page)})
        return MessageRef(chat, str(reply["message"]))

    async def edit(self, message: MessageRef, page: Page) -> None:
        await self._call("edit", {"message": message.id, **_shape(page)})

    async def retract(self, message: MessageRef) -> None:
        await self._call("retract", {"message": message.id})

    async def typing(self, chat: ChatRef) -> None:
        await self._call("typing", {"chat": chat.chat})

    @asynccontextmanager
    async def fetch(self, chat: ChatRef, attachment: Attachment) -> AsyncIterator[Download]:
        del chat  # a ref is enough here
        told = await self._call("fetch", {"ref": attachment.ref})
        assert self._http is not None  # noqa: S101  the bridge calls open first
        async with self._http.get(f"{self._url}/file/{attachment.ref}") as response:
            size = told["size"]
            known = size if isinstance(size, int) else None
            yield Download(_pieces(response), known, attachment.mime)

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        async with file.open() as download:
            # Whole, so that what is wrong with it comes up before the platform hears of it.
            content = b"".join([piece async for piece in download.content])
        told = {"chat": chat.chat, "name": file.enclosure.name, "mime": download.mime}
        about = {**told, "kind": file.enclosure.kind.value}
        reply = await self._call("send_file", about, content)
        return MessageRef(chat, str(reply["message"]))

    async def _updates(self, offset: int, hold: float) -> list[Received]:
        reply = await self._call("updates", {"offset": offset, "hold": hold})
        return _UPDATES.validate_python(reply["updates"])

    async def _hand_over(self, updates: list[Received], sink: Sink, offset: int) -> int:
        """Give updates away in order and return what may be acknowledged."""
        for update in updates:
            try:
                await sink(self._inbound(update))
            except Transient:
                await asyncio.sleep(PAUSE)
                break
            offset = update.id + 1
        return offset

    def _inbound(self, update: Received) -> Inbound:
        return Inbound(
            event_id=update.event,
            chat=ChatRef("loopback", self._account, update.chat, kind=update.kind),
            user=User(update.user, name=update.user, language=update.language),
            text=update.text,
            sent_at=datetime.fromtimestamp(update.at, UTC),
            attachments=tuple(
                Attachment(file.kind, file.ref, file.name, file.size, file.mime)
                for file in update.files
            ),
        )

    async def _call(
        self, verb: str, body: Mapping[str, object], content: bytes | None = None
    ) -> dict[str, object]:
        """Make one call, whose body is JSON or a file. Raises `bridge.errors`."""
        assert self._http is not None  # noqa: S101  the bridge calls open first
        asking = (
            self._http.post(f"{self._url}/{verb}", json=body)
            if content is None
            else self._http.post(
                f"{self._url}/{verb}",
                params={name: str(value) for name, value in body.items()},
                data=io.BytesIO(content),
            )
        )
        try:
            async with asking as response:
                reply: dict[str, object] = await response.json(content_type=None)
                status = response.status
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"{verb}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{verb}: {error or 'no answer'}", happened=True) from error
        if status == 200 or reply.get("error") == _NOT_MODIFIED:
            return reply
        raise _fault(status, str(reply.get("error")), reply.get("retry_after"))


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in response.content.iter_chunked(PIECE):
            yield piece
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(str(error) or "no answer") from error


def _fault(status: int, error: str, retry_after: object) -> BridgeError:
    if status == 429:
        seconds = float(retry_after) if isinstance(retry_after, int | float) else None
        return RateLimited(error, code=status, retry_after=seconds)
    if status >= 500:
        return Unreachable(error, code=status, happened=True)
    return _PERMANENT.get(status, Permanent)(error, code=status)


def _shape(page: Page) -> dict[str, object]:
    return {
        "text": page.text,
        "final": page.final,
        "plain": page.plain,
        "buttons": [[button.label, button.says] for button in page.buttons],
    }
