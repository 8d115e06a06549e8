"""A whole bridge in this process, between a Telegram and a Coze, both over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.settings import TelegramSettings
from bridge.adapter import Adapter, MenuItem, News, Sink, Transcript, Vault
from bridge.app import Bridge, open_bridge, utcnow
from bridge.config import (
    AgentSettings,
    CozeSettings,
    DatabaseSettings,
    ServerSettings,
    SessionSettings,
    Settings,
)
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Scenario
from bridge.emulator import Emulator as Coze
from bridge.errors import Transient, Unreachable
from bridge.flow.supervise import supervise
from bridge.testing.transcript import FakeNews
from bridge.web.server import ServesHttp, Status, serve_http
from tests.telegram.emulator import TOKEN, Emulator

ACCOUNT = "telegram"
PATIENCE = 5.0  # seconds to wait for what should happen at once
GRACE = 0.2  # seconds running answers get when a test is over
BRISK = 0.05  # seconds between two edits, where a test is not about pacing


def telegram_settings(url: str, **table: object) -> TelegramSettings:
    """A table of the configuration that leads to an emulator at `url`."""
    given = {"platform": "telegram", "token": TOKEN, "api_base_url": url, **table}
    return TelegramSettings.model_validate(given)


class LentHost:
    """What a bridge lends to an adapter, without a database. moved: the chats that did."""

    def __init__(self, public_url: str = "") -> None:
        self._public_url = public_url
        self.moved: list[tuple[str, str]] = []
        self.failing = False  # whether the database is out of reach

    @property
    def transcript(self) -> Transcript:
        raise NotImplementedError("Telegram keeps its messages itself")

    @property
    def news(self) -> News:
        return FakeNews()

    @property
    def menus(self) -> Mapping[str, Sequence[MenuItem]]:
        return {}

    @property
    def public_url(self) -> str:
        return self._public_url

    @property
    def vault(self) -> Vault:
        raise NotImplementedError("a bot has no secrets of others")

    async def secret(self, name: str) -> str:
        return f"secret-of-{name}"

    async def chat_moved(self, old: str, new: str) -> None:
        if self.failing:
            raise Unreachable("the commit failed")
        self.moved.append((old, new))


class Supervised(TelegramAdapter):
    """An adapter that is run again when it fails, as the bridge does, only sooner."""

    receiving = False

    async def run(self, sink: Sink) -> None:
        async def soon(_: float) -> None:
            await asyncio.sleep(0.01)

        self.receiving = True
        try:
            again = partial(super().run, sink)
            await supervise(again, passing=Transient, failed=lambda *_: None, sleep=soon)
        finally:
            self.receiving = False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(holds: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Wait for something that no emulator tells of. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.002)


async def eventually_well(adapter: Adapter) -> None:
    """Wait until an adapter has nothing to complain of."""
    await eventually(lambda: adapter.trouble() is None)


@dataclass(frozen=True, slots=True)
class Running:
    """A bridge at work. url: of its web server."""

    bridge: Bridge
    url: str

    @property
    def adapter(self) -> Adapter:
        return self.bridge.adapters[ACCOUNT]

    async def problems(self) -> dict[str, str]:
        """What /readyz complains of."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/readyz") as response:
            body = await response.json()
            assert response.status == (503 if body["problems"] else 200)
            return dict(body["problems"])

    async def until_problem(self, words: str, *, within: float = PATIENCE) -> str:
        """Wait until /readyz complains of the adapter in these words."""
        async with asyncio.timeout(within):
            while words not in (told := (await self.problems()).get(f"adapters.{ACCOUNT}", "")):
                await asyncio.sleep(0.01)
            return told


@dataclass(slots=True)
class World:
    """Both far sides, and the bridges a test starts between them."""

    telegram: Emulator
    coze: Coze
    folder: Path
    agent: AgentSettings = field(default_factory=lambda: AgentSettings(bot_id=DEMO_BOT_ID))

    def script(self, match: str, **scenario: object) -> None:
        """Say what Coze does with questions that match."""
        self.coze.install(Scenario(match=match, **scenario))  # type: ignore[arg-type]

    def questions(self) -> list[str]:
        """What Coze was asked and accepted, in order."""
        return [asked.text for asked in self.coze.asked]

    def settings(self, sessions: dict[str, object], table: dict[str, object]) -> Settings:
        port = free_port() if table.get("mode") == "webhook" else 0
        return Settings(
            coze=CozeSettings.model_validate({"base_url": self.coze.url, "token": DEMO_TOKEN}),
            agents={"default": self.agent},
            adapters={ACCOUNT: telegram_settings(self.telegram.url, **table)},
            sessions=SessionSettings.model_validate({"merge_window": 0, **sessions}),
            database=DatabaseSettings(url=f"sqlite:///{self.folder / 'bridge.db'}"),
            server=ServerSettings(
                port=port,
                public_url=f"http://127.0.0.1:{port}" if port else "",
                grace=GRACE,
            ),
        )

    @asynccontextmanager
    async def running(
        self, sessions: dict[str, object] | None = None, *, well: bool = True, **table: object
    ) -> AsyncIterator[Running]:
        """Run a bridge until the block ends. table: keys of its Telegram account.

        well: wait until it has begun to receive.
        """
        brisk: dict[str, object] = {"edit_interval_private": BRISK, "edit_interval_group": BRISK}
        settings = self.settings(sessions or {}, {**brisk, **table})
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(open_bridge(settings))
            served = [each for each in bridge.adapters.values() if isinstance(each, ServesHttp)]
            parts = [Status(bridge.health, utcnow), *served]
            url = await stack.enter_async_context(serve_http(settings.server, parts))
            stop = asyncio.Event()
            task = asyncio.create_task(bridge.run(stop))
            try:
                if well:
                    await eventually_well(bridge.adapters[ACCOUNT])
                yield Running(bridge, url)
            finally:
                stop.set()
                await asyncio.wait([task])
            await task
