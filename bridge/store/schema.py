"""Which schema a database has, and which ones this program knows.

Told without Alembic, which is loaded where there is something to migrate and nowhere else: it costs
10 MB and a tenth of a second, and most starts have nothing to do.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from bridge.errors import Permanent
from bridge.store import mark

SCRIPTS = Path(__file__).with_name("migrations")

_versions = Table("alembic_version", MetaData(), Column("version_num", String(32)))


@dataclass(frozen=True, slots=True)
class SchemaState:
    """current: the database's revision, None for an empty one; head: this program's.

    is_newer: a later program has made it, and says that this one may run with it.
    """

    current: str | None
    head: str
    is_newer: bool = False

    @property
    def up_to_date(self) -> bool:
        """It is exactly what this program makes."""
        return self.current == self.head

    @property
    def usable(self) -> bool:
        """This program can work with it as it is."""
        return self.up_to_date or self.is_newer


def revisions() -> list[str]:
    """Name every revision of this program, oldest first.

    Each is the beginning of its file's name, `0001_first.py`, and that is their order as well.
    """
    return sorted(path.stem.partition("_")[0] for path in (SCRIPTS / "versions").glob("*.py"))


def state_of(connection: Connection) -> SchemaState:
    """Compare, on a connection that may be read-only.

    Raises `Permanent` if the schema is newer than the program can work with.
    """
    known = revisions()
    current, head = _current(connection), known[-1]
    if current is None or current in known:
        return SchemaState(current, head)
    if mark.oldest(connection, current) in known:
        return SchemaState(current, head, is_newer=True)
    raise Permanent(
        f"the database schema ({current}) is newer than this coze-bridge ({head}) can work with: "
        "install the version that made it, or a later one"
    )


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_versions.name):
        return None
    return connection.execute(select(_versions.c.version_num)).scalar_one_or_none()
