"""How much may be asked: counted and decided in one transaction, for all replicas together.

What an answer costs is known only when it is there. So a question that may be asked reserves what
its answer will probably cost, and the sum of what was used and what is reserved keeps within the
limit. Only open turns reserve: whatever ends one, a crash included, gives its reservation back.

Whoever counts holds the rows of `allowances` that the limits are about, so that two replicas do
not both give out the last of it: first everybody's, then the agent's, then the person's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Table,
    bindparam,
    delete,
    exists,
    func,
    select,
)

from bridge.store.fence import holds_fence
from bridge.store.run import Job
from bridge.store.tables import admissions, allowances, turns, usage
from bridge.store.turns import Turn, TurnState
from bridge.store.upsert import change, insert, insert_once

MINUTE = timedelta(minutes=1)
GUESS = 4_000  # tokens of an answer, until there was any to go by
LAST_ANSWERS = 5  # by which a person's next one is judged, or an agent's
STALE = timedelta(days=1)  # an admission so old reserves nothing: nobody works on its turn
MOST_TIDIED = 200  # rows in one transaction

EVERYBODY = "all"


class Whose(StrEnum):
    """Whose limit it is: one person's, all people's at one agent, or everybody's."""

    PERSON = "person"
    AGENT = "agent"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose questions are counted together.

    uid: empty for everybody's. agents: with these alone; empty for all but those `apart`.
    """

    uid: str = ""
    agents: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    def of(self, table: Table) -> list[ColumnElement[bool]]:
        """Its rows of a table that has `uid` and `agent`."""
        found: list[ColumnElement[bool]] = []
        if self.uid:
            found.append(table.c.uid == self.uid)
        if self.agents:
            found.append(table.c.agent.in_(self.agents))
        elif self.apart:
            found.append(table.c.agent.not_in(self.apart))
        return found


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` questions within a minute."""

    scope: Scope
    most: int


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `most` tokens since the day began."""

    whose: Whose
    scope: Scope
    most: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for one person's questions to one agent."""

    uid: str
    agent: str
    rate: Rate | None
    budgets: tuple[Budget, ...]

    @property
    def rows(self) -> list[str]:
        """What to lock, in the order in which everybody does."""
        whose = {budget.whose for budget in self.budgets}
        return [
            *([EVERYBODY] if Whose.ALL in whose else []),
            *([f"agent:{self.agent}"] if Whose.AGENT in whose else []),
            self.person,
        ]

    @property
    def person(self) -> str:
        """The row of who asks."""
        return f"person:{self.uid}"


class Why(StrEnum):
    """What is in the way of a question. RESERVED: answers that are still being written."""

    RATE = "rate"
    TOKENS = "tokens"
    AGENT = "agent"
    ALL = "all"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Refused:
    """most: the limit that was reached. until: when it is over; None: with the next answer.

    is_news: the person was not told within the last minute.
    """

    why: Why
    most: int
    until: datetime | None
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class Left:
    """How much of a limit was used, `most` at most."""

    why: Why
    used: int
    most: int


_TOKENS = {Whose.PERSON: Why.TOKENS, Whose.AGENT: Why.AGENT, Whose.ALL: Why.ALL}


@dataclass(frozen=True, slots=True)
class Day:
    """From when on tokens are counted, and when that is over."""

    began: datetime
    ends: datetime


def admit(turn: Turn, limits: Limits, day: Day, now: datetime) -> Job[Refused | None]:
    """Let a question be asked, or say what is in the way. A turn is counted once.

    Raises `Fenced`.
    """

    def job(connection: Connection) -> Refused | None:
        holds_fence(connection, turn)
        told = [_lock(connection, who, now) for who in limits.rows][-1]
        if connection.execute(_ADMITTED, {"turn": turn.id}).first():
            return None
        estimate = _estimate(connection, limits) if limits.budgets else 0
        refused = _refusal(connection, limits, estimate, day, now)
        if refused is None:
            asked = {"uid": limits.uid, "agent": limits.agent, "at": now, "reserved": estimate}
            insert_once(connection, admissions, turn=turn.id, **asked)
            return None
        told_at, told_turn = told
        # Told in an earlier run of this turn is not told: nobody knows whether it arrived.
        if told_at is not None and told_at > now - MINUTE and told_turn != turn.id:
            return Refused(refused.why, refused.most, refused.until, is_news=False)
        change(connection, allowances, {"who": limits.person}, told_at=now, told_turn=turn.id)
        return refused

    return job


def left(limits: Limits, day: Day, now: datetime) -> Job[list[Left]]:
    """Tell how far each limit is used up."""

    def job(connection: Connection) -> list[Left]:
        found = []
        if limits.rate:
            asked = len(_asked(connection, limits.rate, now))
            found.append(Left(Why.RATE, asked, limits.rate.most))
        for budget in limits.budgets:
            used = int(connection.execute(select(_used(budget.scope, day))).scalar_one())
            used = min(used, budget.most)
            found.append(Left(_TOKENS[budget.whose], used, budget.most))
        return found

    return job


