"""A world for each test: a platform, a Coze, a folder; its daemons end with it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon_process import Daemon, World, agent
from slack_world import HURRY, SlackWorld, blunders
from telegram_world import TelegramWorld

from bridge.emulator import Emulator, serve
from bridge.testing.loopback import Loopback
from tests.slack.emulator import Emulator as Slack
from tests.slack.emulator import serve as serve_slack
from tests.telegram.emulator import Emulator as Telegram
from tests.telegram.emulator import serve as serve_telegram


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Everybody the bridge talks to, in this process."""
    async with Loopback() as platform, serve(Emulator(agent=agent, pace=0.02)) as coze:
        world = World(platform, coze, tmp_path)
        yield world
        end(world.daemons)


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[TelegramWorld]:
    """Telegram and Coze, in this process. Nothing may be sent that Telegram would refuse."""
    coze = Emulator(agent=agent, pace=0.02)
    async with serve_telegram(Telegram()) as platform, serve(coze):
        world = TelegramWorld(platform, coze, tmp_path)
        yield world
        end(world.daemons)
        assert platform.violations == []


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    """Slack and Coze, in this process. Nothing may be sent that is wrong in itself."""
    coze = Emulator(agent=agent, pace=0.02)
    async with serve_slack(Slack()) as platform, serve(coze):
        platform.deliveries.pauses = HURRY
        world = SlackWorld(platform, coze, tmp_path)
        yield world
        end(world.daemons)
        assert blunders(platform) == []
        assert platform.pings == []


def end(daemons: list[Daemon]) -> None:
    """Kill what still runs, and let pytest show the logs where the test failed."""
    for daemon in daemons:
        daemon.kill()
        if daemon.log.is_file():
            sys.stderr.write(daemon.log.read_text(encoding="utf-8"))
