"""Alembic, called from our own program: no alembic.ini and no second command to know.

Replicas are replaced one after the other, so a program meets schemas that a later one has made.
Whether it may run with one stands in the database (`bridge.store.mark`).
"""

import asyncio
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from bridge.errors import Unreachable
from bridge.store import mark
from bridge.store.run import Job, as_bridge_errors, sqlstate
from bridge.store.schema import SCRIPTS, SchemaState, state_of
from bridge.store.sqlite import sqlite_engine

T = TypeVar("T")

# Ends with the transaction. PostgreSQL's own errors in a race for a table's name help nobody.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('coze-bridge migrate', 0))"

# Whoever waits for a whole table lets nobody else begin with it, not even to read. So a migration
# waits for those before it (a backup has every table for as long as it takes) only for a moment.
LOCK_PATIENCE = "SET LOCAL lock_timeout = '2s'"
IN_THE_WAY = frozenset({"55P03", "40P01"})  # no lock in that time, or a deadlock
PAUSES = (1.0, 2.0, 3.0, 5.0, 8.0, 8.0, 8.0)  # seconds between two tries
OCCUPIED = (
    "somebody else keeps a table to themselves (a backup?), so nothing was changed: run it again "
    "when they have ended"
)


async def schema_state(url: str) -> SchemaState:
    """Compare the database with this program. Raises `Unreachable`; changes nothing.

    Raises `Misconfigured` for a URL that cannot work, `Permanent` if the schema is newer than
    the program can work with. A SQLite file must be there.
    """
    return await asyncio.to_thread(_with_connection, url, state_of, query_only=True)


async def migrate(url: str) -> str:
    """Bring the schema up to date and return its revision. Raises like `schema_state`.

    All or nothing, while others work with the database. What is newer is left as it is.
    """
    pauses = iter(PAUSES)
    while True:
        try:
            return await asyncio.to_thread(_with_connection, url, _upgrade)
        except Unreachable as error:
            if sqlstate(error) not in IN_THE_WAY:
                raise
            if (pause := next(pauses, None)) is None:
                raise Unreachable(f"{error}; {OCCUPIED}") from error
            await asyncio.sleep(pause)


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


def _upgrade(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":
        connection.execute(text(ONE_AT_A_TIME))
        connection.execute(text(LOCK_PATIENCE))
    state = state_of(connection)
    if state.is_newer and state.current is not None:
        return state.current
    if not state.up_to_date:
        _bring_up_to_date(connection)
    return state.head


def _bring_up_to_date(connection: Connection) -> None:
    # Only here, because most starts have nothing to migrate: see `bridge.store.schema`.
    from alembic import command  # noqa: PLC0415  see above
    from alembic.config import Config  # noqa: PLC0415  see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415  see above

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    mark.put(connection, ScriptDirectory(str(SCRIPTS)))
