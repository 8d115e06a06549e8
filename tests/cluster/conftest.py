"""A real PostgreSQL with our schema and the queue's, and engines on it as replicas would be."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.engine import URL

from bridge.engine.cluster import apply_schema
from bridge.store import Store, migrate, open_store
from bridge.testing import postgres
from tests.store.conftest import pg_server

__all__ = ["pg_server"]


@pytest.fixture(scope="session")
def pg_queue_model(pg_server: URL) -> Iterator[str]:
    """To be copied: making one takes longer than a test."""

    async def make_ready(url: str) -> None:
        await migrate(url)
        await apply_schema(url)

    with postgres.database(pg_server) as made:
        asyncio.run(make_ready(made))
        yield made


@pytest.fixture
def url(request: pytest.FixtureRequest, pg_server: URL) -> Iterator[str]:
    """A database: with both schemas for whoever asks for the `store` in it, else empty."""
    is_ready = "store" in request.fixturenames
    model = request.getfixturevalue("pg_queue_model") if is_ready else ""
    with postgres.database(pg_server, like=model) as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    yield opened
    await opened.close()
