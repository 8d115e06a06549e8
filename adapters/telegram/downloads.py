"""Reading files that people sent, piece by piece.

https://core.telegram.org/bots/api#getfile
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

import aiohttp
import httpx

from adapters.telegram.bots import RawBot
from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.raw import number
from bridge.adapter import Download
from bridge.errors import Gone, RateLimited, Rejected, Unauthorised, Unreachable
from bridge.events import Attachment
from bridge.foreign import text

LARGEST = 20 * 1024 * 1024  # bytes; a server of one's own that runs with --local has no limit
PIECE = 65_536  # bytes
_NOT_THERE = frozenset({400, 404, 410})


class Downloads:
    """The files of one bot.

    token: never told, although it is a part of every address.
    folder: where a server that runs with --local keeps its files, as this machine sees it; None
    for any other server.
    """

    def __init__(
        self,
        bot: RawBot,
        http: httpx.AsyncClient,
        *,
        token: str,
        folder: Path | None,
    ) -> None:
        self._bot = bot
        self._http = http
        self._token = token
        self._folder = folder

    @asynccontextmanager
    async def fetch(self, attachment: Attachment) -> AsyncIterator[Download]:
        """See `bridge.adapter.BringsFiles`."""
        if self._folder is None and (attachment.size or 0) > LARGEST:
            raise Rejected("Telegram hands out no file of more than 20 MB")
        with as_bridge_errors():
            told = await self._bot.call("getFile", file_id=attachment.ref)
        path, size = text(told.get("file_path")), number(told.get("file_size")) or attachment.size
        if not path:
            raise Gone("Telegram has no file to it any more")
        if self._folder is not None and path.startswith("/"):
            opening = _on_disk(_inside(self._folder, path, self._token))
        else:
            opening = self._streamed(path)
        async with opening as content:
            yield Download(content, size, attachment.mime)

    @asynccontextmanager
    async def _streamed(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        request = self._http.build_request("GET", f"{self._bot.base_file_url}/{quote(path)}")
        with _as_unreachable():
            answer = await self._http.send(request, stream=True)
        try:
            _check(answer)
            yield _pieces(answer)
        finally:
            await answer.aclose()


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    with _as_unreachable():
        async for piece in answer.aiter_bytes(PIECE):
            yield piece


def _check(answer: httpx.Response) -> None:
    """Raises for what is no file; what stands in the body is nobody's business."""
    status = answer.status_code
    if status == 200:
        return
    if status in _NOT_THERE:
        raise Gone("Telegram has the file no more", code=status)
    if status == 401:
        raise Unauthorised("Telegram refuses the bot's token", code=status)
    if status == 429:
        seconds = answer.headers.get("Retry-After", "")
        after = float(seconds) if seconds.isdecimal() else None
        raise RateLimited("too many downloads", code=status, retry_after=after)
    raise Unreachable("Telegram does not hand out the file", code=status)


@contextmanager
def _as_unreachable() -> Iterator[None]:
    """In words of our own: those of the libraries may have the address in them."""
    try:
        yield
    except (httpx.HTTPError, aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(f"the download broke off ({type(error).__name__})") from error


def _inside(folder: Path, told: str, token: str) -> Path:
    """Where a file of the server's lies for us; its own folder may have another name there.

    Below that folder it has one for each bot, named by the token. Raises `Gone` for what lies
    elsewhere: nothing else on this machine is to be read, whatever somebody says.
    """
    given = PurePosixPath(told)
    if token in given.parts:
        given = PurePosixPath(*given.parts[given.parts.index(token) :])
    found = (folder / given).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise Gone("the file does not lie in adapters.telegram.local_files")
    return found


@asynccontextmanager
async def _on_disk(path: Path) -> AsyncIterator[AsyncIterator[bytes]]:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise Gone(f"the server's file cannot be read ({error.strerror})") from error
    try:
        yield _read(file)
    finally:
        await asyncio.to_thread(file.close)


async def _read(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(_piece, file):
        yield piece


def _piece(file: BinaryIO) -> bytes:
    try:
        return file.read(PIECE)
    except OSError as error:  # such as the server's folder, which may lie on another machine
        raise Unreachable(f"the server's file broke off ({error.strerror})") from error
