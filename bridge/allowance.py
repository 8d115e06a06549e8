"""How much each person may ask, each agent may answer, and all of it may cost.

A question that is too many is answered by a sentence of ours that says when it may be asked again,
and is not asked. Commands cost nothing, and admins are not counted.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bridge.access import Rules
from bridge.config import AgentSettings, is_timezone
from bridge.errors import Transient
from bridge.events import User
from bridge.logs import get
from bridge.metrics import REFUSALS
from bridge.notices import Notice
from bridge.phrases import say
from bridge.store import Store
from bridge.store.allowance import (
    Budget,
    Day,
    Left,
    Limits,
    Rate,
    Refused,
    Scope,
    Whose,
    Why,
    admit,
    left,
    tidy,
)
from bridge.store.sessions import Session
from bridge.store.turns import Turn, TurnState
from bridge.text.reply import Reply

log = get(__name__)

_UNLIMITED = AgentSettings()
_SAID = {
    Why.RATE: Notice.TOO_FAST,
    Why.TOKENS: Notice.USED_UP,
    Why.AGENT: Notice.USED_UP_BY_ALL,
    Why.ALL: Notice.USED_UP_BY_ALL,
    Why.RESERVED: Notice.RESERVED,
}


class Allowance:
    """Raises `Unreachable` (database), `Fenced`."""

    def __init__(self, store: Store, rules: Rules, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._rules = rules
        self._now = now

    async def admit(self, turn: Turn, session: Session) -> Reply | None:
        """Let a question be asked (None), or answer why not.

        At most once a minute to the same person; in between a refusal is silent.
        """
        limits = self.limits(session)
        is_free = limits is None or self._rules.is_admin(turn.event)
        if limits is None or is_free or turn.state is not TurnState.RECEIVED:
            return None  # or an earlier run was let through
        now = self._now()
        day = day_of(now, self._rules.access.timezone)
        refused = await self._store.write(admit(turn, limits, day, now))
        if refused is None:
            return None
        REFUSALS.labels(session.agent, refused.why).inc()
        log.info("question.refused", turn=turn.id, why=refused.why, told=refused.is_news)
        if not refused.is_news:
            return Reply.silence()
        return Reply.saying(sentence(refused, turn.event.user, now))

    async def lines(self, turn: Turn, session: Session) -> list[str]:
        """Say what limits there are and what is left of them; nothing where there are none."""
        limits = self.limits(session)
        if limits is None or self._rules.is_admin(turn.event):
            return []
        now = self._now()
        day = day_of(now, self._rules.access.timezone)
        found = await self._store.read(left(limits, day, now))
        return [line(each, day, turn.event.user) for each in found]

    async def tidy(self) -> None:
        """Remove what counts for nothing any more. Raises nothing that may pass."""
        try:
            await self._store.write(tidy(self._now()))
        except Transient as error:
            log.warning("allowance.not_tidied", error=str(error))

    def limits(self, session: Session) -> Limits | None:
        return limits_of(self._rules, session.uid, session.agent)


def limits_of(rules: Rules, uid: str, agent: str) -> Limits | None:
    """Find what limits a person's questions to an agent; None if nothing does.

    A limit of an agent's own is for it alone, and what is asked there then counts for nothing
    else but the totals.
    """
    access, own = rules.access, _settings(rules, agent)
    rate = _own(rules, "messages_per_minute", uid, agent)
    tokens = _own(rules, "tokens_per_day", uid, agent)
    budgets = (
        Budget(Whose.PERSON, *tokens),
        Budget(Whose.AGENT, Scope(agents=(agent,)), own.tokens_per_day_total),
        Budget(Whose.ALL, Scope(), access.tokens_per_day_total),
    )
    limited = tuple(budget for budget in budgets if budget.most)
    if not rate[1] and not limited:
        return None
    return Limits(uid, agent, Rate(*rate) if rate[1] else None, limited)


def _own(rules: Rules, key: str, uid: str, agent: str) -> tuple[Scope, int]:
    """The limit of each person: this agent's own, or what holds for all that have none."""
    own: int | None = getattr(_settings(rules, agent), key)
    if own is not None:
        return Scope(uid, agents=(agent,)), own
    apart = sorted(name for name, its in rules.agents.items() if getattr(its, key) is not None)
    usual: int = getattr(rules.access, key)
    return Scope(uid, apart=tuple(apart)), usual


def _settings(rules: Rules, agent: str) -> AgentSettings:
    """An agent's; one that left the configuration meanwhile has no limits of its own."""
    return rules.agents.get(agent, _UNLIMITED)


def day_of(now: datetime, timezone: str) -> Day:
    """The day that it is in a zone, from midnight to midnight; both in UTC."""
    zone = zone_of(timezone)
    began = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    # By the date: where clocks are changed, a day has 23 or 25 hours.
    ends = datetime.combine(began.date() + timedelta(days=1), began.time(), zone)
    return Day(began.astimezone(UTC), ends.astimezone(UTC))


def sentence(refused: Refused, user: User, now: datetime) -> str:
    """Say why not, and when again."""
    values = {"most": f"{refused.most:,}"}
    if refused.until is not None:
        values["wait"] = wait(refused.until - now, user.language)
        values["time"] = clock_time(refused.until, user.timezone)
    return say(_SAID[refused.why], user.language, **values)


def line(left: Left, day: Day, user: User) -> str:
    """Say what is left of a limit. Of what all use together, a share: the sum is not theirs."""
    time = clock_time(day.ends, user.timezone)
    match left.why:
        case Why.RATE:
            used = {"used": f"{left.used:,}", "most": f"{left.most:,}"}
            return say(Notice.LEFT_RATE, user.language, **used)
        case Why.TOKENS:
            rest = {"left": f"{left.most - left.used:,}", "most": f"{left.most:,}"}
            return say(Notice.LEFT_TOKENS, user.language, **rest, time=time)
        case _:
            percent = str(100 * (left.most - left.used) // left.most)
            return say(Notice.LEFT_TOTAL, user.language, percent=percent, time=time)


def wait(long: timedelta, language: str) -> str:
    """Say how long, rounded up: whoever comes back then should not be too early."""
    seconds = max(2, -int(-long.total_seconds() // 1))
    for unit, which in ((3600, Notice.IN_HOURS), (60, Notice.IN_MINUTES)):
        if seconds >= 2 * unit:
            return say(which, language, number=str(-(-seconds // unit)))
    return say(Notice.IN_SECONDS, language, number=str(seconds))


def clock_time(at: datetime, timezone: str) -> str:
    """The time of day where somebody is; where that is not known, in UTC."""
    if timezone and is_timezone(timezone):
        return f"{at.astimezone(zone_of(timezone)):%H:%M}"
    return f"{at.astimezone(UTC):%H:%M} UTC"


def zone_of(name: str) -> tzinfo:
    """A zone by its name, which `is_timezone`."""
    return UTC if name == "UTC" else ZoneInfo(name)
