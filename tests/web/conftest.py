"""The same virtual time as the stages have: a real server, and nobody waits for a clock."""

from tests.stages.conftest import (
    agent,
    clock,
    pytest_asyncio_loop_factories,
    store,
    template,
    world,
)

__all__ = [
    "agent",
    "clock",
    "pytest_asyncio_loop_factories",
    "store",
    "template",
    "world",
]
