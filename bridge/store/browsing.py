"""Lists of a database that may be large: read piece by piece, along an index. Reads only.

A piece looks at so many rows and no more, whatever it finds among them; so a search that finds
nothing costs no more than one that finds something, and is gone on with by whoever wants to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true, tuple_

from bridge.store.guests import Standing
from bridge.store.overview import Talk, Which, talks_in
from bridge.store.people import Identity, Spent, identities_along, identities_where
from bridge.store.run import Job
from bridge.store.tables import guests, identities, sessions, usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: after the row of this time, and by this name among those."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """What was found, and where to go on; None at the end of the list."""

    found: Sequence[T]
    then: Place | None


def talks_from(which: Which, after: Place | None, look: int) -> Job[Piece[Talk]]:
    """Look at so many lanes, the one used last first; at most `which.limit` are found."""
    used, lane = sessions.c.used_at, sessions.c.lane
    listing = select(lane, used, sessions.c.agent).order_by(used.desc(), lane.desc()).limit(look)
    if after:
        listing = listing.where(used <= after.at, or_(used < after.at, lane < after.name))

    def job(connection: Connection) -> Piece[Talk]:
        rows = connection.execute(listing).all()
        wanted = [row.lane for row in rows if _is_of(row.lane, row.agent, which)]
        known = talks_in(wanted)(connection)
        found = [known[name] for name in wanted if name in known]
        found = [each for each in found if each.mentions(which.search)]
        if len(found) > which.limit:
            found = found[: which.limit]
            return Piece(found, Place(found[-1].used_at, found[-1].lane))
        last = Place(rows[-1].used_at, rows[-1].lane) if len(rows) == look else None
        return Piece(found, last)

    return job


def people_from(search: str, limit: int, after: Place | None, look: int) -> Job[Piece[Identity]]:
    """Look at so many identities, who was here last first; at most `limit` are found."""
    order = (identities.c.seen_at.desc(), _NAME.desc())
    listing = identities_along(order, _older(after), look)

    def job(connection: Connection) -> Piece[Identity]:
        seen = listing(connection)
        found = [it for it in seen if _mentions(it, search)]
        if len(found) > limit:
            found = found[:limit]
            return Piece(found, Place(found[-1].seen_at, _name(found[-1])))
        last = Place(seen[-1].seen_at, _name(seen[-1])) if len(seen) == look else None
        return Piece(found, last)

    return job


def identities_called(address: str, accounts: Collection[str]) -> Job[list[Identity]]:
    """Find who is written so in `access.allow`, on these accounts."""
    platform, _, user = address.partition(":")
    key = (identities.c.platform == platform, identities.c.user == user)
    return identities_where(and_(*key, identities.c.account.in_(list(accounts))))


def standings(people: Collection[Identity]) -> Job[dict[tuple[str, str], Standing]]:
    """What an admin thinks of these, by platform and id; nothing of most of them."""
    keys = sorted({(it.platform, it.user) for it in people})
    who = tuple_(guests.c.platform, guests.c.user)
    columns = (guests.c.platform, guests.c.user, guests.c.standing)
    statement = select(*columns).where(who.in_(keys))

    def job(connection: Connection) -> dict[tuple[str, str], Standing]:
        rows = connection.execute(statement) if keys else ()
        return {(row.platform, row.user): Standing(row.standing) for row in rows}

    return job


def spent_each(uids: Collection[str], since: datetime) -> Job[dict[str, Spent]]:
    """Add up what the answers of each of these persons have cost since then."""
    statement = (
        select(
            usage.c.uid,
            func.count().label("answers"),
            func.sum(usage.c.input_tokens).label("input"),
            func.sum(usage.c.output_tokens).label("output"),
        )
        .where(usage.c.uid.in_(list(uids)), usage.c.at >= since)
        .group_by(usage.c.uid)
    )

    def job(connection: Connection) -> dict[str, Spent]:
        rows = connection.execute(statement)
        return {r.uid: Spent(r.uid, r.answers, int(r.input), int(r.output)) for r in rows}

    return job


def _is_of(lane: str, agent: str, which: Which) -> bool:
    platform = not which.platform or lane.startswith(f"{which.platform}/")
    return platform and which.agent in ("", agent)


# Two accounts can have met the same person in the same moment.
_NAME = identities.c.uid + "/" + identities.c.account


def _name(it: Identity) -> str:
    return f"{it.own_uid}/{it.account}"


def _older(after: Place | None) -> ColumnElement[bool]:
    if after is None:
        return true()
    seen = identities.c.seen_at
    return and_(seen <= after.at, or_(seen < after.at, after.name > _NAME))


def _mentions(it: Identity, words: str) -> bool:
    about = (it.name, it.address, it.account, it.uid, it.own_uid)
    return any(words.casefold() in each.casefold() for each in about)
