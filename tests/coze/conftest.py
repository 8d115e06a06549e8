"""What most tests of the client need: a server that plays bytes, and time that is skipped.

Client and server share a loop and its clock, so whoever falls silent is given up at once, and
never because the machine was busy.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from bridge.testing.clock import Clock, ClockLoop
from bridge.testing.wire_server import WireServer, wire_server

THREADED = {"cozepy_conformance_test"}  # the loop's time stands still while one waits for a thread


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.stem in THREADED:
        return {"real": asyncio.new_event_loop}
    return {"clock": lambda: ClockLoop(Clock())}


@pytest.fixture
async def loop_clock() -> Clock:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockLoop)
    return loop.clock


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    """A server that plays bytes."""
    async with wire_server() as server:
        yield server
