"""Alembic, called from our own program: no alembic.ini and no second command to know."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from bridge.errors import Permanent
from bridge.store.run import Job, as_bridge_errors
from bridge.store.sqlite import sqlite_engine

T = TypeVar("T")

# Ends with the transaction. PostgreSQL's own errors in a race for a table's name help nobody.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('coze-bridge migrate', 0))"
SCRIPTS = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """current: the database's revision, None for an empty one; head: this program's."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head


async def schema_state(url: str) -> SchemaState:
    """Compare the database with this program. Raises `Unreachable`; changes nothing.

    Raises `Misconfigured` for a URL that cannot work, `Permanent` if the schema is newer than
    the program. A SQLite file must be there.
    """
    return await asyncio.to_thread(_with_connection, url, state_of, query_only=True)


async def migrate(url: str) -> str:
    """Bring the schema up to date and return its revision. Raises like `schema_state`."""
    return await asyncio.to_thread(_with_connection, url, _upgrade)


def _with_connection(url: str, work: Job[T], *, query_only: bool = False) -> T:
    engine = _engine(url, query_only=query_only)
    try:
        with as_bridge_errors(), engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


def _engine(url: str, *, query_only: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        # Whoever only looks takes no lock that a running daemon would have to wait for.
        return sqlite_engine(url, query_only=query_only, size=1)
    from bridge.store.postgres import conninfo, impatient  # noqa: PLC0415  only the one in use

    conninfo(url)  # it says what is wrong with a URL
    parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed, connect_args=impatient(parsed), hide_parameters=True)


def state_of(connection: Connection) -> SchemaState:
    """Compare, on a connection that may be read-only. Raises `Permanent` like `schema_state`."""
    scripts = ScriptDirectory(str(SCRIPTS))
    current = MigrationContext.configure(connection).get_current_revision()
    head = scripts.get_current_head()
    assert head is not None  # noqa: S101  the package ships at least one migration
    if current is not None and current not in {s.revision for s in scripts.walk_revisions()}:
        raise Permanent(
            f"the database schema ({current}) is newer than this coze-bridge ({head}): "
            "install the version that made it, or a later one"
        )
    return SchemaState(current, head)


def _upgrade(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":
        connection.execute(text(ONE_AT_A_TIME))
    state = state_of(connection)
    if not state.up_to_date:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return state.head
