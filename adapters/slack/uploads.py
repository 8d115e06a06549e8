"""Files of ours: begun, poured, and shared, which Slack does a moment later.

https://docs.slack.dev/messaging/working-with-files#upload: nobody sees a file before it is shared,
and the answer to that tells of no message yet (bolt-js #2115).
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from adapters.slack.blocks import picture
from adapters.slack.calls import Calls, opened
from adapters.slack.downloads import PATIENCE
from adapters.slack.faults import as_bridge_errors
from adapters.slack.lately import Lately
from adapters.slack.markup import escaped
from adapters.slack.place import Spot, spot
from adapters.slack.posts import Posts
from adapters.slack.tiers import FILE_INFO, SHARE, UPLOAD
from bridge.adapter import Download, Outgoing
from bridge.errors import (
    BridgeError,
    Gone,
    Permanent,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.events import ChatRef, EnclosureKind, MessageRef
from bridge.foreign import Json, fields, items, text
from bridge.logs import get

log = get(__name__)

WAITS = (0.2, 0.5, 1.0, 2.0)  # seconds, before it is seen whether a file has been shared
_REMEMBERED = 3600.0  # seconds; longer than an answer takes
_LONGEST_DESCRIPTION = 1000  # characters; nobody published it
_IN_MEMORY = 262_144  # bytes of a file of unknown length; the rest of it waits on disk
_MARK = "F"  # what a file's id begins with, and no message's


class Uploads:
    """`SendsFiles`. A message whose timestamp Slack keeps to itself goes by the id of its file.

    clock: seconds, monotonic. sleep: takes seconds.
    """

    def __init__(
        self,
        calls: Calls,
        posts: Posts,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls = calls
        self._posts = posts
        self._sleep = sleep
        self._shared: Lately[str, str] = Lately(_REMEMBERED, clock=clock)  # files, by key

    async def send(self, chat: ChatRef, file: Outgoing, key: str) -> MessageRef:
        """Post a file: a picture by its address, where Slack can fetch it, else the file itself.

        Raises like `bridge.adapter.SendsFiles`.
        """
        if file.enclosure.kind is EnclosureKind.IMAGE and file.url.startswith("https://"):
            shown = picture(file.url, file.enclosure.name, file.caption)
            try:
                return await self._posts.make(chat, key, shown)
            except Rejected as error:
                log.info("picture.not_fetched", error=str(error))
        return await self._upload(chat, file, key)

    async def _upload(self, chat: ChatRef, file: Outgoing, key: str) -> MessageRef:
        there, name = spot(chat), file.enclosure.name
        with _unseen():
            async with file.open() as download, _measured(download) as (length, content):
                made = await self._begun(there, file, length)
                await self._pour(there, made, _Counted(content, length))
        file_id = text(made.get("file_id"))
        self._shared.put(key, file_id)
        with _refusing():
            told = await self._calls.make(
                there,
                SHARE,
                files=[{"id": file_id, "title": name}],
                channel_id=there.channel,
                thread_ts=there.thread or None,
                initial_comment=escaped(file.caption) or None,
            )
        known = _ts(fields(next(iter(items(told.get("files"))), None)), there)
        return MessageRef(chat, known or await self._seen(there, file_id) or file_id)

    async def recall(self, chat: ChatRef, key: str) -> MessageRef | None:
        """Find the message of a file that this process shared, and did not hear of."""
        file_id = self._shared.get(key)
        ts = await self._seen(spot(chat), file_id) if file_id else ""
        return MessageRef(chat, ts) if ts else None

    async def _begun(self, there: Spot, file: Outgoing, length: int) -> Json:
        if not length:
            raise Rejected("the file is empty")
        name = file.enclosure.name
        described = (file.caption or name)[:_LONGEST_DESCRIPTION]
        is_picture = file.enclosure.kind is EnclosureKind.IMAGE
        with _refusing():
            return await self._calls.make(
                there,
                UPLOAD,
                filename=name,
                length=length,
                alt_txt=described if is_picture else None,
            )

    async def _pour(self, there: Spot, made: Json, content: "_Counted") -> None:
        """Send the bytes where Slack wants them; it asks for no token there."""
        session = opened((await self._calls.workspace(there)).client)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(content.length),
        }
        try:
            with as_bridge_errors():
                async with session.post(
                    text(made.get("upload_url")),
                    data=content.pieces(),
                    headers=headers,
                    allow_redirects=False,
                    timeout=PATIENCE,
                ) as answer:
                    status = answer.status
        except BridgeError as error:
            if content.error is None or content.error is error:
                raise
            raise content.error from error
        if status >= 500 or status == 429:
            raise Unreachable("Slack takes no file now", code=status)
        if status != 200:
            raise Rejected("Slack does not take the file", code=status)

    async def _seen(self, there: Spot, file_id: str) -> str:
        """Wait until a file is shared; the `ts` of its message, or empty if that takes too long."""
        for wait in WAITS:
            await self._sleep(wait)
            try:
                told = await self._calls.make(there, FILE_INFO, file=file_id)
            except BridgeError as error:  # it is shared, or will be, all the same
                log.debug("file.not_seen", error=str(error))
                return ""
            if ts := _ts(fields(told.get("file")), there):
                return ts
        return ""


def file_of(message: MessageRef) -> str:
    """The file a message goes by; empty for one that goes by its timestamp."""
    return message.id if message.id.startswith(_MARK) else ""


def _ts(file: Json, there: Spot) -> str:
    """Where in a channel a file was shared; empty if Slack does not tell, or not yet."""
    shares = fields(file.get("shares"))
    for kind in ("private", "public"):
        for share in map(fields, items(fields(shares.get(kind)).get(there.channel))):
            if ts := text(share.get("ts")):
                return ts
    return ""


class _Counted:
    """What is poured. error: why it broke off, which aiohttp would call a lost connection."""

    def __init__(self, content: AsyncIterator[bytes], length: int) -> None:
        self._content = content
        self.length = length
        self.error: BridgeError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it; raises `Rejected` if that is more or less than was said."""
        left = self.length
        try:
            async for piece in self._content:
                left -= len(piece)
                if left < 0:
                    break
                yield piece
            if left:
                raise Rejected("the file is not as long as was said")
        except BridgeError as error:
            self.error = error
            raise


@asynccontextmanager
async def _measured(download: Download) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
    """A file and its length, which Slack wants to know before; one untold waits on disk."""
    if download.size is not None:
        yield download.size, download.content
        return
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
        length = 0
        async for piece in download.content:
            length += len(piece)
            await asyncio.to_thread(kept.write, piece)
        kept.seek(0)

        async def again() -> AsyncIterator[bytes]:
            while piece := await asyncio.to_thread(kept.read, _IN_MEMORY):
                yield piece

        yield length, again()


@contextmanager
def _unseen() -> Iterator[None]:
    """What failed before a file is shared has not happened."""
    try:
        yield
    except Transient as error:
        if not error.happened:
            raise
        raise Unreachable(error.message, code=error.code) from error


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever else is wrong, the answer's text stands, and names the file."""
    try:
        yield
    except Gone:
        raise
    except Permanent as error:
        if error.code == "missing_scope":
            cure = "give the app the scope files:write and install it again"
            log.error("file.not_sent", error=str(error), cure=cure)
        elif isinstance(error, Unauthorised):
            raise
        raise Rejected(error.message, code=error.code) from error
