"""What is stored about a person, removed.

In three parts, each of which survives a crash. `begin`, in one transaction: who they are, their
conversations, variables and links. `sweep`, in windows over the inbox: what they said and what
was answered, which no index finds by its author. `finish`, a day later: what had to wait. What
lies at Coze is a matter of `bridge.store.farewells`.

A row by which a message is known that is delivered again stays, with nothing in it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from bridge.events import ChatRef, Inbound, User
from bridge.lanes import EXPRESS, is_own, whole_chat_of
from bridge.store.codec import INBOUND
from bridge.store.farewells import Kind, say_farewell
from bridge.store.links import part
from bridge.store.run import Job
from bridge.store.sessions import TITLE_LENGTH
from bridge.store.tables import (
    conversations,
    files,
    forgettings,
    guests,
    identities,
    inbox,
    links,
    outbox,
    sessions,
    tool_calls,
    transcript,
    turns,
    usage,
    variables,
)
from bridge.store.turns import TurnState
from bridge.store.upsert import change, put

NOBODYS = "forgotten"  # the lane of messages of which nothing is left; no chat has such a lane
SETTLED = timedelta(minutes=1)  # after its end nobody works on a turn any more
COUNTED = timedelta(days=1)  # what was used counts for so long, whoever it was
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW = 200  # messages looked through in one transaction


@dataclass(frozen=True, slots=True)
class Somebody:
    """An identity on a platform. uid: its own."""

    platform: str
    account: str
    user: str
    uid: str

    @property
    def key(self) -> dict[str, str]:
        """Of its rows."""
        return {"platform": self.platform, "account": self.account, "user": self.user}


@dataclass(frozen=True, slots=True)
class Forgetting:
    """How far it is. until: the newest message that is to be forgotten."""

    who: Somebody
    asked_at: datetime
    until: int
    cursor: int

    @property
    def is_swept(self) -> bool:
        """All that was said before is gone."""
        return self.cursor >= self.until


@dataclass(frozen=True, slots=True)
class _Said:
    """A message of somebody, and whether it still moves."""

    id: int
    lane: str
    event: Inbound
    ended_at: datetime | None

    def is_settled(self, now: datetime) -> bool:
        return self.ended_at is not None and self.ended_at <= now - SETTLED


# The beginning


def begin(who: Somebody, person: str, until: int, now: datetime) -> Job[None]:
    """Forget an identity and all that are joined with it, beginning with who they are.

    person: the uid it goes by. until: the message in which it was asked for; what comes later is
    somebody new. Asking twice is asking once.
    """

    def job(connection: Connection) -> None:
        everybody = {who, *_joined(connection, person)}
        uids = sorted({person, *(each.uid for each in everybody)})
        for each in everybody:
            progress = {"uid": each.uid, "asked_at": now, "until": until, "cursor": 0}
            put(connection, forgettings, **each.key, **progress)
            connection.execute(delete(identities).where(*_is(identities, each)))
            # Whether they may talk is an operator's decision, like what stands in the settings.
            change(connection, guests, {"platform": each.platform, "user": each.user}, name="")
        own = or_(conversations.c.shared.is_(None), conversations.c.shared.is_(False))
        begun = select(conversations.c.lane).where(conversations.c.uid.in_(uids), own)
        for lane in set(connection.execute(begun).scalars()):
            _leave(connection, lane, now)
        _unset(connection, uids, now)
        _uncount(connection, uids, before=now - COUNTED)
        for uid in uids:
            part(uid, now)(connection)

    return job


def _joined(connection: Connection, person: str) -> list[Somebody]:
    uids = [
        person,
        *connection.execute(select(links.c.uid).where(links.c.root == person)).scalars(),
    ]
    rows = connection.execute(select(identities).where(identities.c.uid.in_(uids)))
    return [Somebody(row.platform, row.account, row.user, row.uid) for row in rows]


def _leave_or_rename(connection: Connection, said: Iterable[_Said], asked_at: datetime) -> None:
    """Drop what these messages were part of, or where others are, what was named after them."""
    own: dict[str, datetime] = {}
    for each in said:
        if is_own(each.event, each.lane):
            # A question that was waiting at the time may have begun a conversation after it.
            ended = each.ended_at or asked_at
            own[each.lane] = max(own.get(each.lane, asked_at), ended)
        elif each.event.text:
            _rename(connection, each)
    for lane, until in own.items():
        _leave(connection, lane, until)


def _leave(connection: Connection, lane: str, until: datetime) -> None:
    """Drop what went on until then in a lane that is one person's alone."""
    earlier = (conversations.c.lane == lane, conversations.c.created_at <= until)
    rows = connection.execute(select(conversations).where(*earlier)).all()
    for row in rows:
        lies = (row.agent, row.uid, Kind.CONVERSATION, row.conversation_id)
        say_farewell(connection, *lies, until)
    ids = [row.conversation_id for row in rows]
    connection.execute(delete(conversations).where(*earlier))
    ended = or_(sessions.c.used_at <= until, sessions.c.conversation_id.in_(ids))
    connection.execute(delete(sessions).where(sessions.c.lane == lane, ended))
    if place := whole_chat_of(lane):
        here = tuple_(transcript.c.account, transcript.c.chat) == tuple_(*place)
        connection.execute(delete(transcript).where(here, transcript.c.at <= until))


