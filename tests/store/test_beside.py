"""A database that another process works on."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bridge.errors import BridgeError, Misconfigured, Permanent
from bridge.store import Store, holder_of, migrate, open_beside, open_store
from bridge.store.secrets import secret
from bridge.store.tables import secrets


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(secrets.c.name)).scalars())


def content(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def fill(file: Path, content: bytes) -> None:
    file.write_bytes(content)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


async def test_both_read_and_write(store: Store, url: str) -> None:
    beside = await open_beside(url)
    try:
        await beside.write(secret("theirs"))
        await store.write(secret("ours"))
        assert await beside.read(names) == await store.read(names) == {"ours", "theirs"}
    finally:
        await beside.close()


async def test_many_writes_of_both_wait_for_each_other(file: Path) -> None:
    url = f"sqlite:///{file}"
    store = await open_store(url)
    beside = await open_beside(url)
    try:
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(store.write(secret(f"ours {n}")) for n in range(200)),
                *(beside.write(secret(f"theirs {n}")) for n in range(50)),
            )
        assert len(await store.read(names)) == 250
    finally:
        await beside.close()
        await store.close()


async def test_what_fails_leaves_nothing(store: Store, url: str) -> None:
    def broken(connection: Connection) -> None:
        secret("half")(connection)
        raise KeyError("bug")

    beside = await open_beside(url)
    try:
        with pytest.raises(KeyError):
            await beside.write(broken)
    finally:
        await beside.close()
    assert await store.read(names) == set()


async def test_reading_is_only_reading(file: Path) -> None:
    url = f"sqlite:///{file}"
    await migrate(url)
    beside = await open_beside(url)
    try:
        with pytest.raises(BridgeError, match="readonly"):
            await beside.read(secret("a"))
    finally:
        await beside.close()


async def test_a_database_that_is_not_there_is_not_made(file: Path) -> None:
    with pytest.raises(Permanent, match=r"there is no database .*bridge\.db yet"):
        await open_beside(f"sqlite:///{file}")
    assert content(file) is None


async def test_an_old_schema_is_refused_with_what_to_do(file: Path) -> None:
    await migrate(f"sqlite:///{file}")
    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    with pytest.raises(Permanent, match=r"\(0001\) is older .* run `coze-bridge migrate`"):
        await open_beside(f"sqlite:///{file}")


async def test_an_empty_file_is_refused_and_stays_empty(file: Path) -> None:
    fill(file, b"")
    with pytest.raises(Permanent, match=r"\(none\) is older"):
        await open_beside(f"sqlite:///{file}")
    assert content(file) == b""


async def test_a_newer_schema_is_refused(file: Path) -> None:
    await migrate(f"sqlite:///{file}")
    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = 'future'")
    database.close()
    with pytest.raises(Permanent, match="newer than this coze-bridge"):
        await open_beside(f"sqlite:///{file}")


async def test_what_is_no_database_is_said_to_be_none(file: Path) -> None:
    fill(file, b"not a database" * 99)
    with pytest.raises(Permanent, match="not a database"):
        await open_beside(f"sqlite:///{file}")


async def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(Misconfigured, match="mysql"):
        await open_beside("mysql://localhost/x")


async def test_who_has_the_database_is_told(file: Path) -> None:
    assert holder_of(file) == ""
    store = await open_store(f"sqlite:///{file}")
    assert holder_of(file).isdecimal()
    await store.close()
    assert holder_of(file) == ""
