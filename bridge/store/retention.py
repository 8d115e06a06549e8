"""What is old goes, a few rows at a time.

Each table is walked by its primary key in windows: no index is kept for times alone, and a
window costs a few milliseconds whatever the size of the table. Tables whose keys grow with time
are walked only as far as something in them is old.

An open turn stays, and so does whatever was merged into one. On PostgreSQL one replica at a time
holds a window; the others leave it to that one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
)

from bridge.store.guests import FORGOTTEN, Standing
from bridge.store.run import Job
from bridge.store.tables import (
    conversations,
    guests,
    identities,
    inbox,
    lanes,
    link_attempts,
    link_codes,
    links,
    operator_log,
    sessions,
    transcript,
    transcript_chats,
    turns,
    usage,
    variables,
    vault,
)

WINDOW = 50  # rows looked at in one transaction: 1 to 3 ms of SQLite's one writer
LINK_TRACES = timedelta(hours=1)  # as long as a code that was used is told from a wrong one

DEEDS = timedelta(days=400)  # what operators did stays as long as what answers cost does

_ONE_AT_A_TIME = 0x636F7A65  # "coze": the advisory lock of whoever removes

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is older than these goes; None keeps it for ever.

    conversations: since they were last used; people: since they were last here.
    """

    messages: datetime | None = None
    usage: datetime | None = None
    conversations: datetime | None = None
    transcripts: datetime | None = None
    people: datetime | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """One window. after: where the next begins; None at the end of what may be old."""

    removed: int
    after: Key | None


@dataclass(frozen=True, slots=True)
class Walk:
    """How the old rows of one table are found. Its `window` is a writing job.

    by_age: true of a row where the rows after it may be old as well; None where keys have no
        order in time, so that any may.
    remove: what is done instead of a plain DELETE.
    """

    table: Table
    is_old: ColumnElement[bool]
    by_age: ColumnElement[bool] | None = None
    remove: Callable[[Connection, ColumnElement[bool]], int] | None = None

    @property
    def name(self) -> str:
        """Of the table."""
        return self.table.name

    @property
    def is_short(self) -> bool:
        """It ends where nothing is old any more, so it can be walked often."""
        return self.by_age is not None

    def window(self, after: Key | None, size: int = WINDOW) -> Job[Swept]:
        """Remove what is old among the next `size` rows."""

        def job(connection: Connection) -> Swept:
            if not _may_begin(connection):
                return Swept(0, None)
            rows = connection.execute(self._next(after, size)).all()
            if not rows:
                return Swept(0, None)
            keys = self._keys()
            here = tuple_(*keys) <= tuple_(*rows[-1][: len(keys)])
            if after is not None:
                here = and_(here, tuple_(*keys) > tuple_(*after))
            removed = (self.remove or self._remove)(connection, and_(here, self.is_old))
            is_last = len(rows) < size or not any(row.is_near for row in rows)
            return Swept(removed, None if is_last else tuple(rows[-1][: len(keys)]))

        return job

    def _keys(self) -> list[Column[Any]]:
        return list(self.table.primary_key)

    def _next(self, after: Key | None, size: int) -> Any:
        keys = self._keys()
        near = true() if self.by_age is None else self.by_age
        statement = select(*keys, near.label("is_near")).order_by(*keys).limit(size)
        return statement if after is None else statement.where(tuple_(*keys) > tuple_(*after))

    def _remove(self, connection: Connection, chosen: ColumnElement[bool]) -> int:
        return connection.execute(delete(self.table).where(chosen)).rowcount


def walks(cuts: Cuts, now: datetime) -> list[Walk]:
    """Everything that may hold something old, in an order that leaves nothing behind."""
    wanted: Mapping[Callable[[datetime], list[Walk]], datetime | None] = {
        _messages: cuts.messages,
        _usage: cuts.usage,
        _conversations: cuts.conversations,
        _transcripts: cuts.transcripts,
        _people: cuts.people,
    }
    kept = [walk for make, cut in wanted.items() if cut is not None for walk in make(cut)]
    return [*kept, *_expired(now)]


