"""How much work waits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from bridge.store.run import Job
from bridge.store.tables import inbox, turns


@dataclass(frozen=True, slots=True)
class Depth:
    """open_turns: accepted and not ended, by whichever process. oldest: when it came in."""

    open_turns: int
    oldest: datetime | None


def depth(accounts: Collection[str]) -> Job[Depth]:
    """Look at what is open of these accounts; what others left behind waits for nobody."""
    statement = (
        select(func.count(), func.min(turns.c.created_at))
        .select_from(turns.join(inbox, inbox.c.id == turns.c.id))
        .where(turns.c.ended_at.is_(None), inbox.c.account.in_(list(accounts)))
    )

    def job(connection: Connection) -> Depth:
        count, oldest = connection.execute(statement).one()
        return Depth(count, oldest)

    return job
