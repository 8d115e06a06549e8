"""A whole bridge in this process, between a Slack and a Coze, both over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from adapters.slack.adapter import SlackAdapter
from adapters.slack.settings import SlackSettings
from adapters.slack.socket import Timing
from bridge.adapter import Adapter, Sink
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
from bridge.errors import Transient
from bridge.events import Inbound
from bridge.flow.supervise import supervise
from bridge.testing.contract import RecordingSink, receiving
from bridge.testing.transcript import FakeHost
from bridge.web.server import ServesHttp, Status, serve_http
from tests.slack.emulator import Emulator

ACCOUNT = "slack"
PATIENCE = 5.0  # seconds to wait for what should happen at once
GRACE = 0.2  # seconds running answers get when a test is over
HASTY = Timing(last_words=0.5, short_life=0.0, waits=(0.01, 0.02))


def slack_settings(slack: Emulator, **table: object) -> SlackSettings:
    """A table of the configuration that leads to an emulator, in the emulator's mode."""
    secrets = {"app_token": slack.app_token}
    if slack.mode == "http":
        secrets = {"signing_secret": slack.signing_secret}
    given = {
        "platform": "slack",
        "mode": slack.mode,
        "bot_token": slack.token,
        "api_base_url": f"{slack.url}/api/",
        **secrets,
        **table,
    }
    return SlackSettings.model_validate(given)


class Supervised(SlackAdapter):
    """An adapter that is run again when it fails, as the bridge does, only sooner."""

    timing = HASTY
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
class Listening:
    """An adapter on its own, and what it heard."""

    slack: Emulator
    adapter: Supervised
    sink: RecordingSink

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.sink.events]

    async def heard(self, *texts: str) -> list[Inbound]:
        """Wait until exactly these were heard, in this order, and all is acknowledged."""
        await eventually(lambda: len(self.sink.events) >= len(texts))
        await self.settled()
        assert self.texts == list(texts)
        return list(self.sink.events)

    async def settled(self) -> None:
        """Wait until everything was acknowledged."""
        await self.slack.until(lambda it: not it.deliveries.open, within=PATIENCE)


@asynccontextmanager
async def listening(
    slack: Emulator,
    *,
    host: FakeHost | None = None,
    sink: RecordingSink | None = None,
    **table: object,
) -> AsyncIterator[Listening]:
    """Run an adapter until the block ends. table: keys of its configuration."""
    sink = sink or RecordingSink()
    adapter = Supervised(ACCOUNT, slack_settings(slack, **table), host or FakeHost())
    await adapter.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(adapter.close)
        if slack.mode == "http":
            slack.hooks.use_real_time()
            server = ServerSettings(port=free_port())
            url = await stack.enter_async_context(serve_http(server, [adapter]))
            slack.hooks.url = f"{url}/slack/{ACCOUNT}/events"
        await stack.enter_async_context(receiving(adapter, sink))
        yield Listening(slack, adapter, sink)


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


@dataclass(frozen=True, slots=True)
class World:
    """Both far sides, and the bridges a test starts between them."""

    slack: Emulator
    coze: Coze
    folder: Path

    def script(self, match: str, **scenario: object) -> None:
        """Say what Coze does with questions that match."""
        self.coze.install(Scenario(match=match, **scenario))  # type: ignore[arg-type]

    def questions(self) -> list[str]:
        """What Coze was asked and accepted, in order."""
        return [asked.text for asked in self.coze.asked]

    def settings(self, sessions: dict[str, object], table: dict[str, object]) -> Settings:
        port = free_port() if self.slack.mode == "http" else 0
        return Settings(
            coze=CozeSettings.model_validate({"base_url": self.coze.url, "token": DEMO_TOKEN}),
            agents={"default": AgentSettings(bot_id=DEMO_BOT_ID)},
            adapters={ACCOUNT: slack_settings(self.slack, **table)},
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
        """Run a bridge until the block ends. table: keys of its Slack account.

        well: wait until it has begun to receive.
        """
        settings = self.settings(sessions or {}, table)
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(open_bridge(settings))
            served = [each for each in bridge.adapters.values() if isinstance(each, ServesHttp)]
            parts = [Status(bridge.health, utcnow), *served]
            url = await stack.enter_async_context(serve_http(settings.server, parts))
            self.slack.hooks.url = f"{url}/slack/{ACCOUNT}/events"
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
