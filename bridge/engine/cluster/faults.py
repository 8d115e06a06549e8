"""What the database's drivers raise, translated: by itself, or from within procrastinate."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from procrastinate.exceptions import ConnectorException

from bridge.errors import Unreachable
from bridge.store.run import one_line


@contextmanager
def as_unreachable() -> Iterator[None]:
    """Whatever it was, the database did not do it; an operator or time puts it right."""
    try:
        yield
    except psycopg.Error as error:
        raise Unreachable(f"database: {one_line(error)}") from error
    except ConnectorException as error:  # which only says "Database error."
        raise Unreachable(f"database: {one_line(error.__cause__ or error)}") from error
