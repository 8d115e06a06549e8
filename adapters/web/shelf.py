"""The files of the page's chats, in a folder: what visitors sent, and what was sent to them.

`<folder>/<chat>/<id>` holds the bytes, `<id>.json` beside it what is known of them. Nothing here
is named by a stranger: chats are hashes, and ids are made here.
"""

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISREG
from time import time

from adapters.web.content import HEAD, plain_name, shown_as
from bridge.errors import Gone, Rejected, Unreachable

MB = 1024 * 1024
PIECE = 256 * 1024  # bytes read or written at once
KEPT = 30 * 86400.0  # seconds
YOUNG = 3600.0  # seconds in which a file stays in any case: it may not be sent, or read, yet
_LEAST = 16 * 1024  # bytes that even an empty file counts for
_HEX = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a file.

    size: bytes. kind: what it is to its sender; said: the media type they gave it.
    shows: what it may be shown as; empty where it may only be saved.
    """

    id: str
    name: str
    size: int
    kind: str = ""
    said: str = ""
    shows: str = ""


@dataclass(frozen=True, slots=True)
class Lying:
    """A file as the folder has it. at: when it came, seconds since 1970."""

    path: Path
    size: int
    at: float


class TooLarge(Rejected):
    """One file is over the limit; nothing of it is kept."""


class Full(Rejected):
    """There is no room, and nothing old enough to make some."""


class Shelf:
    """Keeps files within bounds. Raises `Unreachable` where the disk fails.

    largest: bytes of one file. room: of all together, of which a visitor may take a tenth.
    Replicas may share the folder; then each counts what the others have finished.
    """

    def __init__(self, folder: Path, *, largest: int, room: int) -> None:
        self._folder = folder
        self._room = room
        self._share = max(largest, room // 10)
        self._coming: dict[Path, int] = {}  # bytes that are promised to files under way
        self.largest = largest

    async def put(
        self, chat: str, content: AsyncIterator[bytes], *, like: Kept, sounds: bool = False
    ) -> Kept:
        """Write a file as it comes; one of the same id is replaced.

        like: what its sender says of it; without an id, one is made. sounds: as in `shown_as`.
        Raises `TooLarge`, `Full`, and what `content` raises; then nothing of it stays.
        """
        file_id = like.id or secrets.token_hex(16)
        path = self._path(chat, file_id)
        part = path.with_name(f"{file_id}.{secrets.token_hex(4)}.part")
        with _disk():
            try:
                await self._reserve(part, like.size or self.largest)
                size, head = await self._write(part, content)
                kept = Kept(
                    id=file_id,
                    name=plain_name(like.name),
                    size=size,
                    kind=like.kind,
                    said=like.said,
                    shows=shown_as(head, sounds=sounds),
                )
                await asyncio.to_thread(_settle, part, path, kept)
            finally:
                self._coming.pop(part, None)
                part.unlink(missing_ok=True)
        return kept

    async def find(self, chat: str, file_id: str) -> Kept | None:
        """Return what is known of a file of a chat; None if it is not there."""
        if not (_HEX.fullmatch(chat) and _HEX.fullmatch(file_id)):
            return None
        with _disk():
            return await asyncio.to_thread(_known, self._path(chat, file_id))

    async def place(self, chat: str, file_id: str) -> tuple[Kept, Path]:
        """Return a file and where it lies. Raises `Gone`."""
        kept = await self.find(chat, file_id)
        if kept is None:
            raise Gone("the file is no longer there")
        return kept, self._path(chat, file_id)

    async def tidy(self, wanted: Callable[[str], Awaitable[Collection[str]]]) -> None:
        """Throw away what is old, was never sent, or is in no message any more.

        wanted: tells the ids of a chat's files that are in a message.
        """
        with _disk():
            for folder in await asyncio.to_thread(_folders, self._folder):
                await asyncio.to_thread(_drop_unwanted, folder, await wanted(folder.name))

    async def _reserve(self, part: Path, size: int) -> None:
        """Promise room to a file, at the cost of old ones. Raises `TooLarge`, `Full`."""
        if size > self.largest:
            raise TooLarge(f"over {self.largest // MB} MB")
        self._coming[part] = size
        await asyncio.to_thread(_make, part.parent)
        for folder, room in ((part.parent, self._share), (self._folder, self._room)):
            lying = await asyncio.to_thread(_all_in, folder)
            coming = sum(size for path, size in self._coming.items() if folder in path.parents)
            given_up = make_room(lying, room - coming, before=time() - YOUNG)
            if given_up is None:
                raise Full("there is no room for more files")
            await asyncio.to_thread(_drop, given_up)

    async def _write(self, part: Path, content: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Write it piece by piece, and return its size and its first bytes."""
        size, head = 0, b""
        with part.open("xb", buffering=0) as file:
            async for piece in _gathered(content):
                size += len(piece)
                head = head or piece[:HEAD]
                if size > self._coming[part]:
                    raise TooLarge("larger than it said")
                await asyncio.to_thread(file.write, piece)
        return size, head

    def _path(self, chat: str, file_id: str) -> Path:
        """Raises `Gone` for what is no name of ours, so no path leads out of the folder."""
        if not (_HEX.fullmatch(chat) and _HEX.fullmatch(file_id)):
            raise Gone("no such file")
        return self._folder / chat / file_id


