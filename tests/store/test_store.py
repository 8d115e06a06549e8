"""Jobs: committed together, failing alone."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.engine import URL

from bridge.errors import Unreachable
from bridge.store import Job, Store, migrate, open_store
from bridge.store.postgres import REST, PostgresStore
from bridge.store.secrets import secret
from bridge.store.tables import heartbeat, secrets
from bridge.testing import postgres


def add(name: str) -> Job[str]:
    def job(connection: Connection) -> str:
        connection.execute(secrets.insert().values(name=name, value="x"))
        return name

    return job


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(secrets.c.name)).scalars())


async def test_what_was_written_is_read(store: Store) -> None:
    assert await store.write(add("a")) == "a"
    assert await store.read(names) == {"a"}


async def test_many_at_once_are_all_committed(store: Store) -> None:
    done = await asyncio.gather(*(store.write(add(str(i))) for i in range(200)))
    assert len(done) == 200
    assert len(await store.read(names)) == 200


async def test_a_bad_row_fails_alone(store: Store) -> None:
    await store.write(add("taken"))
    jobs = ["a", "taken", "b"]
    results = await asyncio.gather(*(store.write(add(n)) for n in jobs), return_exceptions=True)
    assert [isinstance(r, Exception) for r in results] == [False, True, False]
    assert await store.read(names) == {"taken", "a", "b"}


async def test_a_job_that_raises_leaves_nothing(store: Store) -> None:
    def broken(connection: Connection) -> None:
        add("half")(connection)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await store.write(broken)
    assert await store.read(names) == set()


async def test_an_error_of_the_database_does_not_quote_what_was_to_be_stored(store: Store) -> None:
    broken = text("INSERT INTO nowhere VALUES (:it)").bindparams(it="what somebody wrote")
    with pytest.raises(Exception, match="nowhere") as caught:
        await store.write(lambda connection: connection.execute(broken).close())
    assert "somebody" not in str(caught.value)


async def test_a_waiter_that_was_cancelled_leaves_its_neighbours_alone(store: Store) -> None:
    waiting = [asyncio.create_task(store.write(add(str(i)))) for i in range(20)]
    await asyncio.sleep(0)
    waiting[3].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [i for i, r in enumerate(results) if isinstance(r, BaseException)] == [3]
    assert {str(i) for i in range(20) if i != 3} <= await store.read(names)


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await store.read(add("a"))
    assert await store.read(names) == set()


async def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    now = datetime(2026, 11, 20, 3, 4, 5, 678901, tzinfo=UTC)

    def job(connection: Connection) -> None:
        connection.execute(heartbeat.insert().values(id=7, at=now))

    await store.write(job)
    at = await store.read(lambda c: c.execute(select(heartbeat.c.at)).scalar_one())
    assert at == now
    assert at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    def job(connection: Connection) -> None:
        connection.execute(heartbeat.insert().values(id=7, at=datetime(2026, 1, 1)))  # noqa: DTZ001

    with pytest.raises(Exception, match="a time without a zone"):
        await store.write(job)


async def test_a_secret_is_made_once(store: Store) -> None:
    made = await asyncio.gather(*(store.write(secret("key")) for _ in range(10)))
    assert len(set(made)) == 1
    assert len(made[0]) >= 32
    assert await store.write(secret("other")) != made[0]


async def test_what_was_accepted_before_closing_is_committed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    store = await open_store(url)
    writing = [asyncio.create_task(store.write(add(str(i)))) for i in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writing)
    with pytest.raises(Unreachable):
        await store.write(add("late"))
    with pytest.raises(Unreachable):
        await store.read(names)
    again = await open_store(url)
    assert len(await again.read(names)) == 50
    await again.close()


async def test_sqlite_survives_power_loss_and_lets_readers_read(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'x.db'}")

    def pragma(name: str) -> Job[object]:
        return lambda connection: connection.execute(text(f"PRAGMA {name}")).scalar()

    assert await store.write(pragma("journal_mode")) == "wal"
    assert await store.write(pragma("synchronous")) == 2  # FULL
    assert await store.write(pragma("foreign_keys")) == 1
    assert await store.read(pragma("query_only")) == 1
    await store.close()


async def test_a_locked_database_is_unreachable_not_a_bug(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await open_store(f"sqlite:///{path}")
    # SQLite applies this one at once, even inside the writer's transaction.
    await store.write(lambda c: c.execute(text("PRAGMA busy_timeout=10")).close())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match="locked"):
            await store.write(add("a"))
        other.execute("ROLLBACK")
    assert await store.write(add("a")) == "a"
    await store.close()


async def test_a_locked_database_makes_nobody_wait_for_the_others(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await open_store(f"sqlite:///{path}")
    await store.write(lambda c: c.execute(text("PRAGMA busy_timeout=100")).close())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        jobs = [store.write(add(str(i))) for i in range(1000)]  # the first may go alone
        async with asyncio.timeout(50):  # one by one it would take a hundred seconds
            results = await asyncio.gather(*jobs, return_exceptions=True)
        assert {type(result) for result in results} == {Unreachable}
        other.execute("ROLLBACK")
    assert await store.write(add("a")) == "a"
    await store.close()


@pytest.mark.postgres
async def test_a_connection_lost_in_the_middle_may_have_done_its_work(pg_server: URL) -> None:
    with postgres.database(pg_server) as url:
        await migrate(url)
        store = await open_store(url)
        with pytest.raises(Unreachable) as caught:
            await store.write(
                lambda c: c.execute(text("SELECT pg_terminate_backend(pg_backend_pid())")).close()
            )
        assert caught.value.happened
        await store.close()


@pytest.mark.postgres
async def test_a_database_that_is_not_there_has_done_nothing() -> None:
    store = PostgresStore("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unreachable) as caught:
        await store.write(add("a"))
    assert not caught.value.happened
    await store.close()


@pytest.mark.postgres
async def test_a_server_that_restarted_while_nobody_asked_is_not_even_noticed(
    pg_server: URL,
) -> None:
    now = 0.0
    with postgres.database(pg_server) as url:
        await migrate(url)
        store = PostgresStore(url, monotonic=lambda: now)
        await store.write(add("a"))
        await store.read(names)
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        now += REST
        assert await store.read(names) == {"a"}
        await store.write(add("b"))
        await store.close()


@pytest.mark.postgres
async def test_a_database_that_only_lets_read_is_one_that_is_away(pg_server: URL) -> None:
    with postgres.database(pg_server) as url:
        await migrate(url)
        with psycopg.connect(url, autocommit=True) as admin:  # as a full disk makes many services
            admin.execute(
                psycopg.sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(
                    psycopg.sql.Identifier(admin.info.dbname)
                )
            )
        store = await open_store(url)
        with pytest.raises(Unreachable, match="read-only") as caught:
            await store.write(add("a"))
        assert not caught.value.happened
        assert await store.read(names) == set()
        await store.close()


@pytest.mark.postgres
async def test_who_may_not_do_something_is_told_in_one_line(pg_server: URL) -> None:
    with postgres.database(pg_server) as url, postgres.stranger(url) as theirs:
        with pytest.raises(Unreachable, match="permission denied for schema public") as e:
            await migrate(theirs)
        assert "\n" not in str(e.value)
        await migrate(url)
        with pytest.raises(Unreachable, match="permission denied for table alembic_version"):
            await open_store(theirs)


@pytest.mark.postgres
async def test_two_who_are_brought_the_same_in_another_order_both_take_it(pg_server: URL) -> None:
    def slowly(name: str) -> Job[str]:
        def job(connection: Connection) -> str:
            made = secret(name)(connection)
            connection.execute(text("SELECT pg_sleep(0.5)")).close()
            return made

        return job

    with postgres.database(pg_server) as url:
        await migrate(url)
        stores = [await open_store(url), await open_store(url)]
        made = await asyncio.gather(
            *(stores[0].write(slowly(name), order=name) for name in ("one", "two")),
            *(stores[1].write(slowly(name), order=name) for name in ("two", "one")),
        )
        assert made == [*made[:2], made[1], made[0]]
        for store in stores:
            await store.close()


STOPPED = """
import asyncio, os, signal, sys
from bridge.store import open_store
from bridge.store.secrets import secret

def job(connection):
    secret("key")(connection)
    print("at work", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)

async def main():
    await (await open_store(sys.argv[1])).write(job)

asyncio.run(main())
"""


@pytest.mark.postgres
async def test_whoever_is_stopped_in_a_transaction_keeps_nothing_locked(pg_server: URL) -> None:
    with postgres.database(pg_server) as url:
        await migrate(url)
        stopped = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STOPPED, url, stdout=PIPE
        )
        store = await open_store(url)
        try:
            assert stopped.stdout is not None
            assert await stopped.stdout.readline()
            async with asyncio.timeout(60):
                assert await store.write(secret("key"))
        finally:
            stopped.kill()
            await stopped.wait()
            await store.close()