def _rename(connection: Connection, said: _Said) -> None:
    """Take a question out of the history that others have as well: there it is a title."""
    title, text = conversations.c.title, said.event.text
    merged = title.startswith(f"{text}\n"[:TITLE_LENGTH], autoescape=True)
    named = or_(title == text[:TITLE_LENGTH], merged)
    here = conversations.c.lane == said.lane
    connection.execute(update(conversations).where(here, named).values(title=""))


def _unset(connection: Connection, uids: Sequence[str], now: datetime) -> None:
    """Drop what is known of variables; what Coze was told or has told is unset there."""
    rows = connection.execute(select(variables).where(variables.c.uid.in_(uids)))
    for row in rows.all():
        if row.synced or row.remote:
            say_farewell(connection, row.agent, row.uid, Kind.VARIABLE, row.keyword, now)
    connection.execute(delete(variables).where(variables.c.uid.in_(uids)))


def _uncount(connection: Connection, uids: Sequence[str], before: datetime) -> None:
    """Let what was used be nobody's; the sums stay."""
    past = and_(usage.c.uid.in_(uids), usage.c.at <= before)
    connection.execute(update(usage).where(past).values(uid=""))


# The sweep


def under_way() -> Job[list[Forgetting]]:
    """Everybody who is being forgotten, whoever asked first."""

    def job(connection: Connection) -> list[Forgetting]:
        rows = connection.execute(select(forgettings).order_by(forgettings.c.asked_at))
        return [_forgetting(row) for row in rows]

    return job


def sweep(who: Somebody, now: datetime, size: int = WINDOW) -> Job[bool]:
    """Empty what somebody has said, in one window; tell whether the next may follow at once.

    It stops before a message that is still being answered. Nothing is done while another
    replica is at it.
    """

    def job(connection: Connection) -> bool:
        mine = select(forgettings).where(*_is(forgettings, who)).with_for_update(skip_locked=True)
        row = connection.execute(mine).first()
        if row is None or row.cursor >= row.until:
            return False
        end = _end_of_window(connection, row, size)
        found = list(_said(connection, who, row.cursor, end))
        open_ones = [each.id for each in found if not each.is_settled(now)]
        last = min(open_ones) - 1 if open_ones else end
        done = [each for each in found if each.id <= last]
        _leave_or_rename(connection, done, row.asked_at)
        _empty(connection, [each.id for each in done], who)
        change(connection, forgettings, who.key, cursor=last)
        return not open_ones and last < row.until

    return job


