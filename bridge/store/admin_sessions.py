"""Who is signed in to the admin page: known to every replica, and out when they log out."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from bridge.store.run import Job
from bridge.store.tables import admin_sessions
from bridge.store.upsert import put


def begin(digest: str, now: datetime, until: datetime) -> Job[None]:
    """Let somebody in, and forget those whose time is over."""

    def job(connection: Connection) -> None:
        connection.execute(delete(admin_sessions).where(admin_sessions.c.expires_at <= now))
        put(connection, admin_sessions, digest=digest, expires_at=until)

    return job


def is_open(digest: str, now: datetime) -> Job[bool]:
    """Tell whether somebody was let in, and still is."""
    statement = select(admin_sessions.c.digest).where(
        admin_sessions.c.digest == digest, admin_sessions.c.expires_at > now
    )
    return lambda connection: connection.execute(statement).first() is not None


def end(digest: str) -> Job[None]:
    """Let somebody out."""
    statement = delete(admin_sessions).where(admin_sessions.c.digest == digest)

    def job(connection: Connection) -> None:
        connection.execute(statement)

    return job
