"""A server for adapters that bring routes, and a reader of the web chat's events."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from web_visit import TOKEN, Visit

from adapters.web.adapter import WebAdapter
from adapters.web.settings import WebSettings
from bridge.testing.contract import RecordingSink, receiving
from bridge.testing.transcript import FakeHost, MemoryTranscript


@asynccontextmanager
async def serving(routes: list[web.RouteDef], port: int = 0) -> AsyncIterator[str]:
    """Serve `routes` on 127.0.0.1 and yield the address, without a slash at the end."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def serve() -> Callable[..., Any]:
    """`async with serve(routes) as base_url`."""
    return serving


class PageReader:
    """Folds the events of one chat the way the page does: messages by id or key."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.messages: list[dict[str, Any]] = []
        self.frames: list[tuple[str, dict[str, Any]]] = []

    async def step(self) -> tuple[str, dict[str, Any]]:
        """Read one event and fold it in."""
        name, data = "", {}
        async for raw in self._response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
            elif not line:
                break
        else:
            raise EOFError("the stream ended")
        self._fold(name, data)
        self.frames.append((name, data))
        return name, data

    async def until(self, condition: Callable[["PageReader"], bool]) -> "PageReader":
        """Read until `condition` holds."""
        while not condition(self):
            await self.step()
        return self

    def texts(self, author: str = "bot") -> list[str]:
        return [message["text"] for message in self.messages if message["author"] == author]

    def _fold(self, name: str, data: dict[str, Any]) -> None:
        if name == "snapshot":
            self.messages = list(data["entries"])
        elif name == "upsert":
            self._upsert(data)

    def _upsert(self, data: dict[str, Any]) -> None:
        known = [m for m in self.messages if self._same(m, data)]
        if data.get("withdrawn"):
            self.messages = [m for m in self.messages if m not in known]
        elif known:
            text = data.get("text")
            if text is None:
                kept = known[0]["text"].encode("utf-16-le")[: data["keep"] * 2]
                text = kept.decode("utf-16-le") + data["append"]
            known[0].update(data, text=text)
            for double in known[1:]:
                self.messages.remove(double)
        else:
            self.messages.append(dict(data))

    @staticmethod
    def _same(message: dict[str, Any], data: dict[str, Any]) -> bool:
        return any(name in data and message.get(name) == data[name] for name in ("id", "key"))


@pytest.fixture
def reading() -> Callable[..., Any]:
    """`async with reading(http, url, headers) as page_reader`."""

    @asynccontextmanager
    async def read(
        http: aiohttp.ClientSession, url: str, headers: dict[str, str]
    ) -> AsyncIterator[PageReader]:
        async with http.get(url, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield PageReader(response)

    return read


@pytest.fixture
def transcript() -> MemoryTranscript:
    return MemoryTranscript()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def platform(
    transcript: MemoryTranscript,
    http: aiohttp.ClientSession,
    serve: Callable[..., Any],
    tmp_path: Path,
) -> AsyncIterator[Visit]:
    """An adapter that is served but not open yet."""
    settings = WebSettings(token=SecretStr(TOKEN), title="Sunny <b>", file_limit=2, room=10)
    host = FakeHost(transcript, folder=tmp_path / "files")
    adapter = WebAdapter("web", settings, host)
    async with serve(adapter.routes()) as base:
        yield Visit(adapter, transcript, base, http, folder=host.folder)


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
async def visit(platform: Visit, sink: RecordingSink) -> AsyncIterator[Visit]:
    """A visitor whose chat is open, in front of an adapter that receives."""
    await platform.adapter.open()
    async with receiving(platform.adapter, sink):
        yield await platform.enter()
    await platform.adapter.close()
