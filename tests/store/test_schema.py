"""Migrations make the tables that the code expects, on both databases."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, make_url

from bridge.errors import Misconfigured, Permanent
from bridge.store import migrate, open_store, schema_state
from bridge.store.postgres import conninfo
from bridge.store.secrets import secret
from bridge.store.tables import metadata
from bridge.testing import postgres


def engine_for(url: str):  # type: ignore[no-untyped-def]
    parsed = make_url(url)
    driver = "postgresql+psycopg" if parsed.get_backend_name() == "postgresql" else "sqlite"
    return create_engine(parsed.set(drivername=driver))


async def test_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    await migrate(url)
    engine = engine_for(url)
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    assert difference == []
    assert names == set(metadata.tables) | {"alembic_version"}


async def test_migrating_twice_changes_nothing(url: str) -> None:
    first = await migrate(url)
    assert await migrate(url) == first
    state = await schema_state(url)
    assert state.up_to_date
    assert state.current == first


@pytest.mark.postgres
async def test_two_may_migrate_at_once(pg_server: URL) -> None:
    code = (
        "import asyncio, sys; from bridge.store import migrate; asyncio.run(migrate(sys.argv[1]))"
    )
    with postgres.database(pg_server) as url:
        command = [sys.executable, "-c", code, url]
        both = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
        async with asyncio.timeout(60):
            assert [await process.wait() for process in both] == [0, 0, 0]


async def test_an_empty_database_is_not_up_to_date(url: str) -> None:
    state = await schema_state(url)
    assert state.current is None
    assert not state.up_to_date


async def test_a_schema_newer_than_the_program_is_refused(url: str) -> None:
    await migrate(url)
    engine = engine_for(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Permanent, match=r"9999.* is newer than this coze-bridge"):
        await open_store(url)


async def test_a_second_daemon_on_one_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'one.db'}"
    first = await open_store(url)
    with pytest.raises(Permanent, match="in use by another coze-bridge"):
        await open_store(url)
    await first.close()
    await (await open_store(url)).close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://localhost/x", "mysql is not supported"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////no/such/folder/x.db", "there is no folder"),
        ("postgresql://anna:secret@host/x?sslmod=require", 'invalid connection option "sslmod"'),
    ],
)
async def test_a_url_that_cannot_work_names_its_key(url: str, problem: str) -> None:
    with pytest.raises(Misconfigured, match=f"database.url: .*{problem}"):
        await open_store(url)


def test_a_url_means_the_same_to_all_who_connect() -> None:
    read = conninfo_to_dict(conninfo("postgresql://anna:se/cr%zz@/x?host=one:1&host=two:2"))
    assert read == {
        "user": "anna",
        "password": "se/cr%zz",
        "dbname": "x",
        "host": "one,two",
        "port": "1,2",
        "connect_timeout": "5",
        "tcp_user_timeout": "10000",
    }
    patient = conninfo_to_dict(conninfo("postgresql://host/x?connect_timeout=60"))
    assert patient["connect_timeout"] == "60"


async def test_without_its_driver_the_extra_is_named() -> None:
    code = (
        "import asyncio, sys; sys.modules['psycopg'] = None\n"
        "from bridge.errors import Misconfigured; from bridge.store import open_store\n"
        "try: asyncio.run(open_store('postgresql://host/x'))\n"
        "except Misconfigured as error: print(error)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE)
    told, _ = await process.communicate()
    assert b"coze-bridge[cluster]" in told


async def test_a_file_that_is_no_database_is_named_as_that(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("a shopping list, and long enough to be looked at" * 20)
    with pytest.raises(Permanent, match="file is not a database"):
        await open_store(f"sqlite:///{tmp_path / 'x.db'}")


async def test_a_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'x.db'}")
    await store.write(secret("key"))
    modes = [os.stat(f"{tmp_path}/x.db{end}").st_mode & 0o777 for end in ("", "-wal", "-shm")]  # noqa: PTH116  three local files
    await store.close()
    assert modes == [0o600, 0o600, 0o600]
