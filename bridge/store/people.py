"""Who is who, and what they have used, as an operator asks for it. Reads only."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from bridge.store.run import Job
from bridge.store.tables import identities, links, usage

By: TypeAlias = Literal["user", "agent"]

_PIECE = 500  # ids in one statement


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody on one account of a platform.

    own_uid: theirs alone; uid: the person's, which is another if they were joined by /link.
    """

    platform: str
    account: str
    user: str
    name: str
    own_uid: str
    uid: str
    created_at: datetime
    seen_at: datetime

    @property
    def address(self) -> str:
        """As in `access.allow`, and on the command line."""
        return f"{self.platform}:{self.user}"

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.platform, self.account, self.user)


@dataclass(frozen=True, slots=True)
class Spent:
    """What answers cost. of: a uid, or an agent. Tokens are as Coze counts them."""

    of: str
    answers: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer cost."""

    at: datetime
    input_tokens: int
    output_tokens: int


def identities_at(platform: str, user: str) -> Job[list[Identity]]:
    """Find somebody by the platform's id; one for each account that knows them."""
    statement = _IDENTITIES.where(identities.c.platform == platform, identities.c.user == user)
    return _listed(statement)


def identity(platform: str, account: str, user: str) -> Job[Identity | None]:
    """Find somebody on one account."""
    named = _IDENTITIES.where(
        identities.c.platform == platform,
        identities.c.account == account,
        identities.c.user == user,
    )
    return lambda connection: next(_identities(connection.execute(named).all()), None)


def identities_of(uids: Collection[str]) -> Job[list[Identity]]:
    """Find all identities of these persons."""

    def job(connection: Connection) -> list[Identity]:
        chosen = sorted(uids)
        pieces = (chosen[at : at + _PIECE] for at in range(0, len(chosen), _PIECE))
        return [
            each
            for piece in pieces
            for each in _listed(_IDENTITIES.where(*_are(piece)))(connection)
        ]

    return job


def everybody(accounts: Collection[str]) -> Job[list[Identity]]:
    """List all identities on these accounts, who was here last first."""
    return _listed(_IDENTITIES.where(identities.c.account.in_(list(accounts))))


def identities_where(condition: ColumnElement[bool]) -> Job[list[Identity]]:
    """For other modules of the store that know whom they want."""
    return _listed(_IDENTITIES.where(condition))


def identities_along(
    order: Sequence[ColumnElement[Any]], condition: ColumnElement[bool], limit: int
) -> Job[list[Identity]]:
    """The first of these, in this order."""
    statement = _IDENTITIES.where(condition).order_by(*order).limit(limit)
    return lambda connection: list(_identities(connection.execute(statement).all()))


def seen_last(accounts: Collection[str], limit: int) -> Job[list[Identity]]:
    """List who was here last on these accounts."""
    return _listed(_IDENTITIES.where(identities.c.account.in_(list(accounts))).limit(limit))


def spent(by: By, since: datetime) -> Job[list[Spent]]:
    """Add up what answers have cost since then, the largest sum first."""
    of = usage.c.uid if by == "user" else usage.c.agent
    whole = func.sum(usage.c.input_tokens + usage.c.output_tokens)
    statement = (
        select(
            of.label("of"),
            func.count().label("answers"),
            func.sum(usage.c.input_tokens).label("input"),
            func.sum(usage.c.output_tokens).label("output"),
        )
        .where(usage.c.at >= since)
        .group_by(of)
        .order_by(whole.desc(), of)
    )

    def job(connection: Connection) -> list[Spent]:
        rows = connection.execute(statement)
        return [Spent(row.of, row.answers, int(row.input), int(row.output)) for row in rows]

    return job


def spent_by(uid: str, since: datetime) -> Job[Spent]:
    """Add up what a person's answers have cost since then."""
    statement = select(
        func.count().label("answers"),
        func.coalesce(func.sum(usage.c.input_tokens), 0).label("input"),
        func.coalesce(func.sum(usage.c.output_tokens), 0).label("output"),
    ).where(usage.c.uid == uid, usage.c.at >= since)

    def job(connection: Connection) -> Spent:
        row = connection.execute(statement).one()
        return Spent(uid, row.answers, int(row.input), int(row.output))

    return job


def costs(since: datetime) -> Job[list[Cost]]:
    """List what each answer has cost since then, oldest first."""
    columns = (usage.c.at, usage.c.input_tokens, usage.c.output_tokens)
    statement = select(*columns).where(usage.c.at >= since).order_by(usage.c.at)

    def job(connection: Connection) -> list[Cost]:
        rows = connection.execute(statement)
        return [Cost(row.at, row.input_tokens, row.output_tokens) for row in rows]

    return job


def _are(persons: Sequence[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The first condition says no more than the second, but along an index."""
    joined = select(links.c.uid).where(links.c.root.in_(persons))
    own = identities.c.uid.in_(persons)
    return or_(own, identities.c.uid.in_(joined)), _PERSON.in_(persons)


def _listed(statement: Select[Any]) -> Job[list[Identity]]:
    def job(connection: Connection) -> list[Identity]:
        ordered = statement.order_by(identities.c.seen_at.desc(), identities.c.uid)
        return list(_identities(connection.execute(ordered).all()))

    return job


def _identities(rows: Sequence[Row[Any]]) -> Iterator[Identity]:
    for row in rows:
        yield Identity(
            platform=row.platform,
            account=row.account,
            user=row.user,
            name=row.name,
            own_uid=row.uid,
            uid=row.person,
            created_at=row.created_at,
            seen_at=row.seen_at,
        )


_PERSON = func.coalesce(links.c.root, identities.c.uid)
_IDENTITIES = select(identities, _PERSON.label("person")).outerjoin(
    links, links.c.uid == identities.c.uid
)
