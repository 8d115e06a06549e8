"""The chat page's HTTP API through a kill: what a browser that reconnects would show."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from daemon_process import Daemon, World, answer_to

from bridge.emulator import Scenario

VISITOR = {"X-Visitor": "visitor-0123456789abcdef"}


class Visitor:
    """Somebody with a browser, as requests."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.base = ""

    async def enter(self, daemon: Daemon) -> None:
        """Open the page: the visitor's chat is the same before and after a restart."""
        await daemon.ready()
        root = f"{daemon.url}/web/web"
        async with self._http.post(f"{root}/session", json={}, headers=VISITOR) as response:
            self.base = f"{root}/chats/{(await response.json())['chat']}"

    async def say(self, text: str, id: str) -> tuple[int, Any]:  # noqa: A002 - the wire's name
        async with self._http.post(
            f"{self.base}/messages", json={"id": id, "text": text}, headers=VISITOR
        ) as response:
            return response.status, await response.json()

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """The page's event stream."""
        name = ""
        async with self._http.get(f"{self.base}/events", headers=VISITOR) as response:
            async for line in response.content:
                if line.startswith(b"event: "):
                    name = line.decode().removeprefix("event: ").strip()
                elif line.startswith(b"data: "):
                    yield name, json.loads(line.removeprefix(b"data: "))

    async def snapshot(self) -> list[dict[str, Any]]:
        """What a page shows that is opened now."""
        events = self.events()
        try:
            async for name, data in events:
                if name == "snapshot":
                    entries: list[dict[str, Any]] = data["entries"]
                    return entries
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # it is a generator
        raise AssertionError("the stream has no snapshot")


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession() as http:
        yield Visitor(http)


def on_the_web(world: World) -> Daemon:
    return world.daemon(adapters__web__access="open")


async def until_text(visitor: Visitor) -> None:
    """Read the stream until some of the answer was changed, so that its entry is stored."""
    seen = 0
    async for name, data in visitor.events():
        seen += name == "upsert" and data["author"] == "bot" and not data["final"]
        if seen > 4:
            return


async def until_whole(visitor: Visitor, text: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(60):
        while True:
            entries = await visitor.snapshot()
            if any(entry["text"] == text and entry["final"] for entry in entries):
                return entries
            await asyncio.sleep(0.02)


async def test_a_page_that_reconnects_shows_one_whole_answer(
    world: World, visitor: Visitor
) -> None:
    world.coze.install(Scenario(pace=0.15))
    daemon = on_the_web(world)
    await visitor.enter(daemon)
    status, _ = await visitor.say("tea", "message-1")
    assert status == 202
    await until_text(visitor)
    daemon.kill()
    daemon.start()
    await visitor.enter(daemon)
    entries = await until_whole(visitor, answer_to("tea"))
    told = [(entry["author"], entry["text"]) for entry in entries]
    assert told == [("user", "tea"), ("bot", answer_to("tea"))]
    assert world.questions() == ["tea"]


async def test_a_message_sent_again_after_the_restart_is_the_same_message(
    world: World, visitor: Visitor
) -> None:
    daemon = on_the_web(world)
    await visitor.enter(daemon)
    first = await visitor.say("tea", "message-1")
    daemon.kill()
    daemon.start()
    await visitor.enter(daemon)
    assert await visitor.say("tea", "message-1") == first
    entries = await until_whole(visitor, answer_to("tea"))
    assert [entry["author"] for entry in entries] == ["user", "bot"]
    assert world.questions() == ["tea"]
