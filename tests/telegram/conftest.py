"""Both emulators, and a world to run a bridge in."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.emulator import Emulator as Coze
from bridge.emulator import serve as serve_coze
from tests.telegram.emulator import Emulator, conformance, serve
from tests.telegram.world import World


@pytest.fixture(scope="session")
def models() -> None:
    """Importing the models takes seconds, which no test of a few should have to pay."""
    conformance.knows("getMe")


@pytest.fixture
def telegrams(models: None) -> Iterator[list[Emulator]]:
    """Every Telegram of a test. None of them may have seen a request the real one refuses."""
    made: list[Emulator] = []
    yield made
    assert [each.violations for each in made if each.violations] == []


@pytest.fixture
async def telegram(telegrams: list[Emulator]) -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        telegrams.append(emulator)
        yield emulator


@pytest.fixture
async def coze() -> AsyncIterator[Coze]:
    async with serve_coze(Coze(pace=0.001)) as emulator:
        yield emulator


@pytest.fixture
def world(telegram: Emulator, coze: Coze, tmp_path: Path) -> World:
    return World(telegram, coze, tmp_path)
