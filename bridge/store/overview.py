"""What an operator sees of conversations and of turns. Reads only."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    select,
    text,
    true,
)

from bridge.events import Inbound
from bridge.store.codec import INBOUND
from bridge.store.run import Job
from bridge.store.tables import conversations, inbox, outbox, sessions, turns
from bridge.store.turns import TurnState

UNANSWERED = (TurnState.DEAD, TurnState.FAILED)
"""The ends that an operator may want to do something about."""

_PIECE = 500  # rows looked at together
_LATER_THAN_ALL = 2**62  # an id that no message has


@dataclass(frozen=True, slots=True)
class Talk:
    """A lane and what goes on in it.

    conversation_id: None if the next question begins a new one.
    said: the newest message, for who and where; None if it is not stored any more.
    open_turns: not ended yet.
    """

    lane: str
    agent: str
    conversation_id: str | None
    used_at: datetime
    said: Inbound | None
    open_turns: int

    @property
    def platform(self) -> str:
        return unquote(self.lane.split("/")[0])

    @property
    def account(self) -> str:
        return unquote(self.lane.split("/")[1])

    def mentions(self, words: str) -> bool:
        """Tell whether it is about somebody, or something, that is called so; by "" always."""
        about = [self.lane, unquote(self.lane), self.conversation_id or ""]
        if self.said:
            user = self.said.user
            about += [user.id, user.name, user.username, self.said.title]
        return any(words.casefold() in each.casefold() for each in about)


@dataclass(frozen=True, slots=True)
class Which:
    """Of which talks to tell; what is empty excludes none. limit: those used last."""

    platform: str = ""
    agent: str = ""
    search: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Ran:
    """A turn and what became of it.

    question: all that the user said. error: also of a page that could not be shown.
    """

    id: int
    lane: str
    kind: str
    state: TurnState
    said: Inbound
    question: str
    answer: str | None
    error: str | None
    conversation_id: str | None
    chat_id: str | None
    attempts: int
    retries: int
    failures: int
    created_at: datetime
    asked_at: datetime | None
    ended_at: datetime | None

    @property
    def reference(self) -> str:
        """The number that the user was told."""
        return f"{self.id:05d}"


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation at Coze that a lane has had. uid: whose. title: its first question."""

    conversation_id: str
    agent: str
    uid: str
    title: str
    created_at: datetime
    used_at: datetime


def talks(which: Which) -> Job[list[Talk]]:
    """List lanes with a conversation, the one used last first."""
    names = select(sessions.c.lane).where(_of_platform(which.platform))
    names = names.order_by(sessions.c.used_at.desc(), sessions.c.lane)
    if which.agent:
        names = names.where(sessions.c.agent == which.agent)

    def job(connection: Connection) -> list[Talk]:
        lanes = connection.execute(names).scalars().all()
        chosen: list[Talk] = []
        for piece in _pieces(lanes):
            found = talks_in(piece)(connection)
            there = [found[lane] for lane in piece if lane in found]
            chosen += [each for each in there if each.mentions(which.search)]
            if len(chosen) >= which.limit:
                break
        return chosen[: which.limit]

    return job


def talks_in(lanes: Sequence[str]) -> Job[dict[str, Talk]]:
    """Find these lanes, by name; at most some hundreds."""
    statement = _TALKS.where(sessions.c.lane.in_(lanes))
    return lambda connection: {row.lane: _talk(row) for row in connection.execute(statement)}


def talk(lane: str) -> Job[Talk | None]:
    """Find one lane; the slash at the end of its name may be missing."""
    statement = _TALKS.where(sessions.c.lane.in_([lane, f"{lane}/"])).order_by(sessions.c.lane)

    def job(connection: Connection) -> Talk | None:
        row = connection.execute(statement).first()
        return _talk(row) if row else None

    return job


def turns_of(lane: str, limit: int) -> Job[list[Ran]]:
    """List the newest turns of a lane, and of its express lane, newest first."""
    mine = turns.c.lane.in_([lane, f"{lane}!"]) & (turns.c.state != TurnState.MERGED)
    return _ran(_TURNS.where(mine).order_by(turns.c.id.desc()).limit(limit))


def unanswered(limit: int | None = None, before: int = _LATER_THAN_ALL) -> Job[list[Ran]]:
    """List turns that ended without a whole answer, newest first.

    before: of which turn on, to go on from there.
    """
    ended = and_(_IS_UNANSWERED, turns.c.ended_at.is_not(None), turns.c.id < before)
    return _ran(_TURNS.where(ended).order_by(turns.c.id.desc()).limit(limit))


def running(limit: int) -> Job[list[Ran]]:
    """List turns that have not ended, the oldest first."""
    # Not by id: along the key, SQLite would look at all that have ended as well.
    oldest = (turns.c.created_at, turns.c.lane, turns.c.id)
    return _ran(_TURNS.where(turns.c.ended_at.is_(None)).order_by(*oldest).limit(limit))


def crowd() -> Job[tuple[int, int]]:
    """Count the turns that have not ended, and those that ended without a whole answer."""
    is_open = select(func.count()).select_from(turns).where(turns.c.ended_at.is_(None))
    is_left = select(func.count()).select_from(turns).where(_IS_UNANSWERED)

    def job(connection: Connection) -> tuple[int, int]:
        row = connection.execute(
            select(is_open.scalar_subquery().label("open"), is_left.scalar_subquery().label("left"))
        ).one()
        return row.open, row.left

    return job


