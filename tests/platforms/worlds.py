"""A whole bridge in this process, and what tests of every platform wait for."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

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
from bridge.emulator import DEMO_TOKEN
from bridge.errors import Transient
from bridge.flow.supervise import supervise
from bridge.platform import AdapterSettings
from bridge.web.server import ServesHttp, Status, serve_http

PATIENCE = 30.0  # seconds until a test gives up waiting for what should happen at once
GRACE = 0.2  # seconds running answers get when a test is over

if TYPE_CHECKING:
    _Base = Adapter
else:
    _Base = object


class RunAgain(_Base):
    """Makes an adapter one that is run again when it fails, as the bridge does, only sooner."""

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


def settings_of(
    account: str,
    table: AdapterSettings,
    *,
    coze: str,
    agent: AgentSettings,
    folder: Path,
    sessions: dict[str, object],
    served: bool,
) -> Settings:
    """A configuration with one account. coze: where it is; served: whether others must reach us."""
    port = free_port() if served else 0
    return Settings(
        coze=CozeSettings.model_validate({"base_url": coze, "token": DEMO_TOKEN}),
        agents={"default": agent},
        adapters={account: table},
        sessions=SessionSettings.model_validate({"merge_window": 0, **sessions}),
        database=DatabaseSettings(url=f"sqlite:///{folder / 'bridge.db'}"),
        server=ServerSettings(
            port=port,
            public_url=f"http://127.0.0.1:{port}" if port else "",
            grace=GRACE,
        ),
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A bridge at work, with one account. url: of its web server."""

    bridge: Bridge
    url: str

    @property
    def account(self) -> str:
        (account,) = self.bridge.adapters
        return account

    @property
    def adapter(self) -> Adapter:
        return self.bridge.adapters[self.account]

    async def problems(self) -> dict[str, str]:
        """What /readyz complains of."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/readyz") as response:
            body = await response.json()
            assert response.status == (503 if body["problems"] else 200)
            return dict(body["problems"])

    async def until_problem(self, words: str, *, within: float = PATIENCE) -> str:
        """Wait until /readyz complains of the adapter in these words."""
        part = f"adapters.{self.account}"
        async with asyncio.timeout(within):
            while words not in (told := (await self.problems()).get(part, "")):
                await asyncio.sleep(0.01)
            return told


@asynccontextmanager
async def running(
    settings: Settings, *, well: bool, listening: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Running]:
    """Run a bridge until the block ends.

    well: wait until it has begun to receive. listening: told where its web server is, before.
    """
    async with AsyncExitStack() as stack:
        bridge = await stack.enter_async_context(open_bridge(settings))
        served = [each for each in bridge.adapters.values() if isinstance(each, ServesHttp)]
        parts = [Status(bridge.health, utcnow), *served]
        url = await stack.enter_async_context(serve_http(settings.server, parts))
        listening(url)
        stop = asyncio.Event()
        task = asyncio.create_task(bridge.run(stop))
        found = Running(bridge, url)
        try:
            if well:
                await eventually_well(found.adapter)
            yield found
        finally:
            stop.set()
            await asyncio.wait([task])
        await task
