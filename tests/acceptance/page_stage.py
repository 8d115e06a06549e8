"""A stage for browser tests: the web adapter on a small server, played by a scripted agent."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from adapters.web.adapter import WebAdapter
from adapters.web.settings import WebSettings
from bridge.adapter import Download, Outgoing
from bridge.errors import Unreachable
from bridge.events import Button, ChatRef, Enclosure, EnclosureKind, Inbound, MessageRef
from bridge.events import Page as Shown
from bridge.testing.transcript import FakeHost

Script = Callable[["Stage", Inbound], Awaitable[object]]

PATIENCE = 30.0  # seconds until a test gives up waiting
expect.set_options(timeout=PATIENCE * 1000)

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",  # and somebody who allows it
]

# The browser itself reports failed requests; a page cannot keep it from doing so.
_NETWORK = re.compile(r"^Failed to load resource|net::ERR_|ERR_INCOMPLETE_CHUNKED")


# WCAG 2 contrast of every visible text against the nearest background that is not transparent.
CONTRAST = """() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (text) => {
        const [r, g, b] = rgb(text).map((v) => v / 255)
            .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if ((rgb(colour)[3] ?? 1) > 0.99) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        if (element.closest(".unseen, template, noscript")) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found.push([walker.currentNode.data.trim(), ratio]);
    }
    return found;
}"""


# What can be touched and is lower than a finger is thick (44 CSS pixels, WCAG 2.5.5), or, a button,
# narrower. A box to tick may have a label around it that is touched in its place.
TOO_SMALL = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((e) => e.checkVisibility() && !e.disabled && !e.matches(".skip"))
    .map((e) => [e, (e.closest("label") ?? e).getBoundingClientRect()])
    .filter(([e, { width, height }]) => height < 44 || (e.matches("button") && width < 44))
    .map(([e, { width, height }]) => `${e.id || e.ariaLabel || e.innerText} ${width} ${height}`)"""


def chromium() -> str:
    """The browser's path; skips the test where there is none, and fails it on CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI"):
        pytest.fail("chromium is not installed, so the page was not tested")
    if path is None:
        pytest.skip("chromium is not installed: the page is NOT tested here")
    return path


async def echo(stage: "Stage", event: Inbound) -> None:
    """Answer in one piece."""
    await stage.say(f"You said: {event.text}")


async def quiet(stage: "Stage", event: Inbound) -> None:
    """Say nothing: the test speaks for the agent."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something on the server's side."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Stage:
    """One account of the chat page. It can be stopped and started like a daemon.

    script: what the agent does with each message, in a task of its own.
    refusing: while true no message is committed.
    """

    settings: WebSettings
    script: Script = echo
    refusing: bool = False
    heard: list[Inbound] = field(default_factory=list)
    host: FakeHost = field(default_factory=FakeHost)
    adapter: WebAdapter = field(init=False)
    chat: ChatRef = field(init=False)
    url: str = ""
    port: int = 0
    _keys: "count[int]" = field(default_factory=count)
    _tasks: set["asyncio.Future[object]"] = field(default_factory=set)

    async def start(self) -> None:
        self.adapter = WebAdapter("web", self.settings, self.host)
        await self.adapter.open()
        app = web.Application()
        app.add_routes(self.adapter.routes())
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._receiving = asyncio.create_task(self.adapter.run(self._sink))

    async def stop(self) -> None:
        self._receiving.cancel()
        await asyncio.wait([self._receiving, *self._tasks])
        await self.adapter.close()
        await self._runner.cleanup()

    async def _sink(self, event: Inbound) -> None:
        if self.refusing:
            raise Unreachable("the database is away")
        if event.event_id in {known.event_id for known in self.heard}:
            return
        self.heard.append(event)
        self.chat = event.chat
        task = asyncio.ensure_future(self.script(self, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def say(
        self,
        text: str,
        *,
        final: bool = True,
        buttons: tuple[Button, ...] = (),
        rates: bool = False,
    ) -> MessageRef:
        page = Shown(text, final=final, buttons=buttons, rates=rates)
        return await self.adapter.send(self.chat, page, key=f"stage/{next(self._keys)}")

    async def send(self, kind: EnclosureKind, name: str, content: bytes) -> MessageRef:
        """Post a file."""
        enclosure = Enclosure(kind, name, url="https://files.example/it")
        outgoing = Outgoing(enclosure, "", lambda: _reading(content))
        return await self.adapter.send_file(self.chat, outgoing, key=f"stage/{next(self._keys)}")

    async def read(self, number: int = 0) -> bytes:
        """Read a file of the newest message as the core does."""
        event = self.heard[-1]
        async with self.adapter.fetch(event.chat, event.attachments[number]) as download:
            return b"".join([piece async for piece in download.content])

    async def change(
        self,
        message: MessageRef,
        text: str,
        *,
        final: bool = False,
        buttons: tuple[Button, ...] = (),
    ) -> None:
        await self.adapter.edit(message, Shown(text, final=final, buttons=buttons))

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.heard]

    async def __aenter__(self) -> "Stage":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


@asynccontextmanager
async def _reading(content: bytes) -> AsyncIterator[Download]:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    yield Download(pieces(), len(content))


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A real Chromium."""
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a process, each of which has a context of its own in it.

    It belongs to the loop of the whole session, so they are `beside_it`, and so are the fixtures
    that they wait for.
    """
    async with launched() as browser:
        yield browser


beside_it = pytest.mark.asyncio(loop_scope="session")
beside_browser = pytest_asyncio.fixture(loop_scope="session")


@dataclass
class Reader:
    """One person in front of the page: a tab, and the handles on what is in it."""

    page: Page
    noise: list[str]

    @classmethod
    async def sit_down(cls, context: BrowserContext) -> "Reader":
        page, noise = await context.new_page(), []
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", lambda dialog: noise.append(f"dialog: {dialog.message}"))
        return cls(page, noise)

    @property
    def complaints(self) -> list[str]:
        """What the page itself put on the console."""
        return [line for line in self.noise if not _NETWORK.search(line)]

    async def write(self, text: str) -> None:
        await self.page.fill("#words", text)
        await self.page.press("#words", "Enter")

    async def has_said_all(self) -> None:
        """Wait until the page knows that the server has its words: it says the rest again."""
        await self.until(
            "Object.keys(localStorage).filter((name) => name.startsWith('coze-bridge:outbox:'))"
            ".every((name) => localStorage.getItem(name) === '[]')"
        )

    async def sees(self, selector: str, text: str, *, times: int = 1) -> None:
        """Wait until exactly `times` elements show exactly `text`."""
        await self.page.wait_for_function(
            """([selector, text, times]) =>
                [...document.querySelectorAll(selector)]
                    .filter((e) => e.checkVisibility() && e.innerText.trim() === text)
                    .length === times""",
            arg=[selector, text, times],
        )

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression holds."""
        await self.page.wait_for_function(f"() => {expression}")

    async def count(self, selector: str) -> int:
        return await self.page.locator(selector).count()
