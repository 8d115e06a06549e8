"""From a SQLite file to PostgreSQL: every row of every table, in one transaction.

So there is no half a copy, and nothing to go on with after an abort: until the rows were counted
on both sides nobody sees any of them, and what was aborted begins again. The file is locked
meanwhile like by a daemon, and only read.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, exists, func, select, text
from sqlalchemy.engine import make_url

from bridge.clean import clean
from bridge.errors import Misconfigured, Permanent, Unreachable
from bridge.store.lock import FileLock
from bridge.store.open import parse
from bridge.store.run import as_bridge_errors
from bridge.store.schema import state_of
from bridge.store.sqlite import sqlite_engine
from bridge.store.tables import metadata

BATCH = 2000  # rows between two reports
LOCK_PATIENCE = "10s"  # for whoever else writes to the target


@dataclass(frozen=True, slots=True)
class Copied:
    """How far it is: rows of one table, and done of total of all tables."""

    table: str
    rows: int
    of: int
    done: int
    total: int


def copy(source: str, target: str) -> Generator[Copied, None, None]:
    """Copy everything, telling how far it is. Committed when the iteration ends by itself.

    source: a `sqlite:///` URL, with this program's schema and no daemon; target: a `postgresql://`
    URL, migrated, and without a row. Close the iterator to give up. Raises `Misconfigured`,
    `Permanent` with what to do, `Unreachable`; then nothing was changed.
    """
    path = require_kinds(source, target)
    with ExitStack() as stack:
        stack.callback(_locked(path).release)
        old = stack.enter_context(_reading(source))
        _require_current(old, path)
        new = stack.enter_context(_writing(target))
        _require_empty(new)
        counts = {table.name: _count(old, table) for table in metadata.sorted_tables}
        done, total = 0, sum(counts.values())
        for table in metadata.sorted_tables:
            of, rows = counts[table.name], 0
            yield Copied(table.name, rows, of, done, total)
            for rows in _copy_table(old, new, table):
                yield Copied(table.name, rows, of, done + rows, total)
            done += rows
        _go_on_counting(old, new)
        _require_equal(new, counts)
        new.execute(text("ANALYZE"))  # or the first queries would be planned for empty tables


def require_kinds(source: str, target: str) -> Path:
    """Return the file to copy. Raises `Misconfigured`, or `Permanent` if it is not there."""
    if not source.startswith("sqlite:///"):
        raise Misconfigured(["--from: must be the SQLite file to copy, as sqlite:///path"])
    if not target.startswith("postgresql://"):
        raise Misconfigured(
            ["database.url: with --from it names the PostgreSQL database to copy into"]
        )
    path = Path(str(parse(source).database))
    if not path.is_file():
        raise Permanent(f"there is no database {path}")
    return path


def _locked(path: Path) -> FileLock:
    try:
        return FileLock(path.with_name(path.name + ".lock"))
    except Permanent as error:
        raise Permanent(f"{error}; stop it first") from error


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    engine = sqlite_engine(url, query_only=True, size=1)
    with _disposed(engine), as_bridge_errors(), engine.connect() as connection:
        yield connection


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    """One transaction, in which nobody else writes to our tables."""
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, hide_parameters=True)
    with _disposed(engine), as_bridge_errors(), engine.begin() as connection:
        names = ", ".join(_quoted(connection, table) for table in metadata.sorted_tables)
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'"))
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
        yield connection


@contextmanager
def _disposed(engine: Engine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.dispose()


def _require_current(old: Connection, path: Path) -> None:
    try:
        state = state_of(old)
    except Permanent as error:
        raise Permanent(f"{path}: {error}") from error
    if state.current is None:
        raise Permanent(f"{path}: not a database of coze-bridge, or an empty one")
    if state.is_newer:
        raise Permanent(
            f"{path}: a later coze-bridge has made this database ({state.current}), with things "
            f"in it that this one ({state.head}) would not copy: use the later one"
        )
    if not state.up_to_date:
        raise Permanent(
            f"{path}: the database schema ({state.current}) is older than this coze-bridge "
            f"({state.head}): run `coze-bridge migrate` with database.url = that file, then again "
            "with --from"
        )


def _require_empty(new: Connection) -> None:
    used = [
        table.name
        for table in metadata.sorted_tables
        if new.execute(select(exists(select(1).select_from(table)))).scalar_one()
    ]
    if used:
        raise Permanent(
            f"the database to copy into is not empty ({', '.join(used)}): create a new one, or "
            "drop and create this one, and copy before the first `coze-bridge run` on it"
        )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _copy_table(old: Connection, new: Connection, table: Table) -> Iterator[int]:
    """Copy the rows of a table; yields how many there are by now."""
    columns = ", ".join(new.dialect.identifier_preparer.quote(c.name) for c in table.columns)
    rows = old.execution_options(yield_per=BATCH).execute(
        select(table).order_by(*table.primary_key)
    )
    statement = f"COPY {_quoted(new, table)} ({columns}) FROM STDIN"
    raw: Any = new.connection.driver_connection  # psycopg's, which alone knows COPY
    copied = 0
    with (
        _as_permanent(new.dialect.dbapi, table),
        raw.cursor() as cursor,
        cursor.copy(statement) as sink,
    ):
        for batch in rows.partitions():
            for row in batch:
                sink.write_row([_portable(value) for value in row])
            copied += len(batch)
            yield copied


@contextmanager
def _as_permanent(dbapi: Any, table: Table) -> Iterator[None]:
    """What PostgreSQL refuses that SQLite took; its message is told without the row.

    dbapi: psycopg, which is an extra and so nowhere imported but by its users.
    """
    try:
        yield
    except dbapi.OperationalError as error:
        raise Unreachable(f"database: {error}") from error
    except dbapi.Error as error:
        raise Permanent(f"{table.name}: {error.diag.message_primary or error}") from error


def _portable(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _go_on_counting(old: Connection, new: Connection) -> None:
    """Let the next id be one that was never given out, not even to a row that is gone."""
    rows = old.execute(text("SELECT name, seq FROM sqlite_sequence"))
    given: dict[str, int] = {row.name: row.seq for row in rows}
    for table in metadata.sorted_tables:
        for column in table.primary_key:
            found = {"table": _quoted(new, table), "column": column.name}
            sequence = new.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), found)
            name = sequence.scalar_one()
            if name is None:
                continue
            highest = new.execute(select(func.max(column))).scalar_one() or 0
            if last := max(highest, given.get(table.name, 0)):
                setting = {"name": name, "last": last}
                new.execute(text("SELECT setval(CAST(:name AS regclass), :last)"), setting)


def _require_equal(new: Connection, counts: dict[str, int]) -> None:
    found = {table.name: _count(new, table) for table in metadata.sorted_tables}
    wrong = [f"{name} {found[name]} of {of}" for name, of in counts.items() if found[name] != of]
    if wrong:
        raise Permanent(
            f"not every row has arrived ({', '.join(wrong)}), so nothing was copied: does a "
            "trigger or a rule of the database to copy into remove rows?"
        )


def _quoted(connection: Connection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)
