"""An agent that asks a server which plays bytes: fixtures to be imported."""

from collections.abc import AsyncIterator

import pytest

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.testing.wire_server import WireServer

SETTINGS = ClientSettings(
    connect_timeout=1.0,
    idle_timeout=1.0,
    call_timeout=5.0,
    max_concurrent_turns=1,
    retry_wait=0.001,
)


@pytest.fixture
async def agent(server: WireServer) -> AsyncIterator[CozeAgent]:
    async with CozeClient(server.url, Pat("pat_x"), SETTINGS) as client:
        yield CozeAgent(client, bot_id="b1")
