"""A real PostgreSQL with our schema and the queue's, and engines on it as replicas would be."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.engine import URL

from bridge.engine.cluster import apply_schema
from bridge.store import Store, migrate, open_store
from bridge.testing import postgres
from tests.store.conftest import pg_server

__all__ = ["pg_server"]


@pytest.fixture
def url(pg_server: URL) -> Iterator[str]:
    with postgres.database(pg_server) as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    await migrate(url)
    await apply_schema(url)
    opened = await open_store(url)
    yield opened
    await opened.close()
