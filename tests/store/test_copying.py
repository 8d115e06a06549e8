"""Moving from SQLite to PostgreSQL: everything arrives, or nothing does."""

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Connection, create_engine, insert, select, text
from sqlalchemy.engine import URL, make_url

from bridge.errors import Misconfigured, Permanent
from bridge.events import ChatRef, Inbound, User
from bridge.store import Store, open_store
from bridge.store.copying import BATCH, Copied, copy
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.seal import Sealer
from bridge.store.secrets import secret
from bridge.store.sessions import Session
from bridge.store.tables import UtcDateTime, heartbeat, inbox, metadata, secrets
from bridge.store.transcripts import StoredTranscript
from bridge.store.vault import StoredVault
from bridge.testing import postgres

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TEXTS = ('it\'s "so"\ttabs\\N\nlines\r', "你好 🦊", "", "{}", "\\.", "a\0b")
ONLY_POSTGRES = {"buckets"}  # kept by replicas; a single process has no rows in it


def event(number: int, said: str = "hello") -> Inbound:
    return Inbound(f"e{number}", ChatRef("fake", "fake", "room"), User("u"), said, NOW)


def now() -> datetime:
    return NOW


@pytest.fixture
def target(pg_server: URL, pg_model: str) -> Iterator[str]:
    """An empty database that `coze-bridge migrate` has made ready."""
    with postgres.database(pg_server, like=pg_model) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file with some rows in every table."""
    url = f"sqlite:///{tmp_path / 'old.db'}"

    async def fill() -> None:
        store = await open_store(url)
        await store.write(_rows_of_everything)
        await StoredVault(store, await _sealer(store), "slack", now).put("token", "xoxb-1")
        await store.close()

    asyncio.run(fill())
    return url


async def _sealer(store: Store) -> Sealer:
    return Sealer("a long passphrase", await store.write(secret("vault")))


def _rows_of_everything(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if table.name not in ONLY_POSTGRES:
            connection.execute(insert(table), [_row(table, number) for number in range(1, 7)])


def _row(table: Any, number: int) -> dict[str, Any]:
    """Values of every kind, as odd as they may be; none where none is needed in every other."""
    is_empty = number % 2
    return {
        column.name: None if column.nullable and is_empty else _value(column, number)
        for column in table.columns
    }


def _value(column: Any, number: int) -> Any:
    if isinstance(column.type, UtcDateTime):
        return NOW + timedelta(microseconds=number)
    if isinstance(column.type, Boolean):
        return bool(number % 3)
    if column.type.python_type is int:
        return number
    return f"{number}{TEXTS[number - 1]}"[: column.type.length]


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    parsed = make_url(url)
    driver = "postgresql+psycopg" if parsed.get_backend_name() == "postgresql" else "sqlite"
    engine = create_engine(parsed.set(drivername=driver))
    with engine.connect() as connection:
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table)).all()]
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return {name: sorted(its, key=str) for name, its in rows.items()}


def run(source: str, target: str) -> list[Copied]:
    return list(copy(source, target))


def portable(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """As PostgreSQL can hold it: its text has no NUL."""
    return {
        name: sorted(
            (tuple(v.replace("\0", "") if isinstance(v, str) else v for v in row) for row in its),
            key=str,
        )
        for name, its in rows.items()
    }


def test_every_row_of_every_table_arrives_as_it_was(source: str, target: str) -> None:
    before = everything(source)
    assert all(rows for name, rows in before.items() if name not in ONLY_POSTGRES)
    steps = run(source, target)
    assert everything(target) == portable(before)
    assert everything(source) == before
    assert steps[-1].done == steps[-1].total == sum(len(rows) for rows in before.values())
    assert {step.table for step in steps} == set(metadata.tables)


async def test_ids_go_on_where_they_were(tmp_path: Path, target: str) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    store = await open_store(url)
    for number in range(5):
        accepted = await store.write(accept(event(number), "lane", NOW))
    assert accepted is not None
    await store.write(lambda it: it.execute(inbox.delete().where(inbox.c.id > 2)) and None)
    entry = await StoredTranscript(store, "web", now).append("chat", "user", "hi", key="1")
    await store.close()
    await asyncio.to_thread(run, url, target)
    store = await open_store(target)
    after = await store.write(accept(event(9), "lane", NOW))
    assert after is not None
    assert after.id == accepted.id + 1
    later = await StoredTranscript(store, "web", now).append("chat", "user", "hi", key="2")
    assert later.id == entry.id + 1
    await store.close()


async def test_open_turns_go_on_and_secrets_still_open(tmp_path: Path, target: str) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    store = await open_store(url)
    await store.write(accept(event(1, "what?"), "lane", NOW))
    ledger = Ledger(store, now)
    _, [waiting] = await ledger.take_over("lane")
    before = await ledger.asking(
        await ledger.take(waiting, []), Session("lane", "default", "uid", "c1")
    )
    await StoredVault(store, await _sealer(store), "slack", now).put("token", "xoxb-1")
    await store.close()
    await asyncio.to_thread(run, url, target)
    store = await open_store(target)
    ledger = Ledger(store, now)
    assert await ledger.open_lanes() == ["lane"]
    fence, [turn] = await ledger.take_over("lane")
    assert fence == before.fence + 1
    assert (turn.text, turn.state, turn.trace) == ("what?", before.state, before.trace)
    assert await StoredVault(store, await _sealer(store), "slack", now).get("token") == "xoxb-1"
    await store.close()


def test_many_rows_are_told_of_in_between(source: str, target: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executemany(
            "INSERT INTO lanes (lane, fence) VALUES (?, 1)",
            [(f"lane {n}",) for n in range(3 * BATCH)],
        )
    connection.close()
    steps = [step for step in run(source, target) if step.table == "lanes"]
    assert [step.rows for step in steps] == [0, BATCH, 2 * BATCH, 3 * BATCH, 3 * BATCH + 6]
    assert [step.done - steps[0].done for step in steps] == [step.rows for step in steps]


# Nothing, rather than half


def test_an_aborted_copy_leaves_nothing_and_can_be_begun_again(source: str, target: str) -> None:
    steps = copy(source, target)
    for step in steps:
        if step.table == "turns":
            break
    steps.close()
    assert not any(everything(target).values())
    run(source, target)
    assert everything(target) == portable(everything(source))


def test_a_row_that_does_not_arrive_is_noticed(source: str, target: str) -> None:
    execute(
        target,
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.lane LIKE '5%' THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER no BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION no()",
    )
    with pytest.raises(Permanent, match=r"not every row has arrived \(sessions 5 of 6\)"):
        run(source, target)
    assert not any(everything(target).values())


def test_what_postgresql_cannot_hold_is_named_without_its_text(
    source: str, target: str, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("UPDATE identities SET name = ?", ("private " * 100,))
    connection.close()
    with pytest.raises(Permanent, match="identities: value too long") as caught:
        run(source, target)
    assert "private" not in str(caught.value)
    assert not any(everything(target).values())


@pytest.mark.parametrize("table", [heartbeat, secrets])
def test_a_target_with_rows_is_refused(source: str, target: str, table: Any) -> None:
    engine = create_engine(make_url(target).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(insert(table), _row(table, 2))
    engine.dispose()
    with pytest.raises(Permanent, match=rf"not empty \({table.name}\): create a new one"):
        run(source, target)
    assert sum(len(rows) for rows in everything(target).values()) == 1


async def test_a_daemon_that_has_the_file_is_not_disturbed(tmp_path: Path, target: str) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    store = await open_store(url)
    with pytest.raises(Permanent, match=r"in use by another .*; stop it first"):
        await asyncio.to_thread(run, url, target)
    await store.close()
    await asyncio.to_thread(run, url, target)


async def test_no_daemon_can_take_the_file_meanwhile(source: str, target: str) -> None:
    steps = copy(source, target)
    next(steps)
    with pytest.raises(Permanent, match="in use by another"):
        await open_store(source)
    steps.close()
    await (await open_store(source)).close()


@pytest.mark.parametrize(
    ("revision", "problem"),
    [
        ("'0001'", r"older than this coze-bridge .*run `coze-bridge migrate` with database.url"),
        ("'9999'", r"newer than this coze-bridge .*install the version"),
        ("NULL", r"not a database of coze-bridge, or an empty one"),
    ],
)
def test_a_source_with_another_schema_is_refused(
    source: str, target: str, tmp_path: Path, revision: str, problem: str
) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        if revision == "NULL":
            connection.execute("DROP TABLE alembic_version")
        else:
            connection.execute(f"UPDATE alembic_version SET version_num = {revision}")
    connection.close()
    with pytest.raises(Permanent, match=rf"old\.db: .*{problem}"):
        run(source, target)
    assert not any(everything(target).values())


def test_a_source_that_a_later_version_made_is_left_to_that(
    source: str, target: str, tmp_path: Path
) -> None:
    """We might run with it, but there is more in it than we know of."""
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("UPDATE schema_mark SET revision = '9999', oldest = '0001'")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Permanent, match=r"old\.db: a later coze-bridge .*\(9999\).* use the later"):
        run(source, target)
    assert not any(everything(target).values())


def test_a_file_that_is_missing_or_no_database_is_named(tmp_path: Path, target: str) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(Permanent, match=r"there is no database .*missing\.db"):
        run(f"sqlite:///{missing}", target)
    assert not missing.exists()
    missing.write_text("a shopping list, and long enough to be looked at" * 20)
    with pytest.raises(Permanent, match="file is not a database"):
        run(f"sqlite:///{missing}", target)


@pytest.mark.parametrize(
    ("source_url", "target_url", "problem"),
    [
        ("postgresql://a/b", "postgresql://a/c", "--from: must be the SQLite file"),
        ("old.db", "postgresql://a/c", "--from: must be the SQLite file"),
        ("sqlite:///old.db", "sqlite:///new.db", "database.url: with --from it names"),
        ("sqlite:///:memory:", "postgresql://a/c", "needs a file"),
    ],
)
def test_what_cannot_be_meant_is_refused(source_url: str, target_url: str, problem: str) -> None:
    with pytest.raises(Misconfigured, match=problem):
        run(source_url, target_url)


def execute(url: str, *statements: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
