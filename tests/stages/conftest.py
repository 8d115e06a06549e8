"""Virtual time for every test here, and one world of fakes around the real stages."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from bridge.store import open_store
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import ScriptedAgent
from bridge.testing.clock import Clock, ClockLoop
from bridge.testing.filing import FilingAdapter
from tests.stages.bringing import on
from tests.stages.telling import SOURCES, configured
from tests.stages.world import PatientStore, World


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"clock": lambda: ClockLoop(Clock())}


@pytest.fixture
async def clock() -> Clock:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockLoop)
    return loop.clock


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with our schema, to be copied: making one takes longer than a test."""
    path = tmp_path_factory.mktemp("template") / "bridge.db"

    async def make() -> None:
        await (await open_store(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def store(tmp_path: Path, template: Path) -> AsyncIterator[PatientStore]:
    shutil.copy(template, tmp_path / "bridge.db")
    opened = PatientStore(await open_store(f"sqlite:///{tmp_path / 'bridge.db'}"))
    yield opened
    await opened.close()


@pytest.fixture
async def world(store: PatientStore, clock: Clock) -> World:
    return World(store, clock)


@pytest.fixture
async def adapter(world: World) -> FakeAdapter:
    assert isinstance(world.adapter, FakeAdapter)
    return world.adapter


@pytest.fixture
async def agent(world: World) -> ScriptedAgent:
    return world.agent


@pytest.fixture
def told(world: World, agent: ScriptedAgent) -> list[dict[str, str]]:
    """What the agent is told, call by call, from now on."""
    agent.clock = world.clock.now
    return configured(world, SOURCES)


@pytest.fixture
async def platform(world: World, clock: Clock) -> FilingAdapter:
    """The world's platform, with files."""
    return on(world, clock)
