"""Identities of one person: who is joined with whom, and the one-time codes that join them.

The links are flat: a row leads from an identity's own uid straight to the person's, which is the
own uid of one of them and has no row itself. Every change here takes one and the same lock, so
that two joins at once make no circle, a code is used once, and no wrong code goes uncounted.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)

from bridge.store.run import Job
from bridge.store.tables import link_attempts, link_codes, links
from bridge.store.upsert import change, insert, insert_once, put

CODE_LIFE = timedelta(minutes=10)
WRONG_WINDOW = timedelta(hours=1)
MOST_WRONG = 5
MOST_WRONG_IN_ALL = 300
"""Wrong codes in one `WRONG_WINDOW`, of one identity and of all together; then none is tried.

There are 20^8 = 2.6e10 codes (`bridge.linking`). While a code lives, at most two windows' worth
of guesses can meet it, 600, so it is found with a chance of 1 in 40 million. Whoever uses up the
limit all year long tries 2.6 million: with ten codes alive at any time, the chance that one of
them is ever found is 1 in 1,000. The price: 60 identities that lie can keep all others from
linking until the hour is over. Five is the number of slips a person may make.
"""

_REMEMBERED = timedelta(hours=1)  # how long we can say that a code was used, or has expired
_ALL = ""  # the row of `link_attempts` that counts for everybody; also the lock


class Redeemed(StrEnum):
    """What came of sending a code."""

    JOINED = "joined"
    ALREADY = "already"
    ONESELF = "oneself"
    EXPIRED = "expired"
    USED = "used"
    UNKNOWN = "unknown"
    TOO_OFTEN = "too often"


class Parted(StrEnum):
    """What came of leaving: there was nobody, one has left, or the others had to leave."""

    ALONE = "alone"
    LEFT = "left"
    DISSOLVED = "dissolved"


def person_of(uid: BindParameter[str]) -> ColumnElement[str]:
    """The uid that an identity goes by, in SQL: its own unless it is joined with others."""
    joined = select(links.c.root).where(links.c.uid == uid).scalar_subquery()
    return func.coalesce(joined, uid)


def offer(code: str, uid: str, now: datetime) -> Job[bool]:
    """Let whoever sends `code` next be the person that `uid` is; earlier codes of `uid` are void.

    False: there is such a code already, draw another.
    """

    def job(connection: Connection) -> bool:
        _lock(connection, _ALL, now)
        _void(connection, uid, now)
        connection.execute(_TIDY_CODES, {"before": now - _REMEMBERED})
        made = {"uid": uid, "expires_at": now + CODE_LIFE, "used_by": None}
        return insert_once(connection, link_codes, digest=_digest(code), **made)

    return job


def redeem(code: str, uid: str, now: datetime) -> Job[Redeemed]:
    """Make `uid`, and all who are joined with it, the person of whoever made the code.

    Sending the same code twice, as after a crash, is joining once.
    """

    def job(connection: Connection) -> Redeemed:
        wrong_in_all = _lock(connection, _ALL, now)
        if _lock(connection, uid, now) >= MOST_WRONG or wrong_in_all >= MOST_WRONG_IN_ALL:
            return Redeemed.TOO_OFTEN
        redeemed = _redeem(connection, _digest(code), uid, now)
        if redeemed in {Redeemed.UNKNOWN, Redeemed.EXPIRED, Redeemed.USED}:
            connection.execute(_ONE_MORE, {"one": uid, "all": _ALL})
        connection.execute(_TIDY_ATTEMPTS, {"before": now - WRONG_WINDOW})
        return redeemed

    return job


def spoil(code: str, now: datetime) -> Job[None]:
    """Let nobody use a code any more, because others have seen it."""

    def job(connection: Connection) -> None:
        _lock(connection, _ALL, now)
        change(connection, link_codes, {"digest": _digest(code)}, expires_at=now)

    return job


def part(uid: str, now: datetime) -> Job[Parted]:
    """Give an identity its own uid back; its codes are void.

    If the others go by its uid, they get their own back instead, each for itself.
    """

    def job(connection: Connection) -> Parted:
        _lock(connection, _ALL, now)
        _void(connection, uid, now)
        if connection.execute(_LEAVING, {"of": uid}).rowcount:
            return Parted.LEFT
        dissolved = connection.execute(_DISSOLVING, {"of": uid}).rowcount
        return Parted.DISSOLVED if dissolved else Parted.ALONE

    return job


def _redeem(connection: Connection, digest: str, uid: str, now: datetime) -> Redeemed:
    code = connection.execute(_CODE, {"digest": digest}).first()
    if code is None:
        return Redeemed.UNKNOWN
    theirs, mine = _person(connection, code.uid), _person(connection, uid)
    if code.used_by is not None:
        again = code.used_by == uid and theirs == mine
        return Redeemed.JOINED if again else Redeemed.USED
    if code.expires_at <= now:
        return Redeemed.EXPIRED
    if theirs == mine:
        return Redeemed.ONESELF if code.uid == uid else Redeemed.ALREADY
    change(connection, link_codes, {"digest": digest}, used_by=uid)
    change(connection, links, {"root": mine}, root=theirs)
    put(connection, links, uid=mine, root=theirs, since=now)
    return Redeemed.JOINED


def _person(connection: Connection, uid: str) -> str:
    return str(connection.execute(_PERSON, {"uid": uid}).scalar_one())


def _lock(connection: Connection, who: str, now: datetime) -> int:
    """Hold a row until the transaction ends; return the wrong codes in its window."""
    values = {"who": who, "since": now, "stale": now - WRONG_WINDOW}
    return int(connection.execute(_locking(connection.dialect.name), values).scalar_one())


def _void(connection: Connection, uid: str, now: datetime) -> None:
    connection.execute(_VOIDING, {"of": uid, "now": now})


def _digest(code: str) -> str:
    """What is stored of a code: enough to know it again, not enough to send it.

    No salt and no slow hash: within ten minutes somebody with a copy of the database might find
    it by trial, but could read there all that the code gives.
    """
    return hashlib.sha256(f"link code {code}".encode()).hexdigest()


# Built once; see `bridge.store.upsert`.

_PERSON = select(person_of(bindparam("uid", type_=links.c.uid.type)))
_CODE = select(link_codes).where(link_codes.c.digest == bindparam("digest"))
_ONE_MORE = (
    update(link_attempts)
    .where(link_attempts.c.who.in_([bindparam("one"), bindparam("all")]))
    .values(wrong=link_attempts.c.wrong + 1)
)
_VOIDING = (
    update(link_codes)
    .where(link_codes.c.uid == bindparam("of"), link_codes.c.expires_at > bindparam("now"))
    .values(expires_at=bindparam("now"))
)
_LEAVING = delete(links).where(links.c.uid == bindparam("of"))
_DISSOLVING = delete(links).where(links.c.root == bindparam("of"))
_TIDY_CODES = delete(link_codes).where(link_codes.c.expires_at <= bindparam("before"))
_TIDY_ATTEMPTS = delete(link_attempts).where(link_attempts.c.since <= bindparam("before"))


@lru_cache
def _locking(dialect: str) -> Any:
    """Begin a new window if the last one is over, and count nothing yet."""
    statement = insert(dialect, link_attempts).values(
        who=bindparam("who"), wrong=0, since=bindparam("since")
    )
    over = link_attempts.c.since <= bindparam("stale")
    fresh = {
        "wrong": case((over, 0), else_=link_attempts.c.wrong),
        "since": case((over, statement.excluded.since), else_=link_attempts.c.since),
    }
    return statement.on_conflict_do_update(index_elements=["who"], set_=fresh).returning(
        link_attempts.c.wrong
    )
