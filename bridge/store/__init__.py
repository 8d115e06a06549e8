"""The only SQL.

`Store` runs jobs: plain functions on a SQLAlchemy Core connection, the same for SQLite and
PostgreSQL. The query modules (`inbox`, `turns`, `sessions`, …) turn values into jobs.
"""

from bridge.store.beside import is_worked_on, open_beside
from bridge.store.lock import holder_of
from bridge.store.migrate import migrate, schema_state
from bridge.store.open import OLD, folder_of, open_store
from bridge.store.run import Job, Store
from bridge.store.schema import SchemaState

__all__ = [
    "OLD",
    "Job",
    "SchemaState",
    "Store",
    "folder_of",
    "holder_of",
    "is_worked_on",
    "migrate",
    "open_beside",
    "open_store",
    "schema_state",
]
