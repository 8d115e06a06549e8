"""Migrations make the tables that the code expects, on both databases."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url

from bridge.errors import Misconfigured, Permanent
from bridge.store import migrate, open_store, schema_state
from bridge.store.mark import marks, oldest, oldest_of
from bridge.store.postgres import conninfo
from bridge.store.schema import SCRIPTS, revisions
from bridge.store.secrets import secret
from bridge.store.tables import metadata
from bridge.testing import postgres

OURS = {"alembic_version", marks.name}  # of no use to anybody but a migration


def engine_for(url: str) -> Engine:
    parsed = make_url(url)
    driver = "postgresql+psycopg" if parsed.get_backend_name() == "postgresql" else "sqlite"
    return create_engine(parsed.set(drivername=driver))


async def test_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    await migrate(url)
    engine = engine_for(url)
    with engine.connect() as connection:
        options = {"include_name": lambda name, kind, _: kind != "table" or name not in OURS}
        context = MigrationContext.configure(connection, opts=options)
        difference = compare_metadata(context, metadata)
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    assert difference == []
    assert names == set(metadata.tables) | OURS


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


def test_the_revisions_told_without_alembic_are_those_it_knows() -> None:
    walked = ScriptDirectory(str(SCRIPTS)).walk_revisions()  # from the newest on
    assert revisions() == [script.revision for script in walked][::-1]


def said(url: str, *statements: str) -> None:
    """Do to a database what a program could do that comes later than this one."""
    engine = engine_for(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


NEWER = "UPDATE alembic_version SET version_num = '9999'"


@pytest.mark.parametrize(
    "mark",
    [
        "DROP TABLE schema_mark",
        "DELETE FROM schema_mark",
        "UPDATE schema_mark SET revision = '9998'",  # who made 9999 knows nothing of marks
        "UPDATE schema_mark SET revision = '9999', oldest = '9998'",
    ],
)
async def test_a_newer_schema_that_does_not_let_us_in_is_refused(url: str, mark: str) -> None:
    await migrate(url)
    said(url, NEWER, mark)
    for entering in (open_store, schema_state, migrate):
        with pytest.raises(Permanent, match=r"9999.* is newer than this coze-bridge"):
            await entering(url)


async def test_a_newer_schema_that_lets_us_in_is_used_as_it_is(url: str) -> None:
    ours = await migrate(url)
    said(url, NEWER, f"UPDATE schema_mark SET revision = '9999', oldest = '{ours}'")
    state = await schema_state(url)
    assert (state.current, state.head, state.is_newer) == ("9999", ours, True)
    assert await migrate(url) == "9999"
    store = await open_store(url)
    await store.write(secret("key"))
    await store.close()
    assert await schema_state(url) == state


def upgrade_to(url: str, revision: str) -> None:
    """Bring an empty database to a revision, as a program of that time did."""
    engine = engine_for(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


async def test_a_database_from_before_the_marks_gets_one(url: str) -> None:
    upgrade_to(url, "0005")
    ours = await migrate(url)
    engine = engine_for(url)
    with engine.connect() as connection:
        assert oldest(connection, ours) == oldest_of(ScriptDirectory(str(SCRIPTS)))
    engine.dispose()


@pytest.mark.postgres
async def test_a_backup_holds_a_migration_up_and_nobody_else(pg_server: URL) -> None:
    """Whoever waits for a whole table lets nobody else begin with it, not even to read."""
    with postgres.database(pg_server) as url:
        upgrade_to(url, "0005")
        engine = engine_for(url)
        with engine.connect() as backup, engine.connect() as reader:
            backup.execute(text("LOCK TABLE conversations IN ACCESS SHARE MODE"))
            migrating = asyncio.create_task(migrate(url))
            longest = 0.0
            while longest < 1.0:  # until it was in somebody's way
                assert not migrating.done()
                began = time.monotonic()
                await asyncio.to_thread(reader.execute, text("SELECT count(*) FROM conversations"))
                reader.rollback()
                longest = max(longest, time.monotonic() - began)
                await asyncio.sleep(0.05)
            assert longest < 10.0  # on a busy machine; without a limit, for as long as the backup
            backup.rollback()
            await migrating
        engine.dispose()
        assert (await schema_state(url)).up_to_date


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
        "keepalives": "1",
        "keepalives_idle": "5",
        "keepalives_interval": "2",
        "keepalives_count": "3",
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
