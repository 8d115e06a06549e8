"""What an admin wants everybody to know: given out as turns, a few at a time.

Each private chat gets one turn, which a unique event id sees to, and how far it is stands in the
same transaction. So a crash delays it, and no chat gets it twice. From the newest message back:
who was here last is told first, where they were last.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, func, select

from bridge.events import ChatKind, Inbound
from bridge.store.codec import INBOUND
from bridge.store.inbox import Accepted
from bridge.store.operator_log import Deed, note
from bridge.store.run import Job
from bridge.store.tables import broadcasts, identities, inbox, turns
from bridge.store.turns import TurnKind
from bridge.store.upsert import change, insert_once

_VISITS = (TurnKind.MESSAGE, TurnKind.ADMIN)


class Stage(StrEnum):
    """How far a broadcast is."""

    DRAFT = "draft"
    SENDING = "sending"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """id: of the turn that asked for it. by: who, as in `Deed.who`.

    since: who was here since then is told. cursor: from this message on it is given out.
    """

    id: int
    text: str
    by: str
    stage: Stage
    since: datetime
    cursor: int
    chats: int


@dataclass(frozen=True, slots=True)
class Window:
    """The next messages to look at, the newest first. Empty, and at the end: `cursor` is 0."""

    said: Sequence[Inbound]
    cursor: int


def draft(turn: int, text: str, by: str, since: datetime) -> Job[int]:
    """Keep what may be sent; tell how many people were here since then."""
    here = select(func.count()).select_from(identities).where(identities.c.seen_at >= since)

    def job(connection: Connection) -> int:
        begun = {"state": Stage.DRAFT, "since": since, "cursor": turn + 1, "chats": 0}
        insert_once(connection, broadcasts, id=turn, text=text, by=by[:255], **begun)
        return int(connection.execute(here).scalar_one())

    return job


def release(number: int, by: str, now: datetime) -> Job[bool]:
    """Begin to send a draft; False if there is no such draft of theirs. Twice is once."""
    mine = {"id": number, "by": by[:255]}

    def job(connection: Connection) -> bool:
        if change(connection, broadcasts, {**mine, "state": Stage.DRAFT}, state=Stage.SENDING):
            note(Deed(now, by, "broadcast", f"message {number}"))(connection)
            return True
        return connection.execute(select(broadcasts.c.id).filter_by(**mine)).first() is not None

    return job


def broadcast(number: int) -> Job[Broadcast | None]:
    """Find one."""
    return partial(_first, select(broadcasts).where(broadcasts.c.id == number))


def sending() -> Job[Broadcast | None]:
    """Find the oldest one that is not given out to everybody."""
    open_ones = select(broadcasts).where(broadcasts.c.state == Stage.SENDING)
    return partial(_first, open_ones.order_by(broadcasts.c.id).limit(1))


def undelivered() -> Job[int]:
    """Count the turns of broadcasts that are still on their way."""
    statement = (
        select(func.count())
        .select_from(turns)
        .where(turns.c.ended_at.is_(None), turns.c.kind == TurnKind.NEWS)
    )
    return lambda connection: int(connection.execute(statement).scalar_one())


def window(of: Broadcast, accounts: Collection[str], size: int) -> Job[Window]:
    """Look at the next messages that people of these accounts have sent in private."""
    statement = (
        select(inbox.c.id, inbox.c.payload)
        .join(turns, turns.c.id == inbox.c.id)
        .where(inbox.c.id < of.cursor, inbox.c.received_at >= of.since)
        .where(inbox.c.account.in_(accounts), turns.c.kind.in_(_VISITS))
        .order_by(inbox.c.id.desc())
        .limit(size)
    )

    def job(connection: Connection) -> Window:
        rows = connection.execute(statement).all()
        said = [INBOUND.load(row.payload) for row in rows]
        last = rows[-1].id if len(rows) == size else 0
        return Window([event for event in said if _is_private(event)], last)

    return job


def give_out(
    of: Broadcast, cursor: int, news: Sequence[Job[Accepted | None]]
) -> Job[list[Accepted]]:
    """Accept these, and go on from `cursor`; nothing if another replica did so meanwhile."""

    def job(connection: Connection) -> list[Accepted]:
        here = {"id": of.id, "cursor": of.cursor, "state": Stage.SENDING}
        if not change(connection, broadcasts, here, cursor=cursor):
            return []
        accepted = [new for each in news if (new := each(connection))]
        state = Stage.SENDING if cursor else Stage.DONE
        given = of.chats + len(accepted)
        change(connection, broadcasts, {"id": of.id}, chats=given, state=state)
        return accepted

    return job


def _is_private(event: Inbound) -> bool:
    """Whether nobody but its sender reads there; of who wanted to be forgotten nothing is left."""
    chat = event.chat
    alone = chat.kind is ChatKind.PRIVATE and not event.overheard and not chat.via
    return alone and bool(chat.chat)


def _first(statement: Select[Any], connection: Connection) -> Broadcast | None:
    row = connection.execute(statement).first()
    if row is None:
        return None
    of = (row.id, row.text, row.by, Stage(row.state))
    return Broadcast(*of, since=row.since, cursor=row.cursor, chats=row.chats)
