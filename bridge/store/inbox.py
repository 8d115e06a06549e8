"""Messages as they arrived. What is not committed here was never acknowledged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, func, select

from bridge.events import Inbound
from bridge.lanes import express
from bridge.spans import Traced
from bridge.store.codec import INBOUND
from bridge.store.ledger import Beginning
from bridge.store.run import Bulk, Job
from bridge.store.tables import inbox, turns
from bridge.store.turns import Turn, TurnKind, TurnState
from bridge.store.upsert import insert, one_or_many


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new row, the lane that has work because of it, and when that began.

    begun: its turn, if it was taken at once.
    """

    id: int
    lane: str
    at: datetime
    begun: Turn | None = None

    @property
    def traced(self) -> Traced:
        """Which trace it begins."""
        return Traced(self.id, self.at)


Tell: TypeAlias = Callable[[Connection, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An event, the lane it belongs to, and when it came; the rest is as in `accept`."""

    event: Inbound
    lane: str
    at: datetime
    tell: Tell | None
    kind: TurnKind = TurnKind.MESSAGE
    begin: Beginning | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        chat = self.event.chat
        return chat.platform, chat.account, self.event.event_id

    def begun(self, connection: Connection, accepted: Accepted) -> Accepted:
        """What was accepted, with its turn if that is taken at once."""
        if self.begin is None:
            return accepted
        turn = Turn(
            id=accepted.id,
            lane=accepted.lane,
            fence=0,
            kind=self.kind,
            state=TurnState.RECEIVED,
            events=(self.event,),
            question=None,
            trace=None,
            attempts=0,
            failures=0,
            retries=0,
            created_at=self.at,
            asked_at=None,
        )
        return replace(accepted, begun=self.begin(connection, turn))


_Begun: TypeAlias = tuple[Accepted, _Arrival]


def accept(  # noqa: PLR0913 - by name, and most messages need few of them
    event: Inbound,
    lane: str,
    now: datetime,
    *,
    merge_window: float | None = None,
    also: Tell | None = None,
    kind: TurnKind = TurnKind.MESSAGE,
    begin: Beginning | None = None,
) -> Job[Accepted | None]:
    """Insert an event and its turn; None if it was put before.

    also: called with the lanes that have work now, in the same transaction.
    begin: called with its turn, in the same transaction, which it may take at once; not with a
        merge_window.
    merge_window: if given, an event that finds its lane busy becomes a notice in the express
        lane, unless it comes within so many seconds after one it can still be merged into.
    """
    arrival = _Arrival(event, lane, now, also, kind, begin)
    if merge_window is None:
        return Bulk(_accept_all, arrival)
    return partial(_accept_unless_busy, arrival, merge_window)


def accept_if(wanted: Job[bool], acceptance: Job[Accepted | None]) -> Job[Accepted | None]:
    """Accept an event if a job says so, both in one transaction."""
    return lambda connection: acceptance(connection) if wanted(connection) else None


def _accept_all(connection: Connection, arrivals: Sequence[_Arrival]) -> list[Accepted | None]:
    """Few statements, however many there are: platforms count the seconds to our answer."""
    new = _inserted(connection, arrivals)
    begun: list[_Begun] = []
    results: list[Accepted | None] = []
    for arrival in arrivals:
        number = new.pop(arrival.key, None)  # of those that came twice at once, the first has it
        accepted = None if number is None else Accepted(number, arrival.lane, arrival.at)
        results.append(accepted)
        if accepted is not None:
            begun.append((accepted, arrival))
    _begin(connection, begun)
    taken = {accepted.id: arrival.begun(connection, accepted) for accepted, arrival in begun}
    return [each and taken[each.id] for each in results]


def _accept_unless_busy(
    arrival: _Arrival, merge_window: float, connection: Connection
) -> Accepted | None:
    new = _inserted(connection, [arrival])
    if not new:
        return None
    refused = _is_busy(connection, arrival.lane, arrival.at, merge_window)
    lane = express(arrival.lane) if refused else arrival.lane
    accepted = Accepted(new[arrival.key], lane, arrival.at)
    kind = TurnKind.BUSY if refused else arrival.kind
    _begin(connection, [(accepted, replace(arrival, kind=kind))])
    return accepted


def _inserted(
    connection: Connection, arrivals: Sequence[_Arrival]
) -> dict[tuple[str, str, str], int]:
    """The ids of those that are new; they grow in the order of the arrivals.

    Both databases insert the rows of a VALUES list one after another; only the order in which
    they are returned is left open.
    """
    rows = [
        {
            "platform": arrival.event.chat.platform,
            "account": arrival.event.chat.account,
            "event_id": arrival.event.event_id,
            "lane": arrival.lane,
            "payload": INBOUND.dump(arrival.event),
            "received_at": arrival.at,
        }
        for arrival in arrivals
    ]
    found = connection.execute(_accepting(connection.dialect.name), one_or_many(rows))
    return {(row.platform, row.account, row.event_id): row.id for row in found}


def _begin(connection: Connection, begun: Sequence[_Begun]) -> None:
    """Insert the turns of new rows, and tell whoever wants to know, in their order."""
    if not begun:
        return
    rows = [
        {
            "id": accepted.id,
            "lane": accepted.lane,
            "kind": arrival.kind,
            "created_at": arrival.at,
        }
        for accepted, arrival in begun
    ]
    connection.execute(_RECEIVED, one_or_many(rows)).close()
    for tell, told in groupby(begun, key=lambda it: it[1].tell):
        if tell is not None:
            tell(connection, [accepted.lane for accepted, _ in told])


def _is_busy(connection: Connection, lane: str, now: datetime, window: float) -> bool:
    untouched = (turns.c.state == TurnState.RECEIVED) & (turns.c.attempts == 0)
    statement = select(func.count(), func.count().filter(untouched), func.max(turns.c.created_at))
    # An answer that is only being delivered keeps nobody: its reader may have it in full.
    at_work = turns.c.ended_at.is_(None) & (turns.c.state != TurnState.ANSWERED)
    row = connection.execute(statement.where(turns.c.lane == lane, at_work)).one()
    open_turns, waiting, newest = row
    mergeable = open_turns == waiting and newest and abs(now - newest) <= timedelta(seconds=window)
    return bool(open_turns) and not mergeable


# Built once; see `bridge.store.upsert`.

_RECEIVED = (
    turns.insert()
    .values(
        id=bindparam("id"),
        lane=bindparam("lane"),
        kind=bindparam("kind"),
        created_at=bindparam("created_at"),
        state=TurnState.RECEIVED,
        attempts=0,
        failures=0,
        retries=0,
    )
    .returning(turns.c.id)
)  # nobody reads it; because of it SQLAlchemy sends many as one statement


@lru_cache
def _accepting(dialect: str) -> Any:
    names = ("platform", "account", "event_id", "lane", "payload", "received_at")
    statement = insert(dialect, inbox).values({name: bindparam(name) for name in names})
    return statement.on_conflict_do_nothing().returning(
        inbox.c.id, *(inbox.c[name] for name in names[:3])
    )
