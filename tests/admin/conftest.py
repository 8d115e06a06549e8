"""A bridge with an operator's page, and somebody at its door."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.admin.stage import Stage, Visitor, built


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with built(tmp_path) as stage, stage.served():
        yield stage


@pytest.fixture
async def stranger(stage: Stage) -> AsyncIterator[Visitor]:
    """Somebody who has not signed in."""
    jar = aiohttp.CookieJar(unsafe=True)  # it is to keep those of 127.0.0.1
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Visitor(http, stage.url)


@pytest.fixture
async def operator(stranger: Visitor) -> Visitor:
    """The same, signed in."""
    assert await stranger.sign_in() == 303
    return stranger
