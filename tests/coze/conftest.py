"""What most tests of the client need."""

from collections.abc import AsyncIterator

import pytest

from bridge.testing.wire_server import WireServer, wire_server


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    """A server that plays bytes."""
    async with wire_server() as server:
        yield server
