"""A chat that goes on under another id: what is stored about it follows."""

from sqlalchemy import Connection, Table, func, literal, select, update

from bridge.lanes import lanes_of_chat
from bridge.store.run import Job
from bridge.store.tables import conversations, sessions, turns


def move_chat(platform: str, account: str, old: str, new: str) -> Job[None]:
    """Rename the lanes of a chat; one that is used under its new name already stays.

    Open turns stay where they are, with whoever works on them; their answers find the new id
    by themselves (`errors.Moved`).
    """
    before, after = (lanes_of_chat(platform, account, chat) for chat in (old, new))

    def job(connection: Connection) -> None:
        _rename(connection, sessions, before, after)
        _rename(connection, conversations, before, after)
        _rename(connection, turns, before, after)

    return job


def _rename(connection: Connection, table: Table, before: str, after: str) -> None:
    """Both are beginnings of lanes that end in a slash, so no other chat's match."""
    lane = table.c.lane
    renamed = literal(after).concat(func.substr(lane, len(before) + 1))
    # Not LIKE: to SQLite's, [adapters.Bot] and [adapters.bot] are the same.
    statement = update(table).where(func.substr(lane, 1, len(before)) == before)
    if lane.primary_key:
        statement = statement.where(renamed.not_in(select(table.alias().c.lane)))
    if table is turns:
        statement = statement.where(turns.c.ended_at.is_not(None))
    connection.execute(statement.values(lane=renamed))