def states_of(ids: Collection[int]) -> Job[dict[int, str]]:
    """Tell the state of each of these turns that there is."""
    statement = select(turns.c.id, turns.c.state).where(turns.c.id.in_(list(ids)))

    def job(connection: Connection) -> dict[int, str]:
        return {row.id: row.state for row in connection.execute(statement)}

    return job


def held(lane: str, limit: int) -> Job[list[Held]]:
    """List the conversations a lane has had, the one used last first."""
    statement = (
        select(conversations)
        .where(conversations.c.lane == lane)
        .order_by(conversations.c.used_at.desc(), conversations.c.conversation_id.desc())
        .limit(limit)
    )

    def job(connection: Connection) -> list[Held]:
        return [
            Held(r.conversation_id, r.agent, r.uid, r.title, r.created_at, r.used_at)
            for r in connection.execute(statement)
        ]

    return job


def newest_of(
    people: Collection[tuple[str, str, str]],
) -> Job[dict[tuple[str, str, str], Inbound]]:
    """Find the newest message of each person, by platform, account and user id.

    Who wrote is only inside of what is stored, so this looks at messages until it has met
    everybody, or all messages.
    """
    wanted = set(people)
    accounts = {account for _, account, _ in wanted}
    older = (
        select(inbox.c.id, inbox.c.platform, inbox.c.account, inbox.c.payload)
        .where(inbox.c.account.in_(accounts), inbox.c.id < bindparam("before"))
        .order_by(inbox.c.id.desc())
        .limit(_PIECE)
    )

    def job(connection: Connection) -> dict[tuple[str, str, str], Inbound]:
        found: dict[tuple[str, str, str], Inbound] = {}
        before = _LATER_THAN_ALL
        while rows := connection.execute(older, {"before": before}).all():
            for row in rows:
                said = INBOUND.load(row.payload)
                found.setdefault((row.platform, row.account, said.user.id), said)
            if wanted <= found.keys():
                break
            before = rows[-1].id
        return {key: said for key, said in found.items() if key in wanted}

    return job


def _of_platform(platform: str) -> ColumnElement[bool]:
    """Not LIKE: to SQLite's, upper and lower case are the same."""
    if not platform:
        return true()
    return func.substr(sessions.c.lane, 1, len(platform) + 1) == f"{platform}/"


def _pieces(lanes: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut what would be too much for one statement; the first piece is what a person looks at."""
    for at in range(0, len(lanes), _PIECE):
        yield lanes[at : at + _PIECE]


def _talk(row: Row[Any]) -> Talk:
    said = INBOUND.load(row.payload) if row.payload else None
    return Talk(row.lane, row.agent, row.conversation_id, row.used_at, said, row.open_turns)


def _ran(statement: Select[Any]) -> Job[list[Ran]]:
    def job(connection: Connection) -> list[Ran]:
        rows = connection.execute(statement).all()
        return [_turn(row, _parts(connection, row.id)) for row in rows]

    return job


def _parts(connection: Connection, head: int) -> Sequence[Inbound]:
    payloads = connection.execute(_PARTS, {"head": head}).scalars()
    return [INBOUND.load(payload) for payload in payloads]


def _turn(row: Row[Any], parts: Sequence[Inbound]) -> Ran:
    said = INBOUND.load(row.payload)
    words = "\n".join(each.text for each in (said, *parts) if each.text)
    return Ran(
        id=row.id,
        lane=row.lane,
        kind=row.kind,
        state=TurnState(row.state),
        said=said,
        question=row.question or words,
        answer=row.answer,
        error=row.reason,
        conversation_id=row.conversation_id,
        chat_id=row.chat_id,
        attempts=row.attempts,
        retries=row.retries,
        failures=row.failures,
        created_at=row.created_at,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )


# Word for word what `ix_turns_unanswered` is of: SQLite does not look into bound values.
_IS_UNANSWERED = text("turns.state IN ('dead', 'failed')")
_NEWEST = (
    select(func.max(turns.c.id))
    .where(turns.c.lane == sessions.c.lane)
    .correlate(sessions)
    .scalar_subquery()
)
_OPEN = (
    select(func.count())
    .where(turns.c.lane == sessions.c.lane, turns.c.ended_at.is_(None))
    .correlate(sessions)
    .scalar_subquery()
)
_TALKS = select(sessions, inbox.c.payload, _OPEN.label("open_turns")).select_from(
    sessions.outerjoin(inbox, inbox.c.id == _NEWEST)
)
_PAGE_ERROR = (
    select(func.min(outbox.c.error))
    .where(outbox.c.turn == turns.c.id)
    .correlate(turns)
    .scalar_subquery()
)
_TURNS = select(
    turns, inbox.c.payload, func.coalesce(turns.c.error, _PAGE_ERROR).label("reason")
).select_from(turns.join(inbox, inbox.c.id == turns.c.id))
_PARTS = (
    select(inbox.c.payload)
    .join(turns, turns.c.id == inbox.c.id)
    .where(turns.c.merged_into == bindparam("head"))
    .order_by(turns.c.id)
)
