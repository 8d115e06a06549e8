"""How old a program may be to run with a schema: a mark in the database, for those before it.

A program knows the revisions up to its own. Of a later one it knows nothing, so whoever makes that
writes down the oldest revision whose programs may still run. Migrations only add, by rule, and
then the mark stays where it is. One that must take something away says so, beside its revision:

    revision = "0012"
    down_revision = "0011"
    oldest = "0011"  # 0011 does without the column that goes here

The table is no part of the schema, like Alembic's own: it must be readable in any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, inspect, select

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

marks = Table(
    "schema_mark",
    MetaData(),
    Column("revision", String(32), primary_key=True),
    Column("oldest", String(32), nullable=False),
)


def oldest(connection: Connection, revision: str) -> str | None:
    """The oldest revision whose programs may run with the schema `revision`; None: not told.

    A mark of another revision says nothing: who came after it may not have known about marks.
    """
    if not inspect(connection).has_table(marks.name):
        return None
    query = select(marks.c.oldest).where(marks.c.revision == revision)
    return connection.execute(query).scalar_one_or_none()


def put(connection: Connection, scripts: ScriptDirectory) -> None:
    """Mark the schema as what these migrations make of it."""
    marks.create(connection, checkfirst=True)
    connection.execute(delete(marks))
    row = {"revision": scripts.get_current_head(), "oldest": oldest_of(scripts)}
    connection.execute(insert(marks).values(row))


def oldest_of(scripts: ScriptDirectory) -> str:
    """What the last migration that says anything says; the first one's revision if none does."""
    first = ""
    for script in scripts.walk_revisions():  # from the newest on
        if said := getattr(script.module, "oldest", None):
            return str(said)
        first = script.revision
    return first