def finish(who: Somebody, now: datetime) -> Job[None]:
    """Forget that somebody wanted to be forgotten, once nothing else is left to do."""

    def job(connection: Connection) -> None:
        found = connection.execute(select(forgettings).where(*_is(forgettings, who))).first()
        if found is None or found.cursor < found.until or now < found.asked_at + COUNTED:
            return
        # A message that was being answered at the time has brought its sender back.
        late = identities.c.seen_at <= found.asked_at + SETTLED
        connection.execute(delete(identities).where(*_is(identities, who), late))
        if not connection.execute(select(exists().where(*_is(identities, who)))).scalar_one():
            _unset(connection, [who.uid], now)
        _uncount(connection, [who.uid], before=found.asked_at)
        connection.execute(delete(forgettings).where(*_is(forgettings, who)))

    return job


def _end_of_window(connection: Connection, row: Row[Any], size: int) -> int:
    ids = select(inbox.c.id).where(inbox.c.id > row.cursor, inbox.c.id <= row.until)
    window = ids.order_by(inbox.c.id).limit(size).subquery()
    end = connection.execute(select(func.max(window.c.id), func.count())).one()
    return int(end[0]) if end[1] == size else int(row.until)


def _said(connection: Connection, who: Somebody, after: int, end: int) -> Iterator[_Said]:
    """Find the messages of somebody among those of a window."""
    named = f'"user":{{"id":{json.dumps(who.user, ensure_ascii=False)}'
    rows = connection.execute(
        select(inbox.c.id, inbox.c.lane, inbox.c.payload, turns.c.ended_at)
        .join(turns, turns.c.id == inbox.c.id)
        .where(inbox.c.id > after, inbox.c.id <= end)
        .where(inbox.c.platform == who.platform, inbox.c.account == who.account)
        .where(inbox.c.payload.contains(named, autoescape=True))
        .order_by(inbox.c.id)
    )
    for row in rows.all():
        event = INBOUND.load(row.payload)
        if event.user.id == who.user:  # LIKE takes a for A on SQLite
            yield _Said(row.id, row.lane.removesuffix(EXPRESS), event, row.ended_at)


def _empty(connection: Connection, ids: Sequence[int], who: Somebody) -> None:
    """Leave of messages, and of the answers to them, that they were there."""
    nothing = INBOUND.dump(
        Inbound("", ChatRef(who.platform, who.account, ""), User(""), "", LONG_AGO)
    )
    emptied = {"payload": nothing, "lane": NOBODYS}
    connection.execute(update(inbox).where(inbox.c.id.in_(ids)).values(**emptied))
    gone = {"question": None, "answer": None, "error": None, "lane": NOBODYS}
    asked = {"conversation_id": None, "chat_id": None, "answer_id": None, "rating": None}
    mine = turns.c.id.in_(ids)
    connection.execute(update(turns).where(mine).values(**gone, **asked))
    unanswered = turns.c.state.in_((TurnState.DEAD, TurnState.FAILED))
    # There is nothing left that an operator could take up again.
    connection.execute(update(turns).where(mine, unanswered).values(state=TurnState.DROPPED))
    of_these = outbox.c.turn.in_(ids)
    nowhere = {"content": None, "message_id": None, "error": None}
    connection.execute(update(outbox).where(of_these).values(**nowhere))
    for table in (files, tool_calls):
        connection.execute(delete(table).where(table.c.turn.in_(ids)))


def _is(table: Table, who: Somebody) -> list[ColumnElement[bool]]:
    columns: dict[str, Column[Any]] = {name: table.c[name] for name in who.key}
    return [column == who.key[name] for name, column in columns.items()]


def _forgetting(row: Row[Any]) -> Forgetting:
    who = Somebody(row.platform, row.account, row.user, row.uid)
    return Forgetting(who, row.asked_at, row.until, row.cursor)
