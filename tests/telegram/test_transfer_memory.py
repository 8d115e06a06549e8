"""However large a file is, little of it is held: 20 MB pass through a few hundred kilobytes."""

import asyncio
import hashlib
import sys
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bridge.adapter import Download, Outgoing
from bridge.events import Attachment, AttachmentKind, ChatRef, Enclosure, EnclosureKind
from tests.telegram.world import ACCOUNT, LentHost, Supervised, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

SIZE = 20 * 1024 * 1024  # bytes
PIECE = bytes(range(256)) * 256
MOST = 4 * 1024 * 1024  # bytes held at once; both ways together, with what the client needs
CHAT = ChatRef("telegram", ACCOUNT, "1")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A Telegram in another process, so that only ours is measured."""
    command = (sys.executable, "-m", "tests.telegram.emulator", "--port", "0", "--lenient")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split()[0]
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
async def adapter(url: str) -> AsyncIterator[Supervised]:
    adapter = Supervised(ACCOUNT, telegram_settings(url), LentHost())
    await adapter.open()
    yield adapter
    await adapter.close()


@asynccontextmanager
async def large() -> AsyncIterator[Download]:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(SIZE // len(PIECE)):
            yield PIECE

    yield Download(pieces(), SIZE)


async def newest_file(url: str) -> str:
    """The id of the file that stands last in the chat."""
    async with aiohttp.ClientSession(url) as http, http.get("/_emulator/state") as answer:
        (chat,) = (await answer.json())["chats"]
        return str(chat["messages"][-1]["file"])


async def test_large_file_passes_both_ways_in_little_memory(url: str, adapter: Supervised) -> None:
    async with aiohttp.ClientSession(url) as http:
        await http.post("/_emulator/say", json={"person": 1, "text": "hi"})
    file = Outgoing(Enclosure(EnclosureKind.DOCUMENT, "large.pdf", url="https://x/y"), "", large)
    digest = hashlib.sha256()
    tracemalloc.start()
    try:
        await adapter.send_file(CHAT, file, key="turn-1/1")
        sent = Attachment(AttachmentKind.DOCUMENT, await newest_file(url), "large.pdf")
        async with adapter.fetch(CHAT, sent) as download:
            async for piece in download.content:
                digest.update(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert digest.digest() == hashlib.sha256(PIECE * (SIZE // len(PIECE))).digest()
    assert peak < MOST
