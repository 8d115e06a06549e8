"""The fake of `adapter.py` with files: what people send, and what we send."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from bridge.adapter import Download, Outgoing
from bridge.errors import BridgeError, Gone, Rejected
from bridge.events import Attachment, ChatRef, Enclosure, EnclosureKind, MessageRef, Page
from bridge.testing.adapter import Call, FakeAdapter, Message


@dataclass(frozen=True, slots=True)
class Stored:
    """A file on the fake platform. size: what the platform tells of it, which need not be true.

    breaks_after: raised once so many bytes were read, if `error` is not None.
    """

    pieces: Callable[[], Iterable[bytes]]
    size: int | None = None
    error: BridgeError | None = None
    breaks_after: int = 0


def stored(content: bytes) -> Stored:
    """A file of a few bytes."""
    return Stored(lambda: [content], len(content))


@dataclass(frozen=True, slots=True)
class Posted:
    """A file of ours that arrived."""

    enclosure: Enclosure
    content: bytes
    mime: str
    url: str
    caption: str


class Links:
    """What links lead to: `Stored` by address, and nothing anywhere else."""

    def __init__(self) -> None:
        self.files: dict[str, Stored] = {}
        self.read: list[tuple[str, EnclosureKind]] = []
        self.errors: list[BridgeError] = []

    @asynccontextmanager
    async def fetch(self, url: str, kind: EnclosureKind) -> AsyncIterator[Download]:
        """Read what lies there; `Rejected` if nothing does."""
        self.read.append((url, kind))
        if self.errors:
            raise self.errors.pop(0)
        if url not in self.files:
            raise Rejected("nothing is there", code=404)
        yield Download(_read(self.files[url]), self.files[url].size, "image/png")


class FilingAdapter(FakeAdapter):
    """The fake platform with the verbs `BringsFiles` and `SendsFiles`.

    files: by `Attachment.ref`. fetched: the refs that were asked for, in order.
    posted: our files by the id of their messages; by_url: it fetches them by itself.
    """

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # whatever the fake takes
        self.files: dict[str, Stored] = {}
        self.fetched: list[str] = []
        self.posted: dict[str, Posted] = {}
        self.reading = 0  # now
        self.most_reading = 0  # at the same time, ever
        self._file_ids = count(1)

    @asynccontextmanager
    async def fetch(self, chat: ChatRef, attachment: Attachment) -> AsyncIterator[Download]:
        """Read a file piece by piece."""
        self.fetched.append(attachment.ref)
        await self._happen(Call("fetch", self._clock(), chat, attachment.ref), lambda: None)
        file = self.files.get(attachment.ref)
        if file is None:
            raise Gone("no such file", code=404)
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        try:
            yield Download(_read(file), file.size, attachment.mime)
        finally:
            self.reading -= 1

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        """Read a file of ours and post it."""
        enclosure = file.enclosure
        made = f"f{next(self._file_ids)}"
        call = Call("send_file", self._clock(), chat, page=Page(enclosure.name), key=key)
        async with file.open() as download:
            content = b"".join([piece async for piece in download.content])
            posted = Posted(enclosure, content, download.mime, file.url, file.caption)

        def post() -> None:
            self.posted[made] = posted
            self.messages[made] = Message(made, chat, Page(f"[{enclosure.name}]", final=True))

        await self._happen(call, post)
        return MessageRef(chat, made)


async def _read(file: Stored) -> AsyncIterator[bytes]:
    size = 0
    for piece in file.pieces():
        await asyncio.sleep(0)  # as a socket would
        yield piece
        size += len(piece)
        if file.error is not None and size >= file.breaks_after:
            raise file.error
