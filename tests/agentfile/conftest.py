"""An emulated Coze, a workbench that talks to it, and an empty folder for files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.agentfile.folder import AgentFile
from bridge.agentfile.sync import Keeper
from bridge.config import CozeSettings
from bridge.coze.bots import Bots, open_bots
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve


@dataclass
class Clock:
    """Seconds since 1970 that pass with every look at them."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0, clock=Clock())) as emulator:
        yield emulator


@pytest.fixture
async def bench(emulator: Emulator) -> AsyncIterator[Bots]:
    coze = CozeSettings(base_url=emulator.url, token=SecretStr(DEMO_TOKEN))
    async with open_bots(coze) as bench:
        yield bench


@pytest.fixture
def file(tmp_path: Path) -> AgentFile:
    return AgentFile(tmp_path / "agents" / "default.toml")


@pytest.fixture
def keeper(bench: Bots, file: AgentFile) -> Keeper:
    return Keeper(bench, DEMO_BOT_ID, file)