def _messages(cut: datetime) -> list[Walk]:
    arrived = inbox.c.received_at < cut
    return [
        Walk(inbox, arrived, by_age=arrived, remove=partial(_remove_messages, cut=cut)),
        Walk(lanes, ~exists().where(turns.c.lane == lanes.c.lane), remove=_remove_lanes),
    ]


def _usage(cut: datetime) -> list[Walk]:
    return [Walk(usage, usage.c.at < cut, by_age=usage.c.at < cut)]


def _conversations(cut: datetime) -> list[Walk]:
    return [
        Walk(conversations, conversations.c.used_at < cut),
        Walk(sessions, sessions.c.used_at < cut),
    ]


def _transcripts(cut: datetime) -> list[Walk]:
    said = exists().where(
        transcript.c.account == transcript_chats.c.account,
        transcript.c.chat == transcript_chats.c.chat,
    )
    return [
        Walk(transcript, transcript.c.at < cut, by_age=transcript.c.at < cut),
        Walk(transcript_chats, and_(transcript_chats.c.created_at < cut, ~said)),
    ]


def _people(cut: datetime) -> list[Walk]:
    known = or_(
        exists().where(identities.c.uid == variables.c.uid),
        exists().where(links.c.root == variables.c.uid),
        exists().where(conversations.c.uid == variables.c.uid),  # a group is nobody's identity
    )
    return [
        Walk(identities, identities.c.seen_at < cut),
        Walk(variables, ~known),
    ]


def _expired(now: datetime) -> list[Walk]:
    """What says itself how long it is good for."""
    return [
        Walk(link_codes, link_codes.c.expires_at <= now - LINK_TRACES),
        # The row that counts for all is locked by whoever joins or parts: it stays.
        Walk(
            link_attempts,
            and_(link_attempts.c.since <= now - LINK_TRACES, link_attempts.c.who != ""),
        ),
        Walk(vault, vault.c.expires_at <= now),
        Walk(
            guests,
            and_(guests.c.standing == Standing.UNKNOWN, guests.c.told_at < now - FORGOTTEN),
        ),
        Walk(
            operator_log,
            operator_log.c.at < now - DEEDS,
            by_age=operator_log.c.at < now - DEEDS,
        ),
    ]


def _remove_messages(connection: Connection, old: ColumnElement[bool], *, cut: datetime) -> int:
    """Remove messages, and with them their turns and pages, where all that is long over."""
    heads = turns.alias()
    is_part_of_open = exists().where(heads.c.id == turns.c.merged_into, heads.c.ended_at.is_(None))
    # Locked, so that an operator's `requeue` comes before or after, and not in between.
    over = (
        select(turns.c.id)
        .join(inbox, inbox.c.id == turns.c.id)
        .where(old, turns.c.ended_at < cut, ~is_part_of_open)
        .with_for_update(of=turns, skip_locked=True)
    )
    ids = list(connection.execute(over).scalars())
    if ids:
        connection.execute(delete(inbox).where(inbox.c.id.in_(ids)))
    return len(ids)


def _remove_lanes(connection: Connection, idle: ColumnElement[bool]) -> int:
    """Remove the fences of lanes without a turn.

    In two statements: the second sees, as the first could not, a message that came in while this
    waited for a lock; and a drain that begins meanwhile waits for us.
    """
    chosen = select(lanes.c.lane).where(idle).with_for_update(skip_locked=True)
    names = list(connection.execute(chosen).scalars())
    if not names:
        return 0
    still_idle = ~exists().where(turns.c.lane == lanes.c.lane)
    gone = delete(lanes).where(lanes.c.lane.in_(names), still_idle)
    return connection.execute(gone).rowcount


def _may_begin(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    lock = select(func.pg_try_advisory_xact_lock(_ONE_AT_A_TIME))
    return bool(connection.execute(lock).scalar_one())