def tidy(now: datetime) -> Job[int]:
    """Remove admissions that count for nothing any more, and rows that nobody locked for a day."""
    is_open = exists().where(turns.c.id == admissions.c.turn, turns.c.ended_at.is_(None))
    over = (
        select(admissions.c.turn)
        .where(admissions.c.at < now - MINUTE, ~is_open)
        .limit(MOST_TIDIED)
        .with_for_update(skip_locked=True)
    )
    idle = (
        select(allowances.c.who)
        .where(allowances.c.at < now - STALE)
        .limit(MOST_TIDIED)
        .with_for_update(skip_locked=True)
    )

    def job(connection: Connection) -> int:
        gone = list(connection.execute(over).scalars())
        connection.execute(delete(admissions).where(admissions.c.turn.in_(gone)))
        unused = list(connection.execute(idle).scalars())
        connection.execute(delete(allowances).where(allowances.c.who.in_(unused)))
        return len(gone) + len(unused)

    return job


def _refusal(
    connection: Connection, limits: Limits, estimate: int, day: Day, now: datetime
) -> Refused | None:
    if limits.rate:
        asked = _asked(connection, limits.rate, now)
        if len(asked) >= limits.rate.most:
            return Refused(Why.RATE, limits.rate.most, asked[-1] + MINUTE)
    refusals = (_over(connection, each, estimate, day, now) for each in limits.budgets)
    return next((each for each in refusals if each), None)


def _over(
    connection: Connection, budget: Budget, estimate: int, day: Day, now: datetime
) -> Refused | None:
    # In one statement: an answer that is stored between two would be in neither sum.
    sums = select(_used(budget.scope, day), _reserved(budget.scope, now))
    used, reserved = map(int, connection.execute(sums).one())
    if used >= budget.most:
        return Refused(_TOKENS[budget.whose], budget.most, day.ends)
    # A single question may have what is left, or the last of it could be used by nobody.
    if not reserved or used + reserved + estimate <= budget.most:
        return None
    return Refused(Why.RESERVED, budget.most, None)


def _asked(connection: Connection, rate: Rate, now: datetime) -> list[datetime]:
    """When the questions of the last minute were admitted, the newest first; `most` at most."""
    statement = (
        select(admissions.c.at)
        .where(*rate.scope.of(admissions), admissions.c.at > now - MINUTE)
        .order_by(admissions.c.at.desc())
        .limit(rate.most)
    )
    return list(connection.execute(statement).scalars())


def _used(scope: Scope, day: Day) -> ScalarSelect[Any]:
    tokens = func.coalesce(func.sum(usage.c.input_tokens + usage.c.output_tokens), 0)
    return select(tokens).where(*scope.of(usage), usage.c.at >= day.began).scalar_subquery()


def _reserved(scope: Scope, now: datetime) -> ScalarSelect[Any]:
    """What open turns may still cost; one whose answer is stored has told what it did."""
    return (
        select(func.coalesce(func.sum(admissions.c.reserved), 0))
        .join(turns, turns.c.id == admissions.c.turn)
        .where(turns.c.ended_at.is_(None), turns.c.state != TurnState.ANSWERED)
        .where(*scope.of(admissions), admissions.c.at > now - STALE)
        .scalar_subquery()
    )


def _estimate(connection: Connection, limits: Limits) -> int:
    """The dearest of the person's last answers here; else of the agent's; else a guess.

    Not their average: of many questions at once that would let too many through.
    """
    person = Scope(limits.uid, (limits.agent,))
    for scope in (person, Scope(agents=(limits.agent,))):
        tokens = (usage.c.input_tokens + usage.c.output_tokens).label("tokens")
        last = select(tokens).where(*scope.of(usage)).order_by(usage.c.at.desc())
        dearest = select(func.max(last.limit(LAST_ANSWERS).subquery().c.tokens))
        if found := connection.execute(dearest).scalar_one():
            return int(found)
    return GUESS


def _lock(connection: Connection, who: str, now: datetime) -> tuple[datetime | None, int | None]:
    """Hold a row until the transaction ends; return when, and in which turn, `who` was told."""
    row = connection.execute(_locking(connection.dialect.name), {"who": who, "at": now}).one()
    return row.told_at, row.told_turn


# Built once; see `bridge.store.upsert`.

_ADMITTED = select(admissions.c.turn).where(admissions.c.turn == bindparam("turn"))


@lru_cache
def _locking(dialect: str) -> Any:
    statement = insert(dialect, allowances).values(who=bindparam("who"), at=bindparam("at"))
    seen = {"at": statement.excluded.at}
    return statement.on_conflict_do_update(index_elements=["who"], set_=seen).returning(
        allowances.c.told_at, allowances.c.told_turn
    )