def make_room(lying: Sequence[Lying], room: int, *, before: float) -> list[Path] | None:
    """Choose what to give up so that the rest takes at most `room` bytes, oldest first.

    None if what came after `before` is already too much.
    """
    over = sum(max(each.size, _LEAST) for each in lying) - room
    given_up: list[Path] = []
    for each in sorted(lying, key=lambda each: each.at):
        if over <= 0:
            break
        if each.at >= before:
            return None
        given_up.append(each.path)
        over -= max(each.size, _LEAST)
    return given_up if over <= 0 else None


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """Read a file piece by piece. Raises `Unreachable`."""
    with _disk(), path.open("rb", buffering=0) as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def _gathered(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Make few large pieces of many small ones: each costs a thread."""
    heap = bytearray()
    async for piece in content:
        heap += piece
        if len(heap) >= PIECE:
            yield bytes(heap)
            heap.clear()
    if heap:
        yield bytes(heap)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unreachable(f"the folder for files: {error.strerror or error}") from error


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _settle(part: Path, path: Path, kept: Kept) -> None:
    """Put the file where it is found, together with what is known of it."""
    described = part.with_suffix(".words")
    described.write_text(json.dumps(asdict(kept)), encoding="utf-8")
    part.replace(path)
    described.replace(path.with_suffix(".json"))


def _known(path: Path) -> Kept | None:
    try:
        described = path.with_suffix(".json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return Kept(**json.loads(described)) if path.exists() else None
    except (TypeError, ValueError):  # cut short by a loss of power
        return None


def _folders(folder: Path) -> list[Path]:
    if not folder.exists():
        return []
    return [each for each in folder.iterdir() if _HEX.fullmatch(each.name)]


def _all_in(folder: Path) -> list[Lying]:
    """The files in a folder and those below it, without what describes them."""
    return [
        Lying(path, status.st_size, status.st_mtime)
        for path in folder.rglob("*")
        if _HEX.fullmatch(path.name) and (status := _status(path)) and S_ISREG(status.st_mode)
    ]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # a replica was faster
        return None


def _drop(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)


def _drop_unwanted(folder: Path, wanted: Collection[str]) -> None:
    """Files, and what was left of files that never came to their end."""
    now = time()
    for path in folder.iterdir():
        lasts = KEPT if path.stem in wanted and path.suffix in ("", ".json") else YOUNG
        status = _status(path)
        if status is not None and status.st_mtime < now - lasts:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # not empty
        folder.rmdir()
