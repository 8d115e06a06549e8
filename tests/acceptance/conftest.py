"""A world for each test: a platform, a Coze, a folder; its daemons end with it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon_process import World, agent

from bridge.emulator import Emulator, serve
from bridge.testing.loopback import Loopback


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Everybody the bridge talks to, in this process."""
    async with Loopback() as platform, serve(Emulator(agent=agent, pace=0.02)) as coze:
        world = World(platform, coze, tmp_path)
        yield world
        for daemon in world.daemons:
            daemon.kill()
            if daemon.log.is_file():  # pytest shows it where the test failed
                sys.stderr.write(daemon.log.read_text(encoding="utf-8"))
