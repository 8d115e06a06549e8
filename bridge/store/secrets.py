"""Random secrets that the bridge makes for itself, once."""

import secrets as randomness

from sqlalchemy import Connection, select

from bridge.store.run import Job
from bridge.store.tables import secrets
from bridge.store.upsert import insert_once

BYTES = 32


def secret(name: str) -> Job[str]:
    """Return the secret of this name, made on first use (a writing job)."""

    def job(connection: Connection) -> str:
        insert_once(connection, secrets, name=name, value=randomness.token_urlsafe(BYTES))
        return str(
            connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar_one()
        )

    return job
