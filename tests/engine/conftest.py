"""The same virtual time and world as the stages have."""

from tests.stages.conftest import (
    adapter,
    agent,
    clock,
    pytest_asyncio_loop_factories,
    store,
    template,
    world,
)

__all__ = [
    "adapter",
    "agent",
    "clock",
    "pytest_asyncio_loop_factories",
    "store",
    "template",
    "world",
]
