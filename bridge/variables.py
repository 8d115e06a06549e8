"""What the agent should know of its user, told in time and never in the way.

Coze keeps variables for each user (`/v1/variables`); an agent reads them in its prompt and may
change them. Before a question what is new goes out in one call, in the background: no answer
waits for it longer than it usually takes, and none fails with it. After an answer the agent's
own changes are read. What changed on both sides since is settled by time, and the loser logged.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from bridge.config import AgentSettings
from bridge.errors import (
    BridgeError,
    Exhausted,
    Permanent,
    Rejected,
    Transient,
    Unauthorised,
)
from bridge.events import Inbound
from bridge.facts import USER_SET, facts, is_same_for_all
from bridge.flow.background import Background
from bridge.logs import get
from bridge.metrics import VARIABLES
from bridge.refusals import Refusals
from bridge.store import Store
from bridge.store.sessions import Session
from bridge.store.variables import Known, heard, known, told, wish
from bridge.upstream import Agent, Variable

log = get(__name__)

QUICK = 0.1  # seconds; what usually takes no longer is worth waiting for
LAST_WORDS = 2.0  # seconds for calls under way when the bridge ends, or somebody leaves
AT_ONCE = 16  # calls; answers share their connections, and must find one where these are slow
JUST_NOW = timedelta(minutes=5)  # how long ago what is set now may be, by another clock
FORGOTTEN = (
    "Coze took it and does not return it; is the variable enabled, was the agent published "
    "since, and does the token belong to the agent's owner?"
)


class Variables:
    """Raises nothing that could cost an answer; `set_own` and `read` raise what Coze does."""

    def __init__(
        self,
        store: Store,
        *,
        agents: Mapping[str, Agent],
        settings: Mapping[str, AgentSettings],
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._agents = agents
        self._settings = settings
        self._now = now
        self._monotonic = monotonic
        self._background = Background(self._failed, most=AT_ONCE)
        self.refusals = Refusals(
            store, agents=agents, settings=settings, now=now, monotonic=monotonic
        )
        self._proven: set[tuple[str, str]] = set()  # agent and keyword that Coze gave back
        self._usual: dict[str, float] = {}  # seconds the last call took, by agent

    @property
    def in_use(self) -> bool:
        """Whether the operator wants anything told to any agent."""
        return any(settings.variables for settings in self._settings.values())

    def has_any(self, session: Session) -> bool:
        """Whether the operator wants anything told to this agent."""
        return bool(self._settings[session.agent].variables)

    def tell(self, event: Inbound, session: Session) -> None:
        """Begin to tell Coze what a message says of its sender, if that is news."""
        if self.has_any(session):
            key = (session.agent, session.uid)
            self._background.start("variables.tell", key, lambda: self._tell(event, session))

    async def sync(self, event: Inbound, session: Session) -> None:
        """Tell what is news now, as far as it is not refused. Raises what Coze does."""
        await self._tell(event, session)

    async def told(self, session: Session) -> None:
        """Wait until that is done, but not longer than it is worth."""
        task = self._background.running("variables.tell", (session.agent, session.uid))
        if task and (patience := self._patience(session.agent)) > 0:
            await asyncio.wait([task], timeout=patience)

    def learn(self, session: Session) -> None:
        """Begin to read what the agent changed."""
        if self.has_any(session):
            key = (session.agent, session.uid)
            self._background.start("variables.learn", key, lambda: self._learn(session))

    async def read(self, session: Session) -> list[Variable]:
        """What Coze knows of the user now."""
        values = await self._of(session).variables(session.uid)
        await self._hear(session, values)
        return values

    def may_set(self, session: Session, keyword: str) -> bool:
        """Whether the operator leaves a variable to the users."""
        return self._settings[session.agent].variables.get(keyword) == USER_SET

    def settable(self, session: Session) -> list[str]:
        """The variables that the operator leaves to the users, by name."""
        sources = self._settings[session.agent].variables
        return sorted(name for name, source in sources.items() if source == USER_SET)

    async def set_own(self, session: Session, keyword: str, value: str) -> None:
        """Set what is the user's to set. Where Coze is away, the next question brings it."""
        try:
            await self._of(session).set_variables(session.uid, {keyword: value})
        except (Transient, Unauthorised):
            await self._store.write(wish(session.uid, session.agent, {keyword: value}))
            raise
        await self._store.write(told(session.uid, session.agent, {keyword: value}))
        with suppress(Transient, Unauthorised):  # it was set; only nobody can look
            if await self._prove(session, {keyword: value}):
                raise Permanent(FORGOTTEN)

    async def leave(self, session: Session) -> None:
        """Let what is under way for a person end, so that nothing is noted of them after this."""
        await self._background.end((session.agent, session.uid), LAST_WORDS)

    async def close(self) -> None:
        """Let what is under way end."""
        await self._background.close(LAST_WORDS)

    # Telling

    async def _tell(self, event: Inbound, session: Session) -> None:
        rows = await self._store.read(known(session.uid, session.agent))
        refused = await self.refusals.of(session.agent)
        wanted = {**self._facts(event, session), **self._own(rows, session)}
        news = {
            keyword: value
            for keyword, value in wanted.items()
            if keyword not in refused and _is_news(rows.get(keyword), value)
        }
        newer = {k: v for k, v in news.items() if not _wins(rows.get(k), event.sent_at, k, session)}
        if taken := await self._put(session, {k: v for k, v in news.items() if k not in newer}):
            VARIABLES.labels("told").inc(len(taken))
        if taken or newer:
            await self._store.write(told(session.uid, session.agent, {**taken, **newer}))
        await self._prove(session, taken)

    def _facts(self, event: Inbound, session: Session) -> dict[str, str]:
        return facts(event, self._settings[session.agent].variables)

    def _own(self, rows: Mapping[str, Known], session: Session) -> dict[str, str]:
        """What the user has set and Coze may not have heard."""
        return {
            keyword: row.wanted
            for keyword, row in rows.items()
            if row.wanted is not None and self.may_set(session, keyword)
        }

    async def _put(self, session: Session, values: Mapping[str, str]) -> Mapping[str, str]:
        """Set values, in one call if Coze takes them all; returns those it took."""
        if not values:
            return {}
        agent, began = self._of(session), self._monotonic()
        try:
            await agent.set_variables(session.uid, values)
        except (Unauthorised, Exhausted):
            raise
        except Permanent as error:
            if len(values) > 1:
                return await self._put_each(session, values)
            await self._not_taken(session, values, error)
            return {}
        self._usual[session.agent] = self._monotonic() - began
        for keyword in values:
            self.refusals.trust(session.agent, keyword)
        return values

    async def _put_each(self, session: Session, values: Mapping[str, str]) -> Mapping[str, str]:
        """One that Coze does not take refuses them all, so find out which."""
        taken: dict[str, str] = {}
        for keyword, value in values.items():
            taken |= await self._put(session, {keyword: value})
        return taken

    async def _not_taken(
        self, session: Session, values: Mapping[str, str], error: Permanent
    ) -> None:
        """Find out whether it was the keyword, or the value, that Coze did not like."""
        ((keyword, _),) = values.items()
        if not await self._is_the_value(session, keyword, error):
            await self.refusals.note(session.agent, keyword, str(error))
            return
        log.warning(
            "variable.value_refused",
            agent=session.agent,
            keyword=keyword,
            uid=session.uid,
            reason=str(error),
        )
        # As good as told: what was refused is not tried again, what comes instead of it is.
        await self._store.write(told(session.uid, session.agent, values))

    async def _is_the_value(self, session: Session, keyword: str, error: Permanent) -> bool:
        if is_same_for_all(self._settings[session.agent].variables[keyword]):
            return False
        if isinstance(error, Rejected):
            return True
        with suppress(BridgeError):  # whoever may not look cannot tell
            there = {each.keyword for each in await self._of(session).variables(session.uid)}
            if keyword not in there:
                return False
        return not self.refusals.doubt(session.agent, keyword, session.uid)

    async def _prove(self, session: Session, values: Mapping[str, str]) -> set[str]:
        """See once whether a variable of this agent keeps what it is told; those that do not."""
        open_keywords = {k for k in values if (session.agent, k) not in self._proven}
        if not open_keywords:
            return open_keywords
        there = {each.keyword: each for each in await self._of(session).variables(session.uid)}
        kept = {k for k in open_keywords if self._has_stuck(there.get(k), values[k])}
        self._proven.update((session.agent, keyword) for keyword in kept)
        for keyword in open_keywords - kept:
            await self.refusals.note(session.agent, keyword, FORGOTTEN)
        return open_keywords - kept

    def _has_stuck(self, there: Variable | None, value: str) -> bool:
        """Tell whether Coze kept a value, be it in its own spelling."""
        if there is None or there.value == value:
            return there is not None
        return there.set_at is not None and self._now() - there.set_at < JUST_NOW

    def _patience(self, agent: str) -> float:
        """Seconds a question may wait: as configured, else while it is hardly noticed."""
        if configured := self._settings[agent].variables_wait:
            return configured
        usual = self._usual.get(agent, QUICK)  # until it is known, as much as is no bother
        return 0.0 if usual > QUICK else 2 * usual

    # Learning

    async def _learn(self, session: Session) -> None:
        await self._hear(session, await self._of(session).variables(session.uid))

    async def _hear(self, session: Session, values: list[Variable]) -> None:
        rows = await self._store.read(known(session.uid, session.agent))
        news = [each for each in values if _was_changed(rows.get(each.keyword), each)]
        if news:
            await self._store.write(heard(session.uid, session.agent, news))

    def _of(self, session: Session) -> Agent:
        return self._agents[session.agent].of(session.uid)

    def _failed(self, name: str, error: Exception) -> None:
        VARIABLES.labels("failed").inc()
        if isinstance(error, BridgeError):
            log.warning(f"{name}_failed", error=str(error))
        else:
            log.error(f"{name}_failed", exc_info=error)


def _is_news(row: Known | None, value: str) -> bool:
    return row is None or row.synced != value


def _wins(row: Known | None, said_at: datetime, keyword: str, session: Session) -> bool:
    """Whether what the platform says goes to Coze, though the agent may have changed it too."""
    if row is None or row.remote_at is None or row.remote == row.synced:
        return True
    ours = said_at > row.remote_at
    log.info(
        "variable.conflict",
        agent=session.agent,
        keyword=keyword,
        kept="platform" if ours else "agent",
        lost="agent" if ours else "platform",
    )
    VARIABLES.labels("conflict").inc()
    return ours


def _was_changed(row: Known | None, told: Variable) -> bool:
    if row is None:
        return told.set_at is not None  # of a default there is nothing to note
    return row.remote != told.value or row.remote_at != told.set_at
