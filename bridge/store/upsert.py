"""INSERT … ON CONFLICT, which SQLite and PostgreSQL spell alike and SQLAlchemy twice."""

from typing import Any, TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert: TypeAlias = "postgresql.Insert | sqlite.Insert"


def insert(connection: Connection, table: Table) -> Insert:
    """An INSERT of the connection's dialect, which knows `on_conflict_do_…`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def insert_once(connection: Connection, table: Table, **values: Any) -> bool:
    """Insert unless some unique key is taken; tell whether the row is new."""
    statement = insert(connection, table).values(**values).on_conflict_do_nothing()
    return connection.execute(statement).rowcount > 0


def put(connection: Connection, table: Table, **values: Any) -> None:
    """Insert, or with the primary key taken, change the rest of that row."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in values.items() if name not in keys}
    statement = insert(connection, table).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest))
