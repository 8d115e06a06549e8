"""A database beside the daemon that works on it: for an operator's commands.

SQLite in WAL mode lets another process read at any time, and write between two commits of the
daemon. So a write is one short transaction here, begun IMMEDIATE, that waits for its turn. The
daemon's lock file is left alone; nothing is created, and no schema is changed.
"""

import asyncio
import os
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine

from bridge.errors import Permanent
from bridge.store.lock import holder_of
from bridge.store.open import open_store, parse
from bridge.store.run import Job, Store, as_bridge_errors
from bridge.store.schema import SchemaState, state_of
from bridge.store.sqlite import sqlite_engine

T = TypeVar("T")


class SideStore:
    """A SQLite file that may belong to another process. `BUSY_TIMEOUT` seconds of patience."""

    def __init__(self, url: str) -> None:
        self._reader = sqlite_engine(url, query_only=True, size=1)
        self._writer = sqlite_engine(url, query_only=False, size=1)

    async def read(self, job: Job[T]) -> T:
        return await asyncio.to_thread(self._read, job)

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        return await asyncio.to_thread(_run, self._writer, job)

    async def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()

    def _read(self, job: Job[T]) -> T:
        with as_bridge_errors(), self._reader.connect() as connection:
            return job(connection)


def _run(engine: Engine, job: Job[T]) -> T:
    with as_bridge_errors(), engine.begin() as connection:
        return job(connection)


async def open_beside(url: str) -> Store:
    """Open a database that a daemon may be using.

    Raises `Permanent` if there is none, if it is not ours to change, or if its schema is not
    this program's; `Misconfigured` for a URL that cannot work; `Unreachable`.
    """
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        return await open_store(url)  # PostgreSQL knows no owner
    _require_ours(Path(str(parsed.database)))
    store = SideStore(url)
    try:
        _require_current(await store.read(state_of))
    except BaseException:
        await store.close()
        raise
    return store


def is_worked_on(url: str) -> bool:
    """Tell whether a bridge runs on this database; of PostgreSQL nobody knows, so it may."""
    parsed = parse(url)
    return parsed.get_backend_name() != "sqlite" or bool(holder_of(Path(str(parsed.database))))


def _require_ours(path: Path) -> None:
    if not path.exists():
        raise Permanent(f"there is no database {path} yet; `coze-bridge run` makes it")
    for place in (path.parent, path):  # the folder as well: -wal and -shm are in it
        if not os.access(place, os.R_OK | os.W_OK):
            raise Permanent(f"cannot write to {place}; run this as the daemon's user")


def _require_current(state: SchemaState) -> None:
    if not state.usable:
        raise Permanent(
            f"the database schema ({state.current or 'none'}) is older than this coze-bridge "
            f"({state.head}): start the daemon with this version, or run `coze-bridge migrate`"
        )
