"""Rows by their key: written, written once, changed.

INSERT … ON CONFLICT is spelt alike by SQLite and PostgreSQL and twice by SQLAlchemy. Statements
are built once for each set of columns: building one takes 50 µs and running it 10, and a turn
takes some thirty of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, Executable, Table, Update, bindparam, update
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Row: TypeAlias = dict[str, Any]
Insert: TypeAlias = "postgresql.Insert | sqlite.Insert"

_KEY = "key_"  # a parameter of an UPDATE must not have the name of a column that it sets


def insert(dialect: str, table: Table) -> Insert:
    """An INSERT of a dialect, by its name, which knows `on_conflict_do_…`."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  2 MB that SQLite does not need

    return postgresql.insert(table)


def insert_once(connection: Connection, table: Table, **values: Any) -> bool:
    """Insert unless some unique key is taken; tell whether the row is new."""
    statement = _inserting_once(connection.dialect.name, table, tuple(values))
    return connection.execute(statement, values).first() is not None


def put(connection: Connection, table: Table, **values: Any) -> None:
    """Insert, or with the primary key taken, change the rest of that row."""
    put_all(connection, table, [values])


def put_all(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """`put` rows of the same columns."""
    if rows:
        statement = _putting(connection.dialect.name, table, tuple(rows[0]))
        connection.execute(statement, one_or_many(rows))


def change(connection: Connection, table: Table, key: Row, **values: Any) -> bool:
    """Set plain values where the columns of `key` are so; tell whether there was such a row."""
    return change_all(connection, table, [(key, values)]) > 0


def change_all(connection: Connection, table: Table, changes: Sequence[tuple[Row, Row]]) -> int:
    """`change` by keys and values of the same columns each; tell how many rows there were."""
    if not changes:
        return 0
    key, values = changes[0]
    statement = _changing(table, tuple(key), tuple(values))
    rows = [
        {**{_KEY + name: value for name, value in key.items()}, **values} for key, values in changes
    ]
    return connection.execute(statement, one_or_many(rows)).rowcount


def one_or_many(rows: Sequence[Row]) -> Row | Sequence[Row]:
    """A single row as itself, which is cheaper; where something is returned, by 0.4 ms."""
    return rows[0] if len(rows) == 1 else rows


@lru_cache
def _inserting_once(dialect: str, table: Table, names: tuple[str, ...]) -> Executable:
    # What came back, because on PostgreSQL the count of an INSERT is not told.
    inserting = insert(dialect, table).values(_parameters(names)).on_conflict_do_nothing()
    return inserting.returning(*table.primary_key)


@lru_cache
def _putting(dialect: str, table: Table, names: tuple[str, ...]) -> Insert:
    statement = insert(dialect, table).values(_parameters(names))
    keys = [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


@lru_cache
def _changing(table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> Update:
    where = [table.c[name] == bindparam(_KEY + name) for name in key]
    return update(table).where(*where).values(_parameters(names))


def _parameters(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}
