"""Opening the database named by a URL, with a schema this program can use."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bridge.errors import Misconfigured, Permanent
from bridge.logs import get
from bridge.store.lock import FileLock
from bridge.store.migrate import migrate, schema_state
from bridge.store.run import Store
from bridge.store.schema import SchemaState

log = get(__name__)

OLD = "the database schema is old: run `coze-bridge migrate`"


def parse(url: str) -> URL:
    """Raises `Misconfigured` for anything but a SQLite file or a PostgreSQL URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Misconfigured([f"database.url: not a database URL ({error})"]) from error
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise Misconfigured([f"database.url: {backend} is not supported, only sqlite, postgresql"])
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise Misconfigured(["database.url: needs a file, for what is in memory does not survive"])
    return parsed


def folder_of(url: str) -> Path:
    """Name a folder for files that belong to a database: beside it, if it is a file itself."""
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        return Path("coze-bridge.files")
    path = Path(str(parsed.database))
    return path.with_name(path.name + ".files")


async def open_store(url: str) -> Store:
    """Open a database; SQLite's schema is brought up to date, PostgreSQL's must be.

    Raises `Permanent` if another daemon has the SQLite file, if the schema is newer than this
    program can work with, or (PostgreSQL) older; `Misconfigured` for a URL that cannot work;
    `Unreachable`.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return await _open_sqlite(url, Path(str(parsed.database)))
    return await _open_postgres(url)


async def _open_sqlite(url: str, path: Path) -> Store:
    from bridge.store.sqlite import SqliteStore  # noqa: PLC0415  only the engine in use

    if not path.parent.is_dir():
        raise Misconfigured([f"database.url: there is no folder {path.parent}"])
    try:
        lock = FileLock(path.with_name(path.name + ".lock"))
    except PermissionError as error:
        raise Misconfigured([f"database.url: cannot write beside {path} ({error})"]) from error
    _make_private(path)
    try:
        state = await schema_state(url)
        if not state.usable:
            await migrate(url)
        _tell(state)
    except BaseException:
        lock.release()
        raise
    return SqliteStore(url, lock)


def _make_private(path: Path) -> None:
    """Messages and keys will be in it, so it is the owner's alone; -wal and -shm follow suit."""
    path.touch(mode=0o600)


async def _open_postgres(url: str) -> Store:
    from bridge.store.postgres import PostgresStore  # noqa: PLC0415  only the engine in use

    state = await schema_state(url)
    if not state.usable:
        raise Permanent(OLD)
    _tell(state)
    return PostgresStore(url)


def _tell(state: SchemaState) -> None:
    if state.is_newer:
        log.warning("schema.newer", schema=state.current, ours=state.head)
