"""Whether the database still takes writes."""

from datetime import datetime

from sqlalchemy import Connection

from bridge.store.run import Job
from bridge.store.tables import heartbeat
from bridge.store.upsert import put


def beat(now: datetime) -> Job[None]:
    """Write one small row, as only a database that is well can."""

    def job(connection: Connection) -> None:
        put(connection, heartbeat, id=1, at=now)

    return job
