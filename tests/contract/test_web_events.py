"""An answer while it grows: what the open pages of a chat are told, and when."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import SecretStr
from web_visit import TOKEN, Visit

from adapters.web.adapter import WebAdapter
from adapters.web.live import MOST_READERS
from adapters.web.settings import WebSettings
from bridge.adapter import ShowsTyping
from bridge.errors import Unreachable
from bridge.events import Button, ChatRef, Page
from bridge.testing.transcript import FakeHost, MemoryTranscript


class TestEvents:
    async def test_an_answer_grows_by_appending(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            assert (await reader.step())[0] == "snapshot"
            message = await visit.adapter.send(visit.chat, Page("你好"), key="t/0")
            await reader.until(lambda r: r.messages and r.messages[-1].get("id"))
            await visit.adapter.edit(message, Page("你好 😀 wor"))
            await reader.until(lambda r: r.texts() == ["你好 😀 wor"])
            await visit.adapter.edit(message, Page("你好 😀 **x**"))
            await reader.until(lambda r: r.texts() == ["你好 😀 **x**"])
            more = Button("More?", "Tell me more")
            await visit.adapter.edit(message, Page("你好 😀 **x**!", final=True, buttons=(more,)))
            await reader.until(lambda r: r.messages[-1]["final"])
        upserts = [data for name, data in reader.frames if name == "upsert"]
        assert sum("text" in data for data in upserts) == 1
        assert [data["append"] for data in upserts if data.get("append")] == [
            " 😀 wor",
            "**x**",
            "!",
        ]
        assert reader.messages[-1]["buttons"] == [{"label": "More?", "says": "Tell me more"}]
        assert reader.texts() == ["你好 😀 **x**!"]

    async def test_only_final_edits_are_stored(self, visit: Visit) -> None:
        message = await visit.adapter.send(visit.chat, Page("a"), key="t/0")
        await visit.adapter.edit(message, Page("a b"))
        assert [e.text for e in await visit.transcript.tail(visit.chat.chat, limit=9)] == ["a"]
        await visit.adapter.edit(message, Page("a b c", final=True))
        [entry] = await visit.transcript.tail(visit.chat.chat, limit=9)
        assert (entry.text, entry.final) == ("a b c", True)

    async def test_a_late_reader_sees_the_unfinished_answer(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        message = await visit.adapter.send(visit.chat, Page("a"), key="t/0")
        await visit.adapter.edit(message, Page("a b"))
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            assert reader.texts() == ["a b"]
            await visit.adapter.edit(message, Page("a b c", final=True))
            await reader.until(lambda r: r.texts() == ["a b c"])

    async def test_an_answer_goes_on_after_a_restart(
        self, visit: Visit, serve: Callable[..., Any], reading: Callable[..., Any]
    ) -> None:
        message = await visit.adapter.send(visit.chat, Page("half"), key="t/0")
        settings = WebSettings(token=SecretStr(TOKEN))
        again = WebAdapter("web", settings, FakeHost(visit.transcript))
        await again.open()
        async with serve(again.routes()) as base:
            visit.base = base
            async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
                await reader.step()
                await again.edit(message, Page("half and more"))
                await reader.until(lambda r: r.texts() == ["half and more"])
                assert await again.send(visit.chat, Page("whole"), key="t/0") == message
                await again.edit(message, Page("the whole", final=True))
                await reader.until(lambda r: r.texts() == ["the whole"])
        await again.close()

    async def test_a_post_shows_before_the_commit_and_goes_if_it_fails(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        slow = SlowTranscript()
        adapter = WebAdapter("web", WebSettings(access="open"), FakeHost(slow))
        await slow.open_chat("c")
        chat = ChatRef("web", "web", "c")
        live = adapter._chats.live("c")
        reader = live.join()
        sending = asyncio.create_task(adapter.send(chat, Page("soon"), key="t/0"))
        assert b"soon" in await reader.frames(5)
        assert not sending.done()
        slow.failing = True
        slow.gate.set()
        with pytest.raises(Unreachable):
            await sending
        assert b"withdrawn" in await reader.frames(5)

    async def test_typing_is_shown(self, visit: Visit, reading: Callable[..., Any]) -> None:
        assert isinstance(visit.adapter, ShowsTyping)
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            await visit.adapter.typing(visit.chat)
            await reader.until(lambda r: r.frames[-1][0] == "typing")
            assert reader.frames[-1][1] == {"seconds": 6.0}

    async def test_another_tab_sees_what_was_posted_and_by_which_id(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            _, body = await visit.post({"id": "from-tab-1", "text": "hello"})
            await reader.until(lambda r: r.texts("user") == ["hello"])
            assert reader.messages[0]["id"] == body["id"]
            assert reader.messages[0]["client"] == "from-tab-1"

    async def test_a_slow_reader_gets_the_newest_and_not_a_backlog(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            text = "# start\n"
            message = await visit.adapter.send(visit.chat, Page(text), key="t/0")
            for number in range(3000):  # far more than the socket's buffers hold
                text = f"# {number}\n" + "word " * 400
                await visit.adapter.edit(message, Page(text))
            await visit.adapter.edit(message, Page("the end", final=True))
            await reader.until(lambda r: r.texts() == ["the end"])
        assert len(reader.frames) < 3000

    async def test_close_ends_the_streams(self, visit: Visit, reading: Callable[..., Any]) -> None:
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            await visit.adapter.close()
            with pytest.raises(EOFError):
                await reader.step()

    async def test_the_oldest_of_too_many_pages_makes_room(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        async with AsyncExitStack() as open_pages:
            readers = []
            for _ in range(MOST_READERS + 1):
                page = reading(visit.http, f"{visit.url}/events", visit.headers)
                readers.append(await open_pages.enter_async_context(page))
                await readers[-1].step()
            async with asyncio.timeout(30):
                with pytest.raises(EOFError):
                    await readers[0].step()
            await visit.adapter.send(visit.chat, Page("hi"), key="t/0")
            for reader in readers[1:]:
                await reader.until(lambda r: r.texts() == ["hi"])

    async def test_a_reader_that_left_is_released(
        self, visit: Visit, reading: Callable[..., Any]
    ) -> None:
        async with reading(visit.http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            message = await visit.adapter.send(visit.chat, Page("a"), key="t/0")
        live = visit.adapter._chats.seen(visit.chat.chat)
        async with asyncio.timeout(30):
            while live.subscribers:  # nothing is written meanwhile: the closed line is enough
                await asyncio.sleep(0)
        await visit.adapter.edit(message, Page("a", final=True))
        assert visit.adapter._chats.seen(visit.chat.chat) is None


class SlowTranscript(MemoryTranscript):
    """A database whose commits wait for a word."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def append(self, *args: Any, **kwargs: Any) -> Any:
        await self.gate.wait()
        return await super().append(*args, **kwargs)
