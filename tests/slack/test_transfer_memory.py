"""However large a file is, little of it is held: 20 MB pass through a few hundred kilobytes."""

import asyncio
import hashlib
import sys
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import SecretStr

from adapters.slack.media import attachments
from adapters.slack.settings import SlackSettings
from adapters.slack.speak import Speaker
from adapters.slack.workspaces import OneWorkspace
from bridge.adapter import Download, Outgoing
from bridge.events import ChatRef, Enclosure, EnclosureKind
from tests.slack.emulator.clients import Raw

SIZE = 20 * 1024 * 1024  # bytes
PIECE = bytes(range(256)) * 256
MOST = 4 * 1024 * 1024  # bytes held at once; both ways together, with what the client needs


@pytest.fixture
async def slack() -> AsyncIterator[tuple[str, str]]:
    """Base URL and token of a Slack in another process, so that only ours is measured."""
    command = (sys.executable, "-m", "tests.slack.emulator", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        base, token, _ = (await process.stdout.readline()).decode().split()
        yield base, token
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
async def api(slack: tuple[str, str]) -> AsyncIterator[Raw]:
    base, token = slack
    async with aiohttp.ClientSession(base.removesuffix("/api/")) as http:
        yield Raw(http, token)


@pytest.fixture
async def speaker(slack: tuple[str, str]) -> AsyncIterator[Speaker]:
    base, token = slack
    async with aiohttp.ClientSession() as session:
        workspace = OneWorkspace(SecretStr(token), base, session)
        yield Speaker(workspace, SlackSettings(api_base_url=base), "slack")


@asynccontextmanager
async def large() -> AsyncIterator[Download]:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(SIZE // len(PIECE)):
            yield PIECE

    yield Download(pieces(), SIZE)


async def test_large_file_passes_both_ways_in_little_memory(api: Raw, speaker: Speaker) -> None:
    asked = {"person": "Ann", "text": "hi"}
    async with api.http.post("/_emulator/say", json=asked) as answer:
        channel = str((await answer.json())["channel"])
    chat, digest = ChatRef("slack", "slack", f"/{channel}"), hashlib.sha256()
    file = Outgoing(Enclosure(EnclosureKind.DOCUMENT, "large.pdf", url="https://x/y"), "", large)
    tracemalloc.start()
    try:
        ref = await speaker.send_file(chat, file, key="turn-1/1")
        told = await api.ok("conversations.replies", channel=channel, ts=ref.id)
        (attachment,) = attachments(told["messages"][0])  # type: ignore[index]
        async with speaker.fetch(chat, attachment) as download:
            async for piece in download.content:
                digest.update(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert digest.digest() == hashlib.sha256(PIECE * (SIZE // len(PIECE))).digest()
    assert peak < MOST
