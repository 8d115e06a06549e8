"""Whether the bridge does its work, and if not, what stands in the way."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bridge.errors import BridgeError
from bridge.logs import get
from bridge.published import Published
from bridge.store import Store
from bridge.store.health import beat
from bridge.upstream import Agent

log = get(__name__)

PATIENCE = 4.0  # seconds for the database: whoever asks for health wants an answer within five


class CanBeInTrouble(Protocol):
    """An adapter, as far as its health goes."""

    def trouble(self) -> str | None:
        """Why nothing was received lately; None while all is well."""


class Health:
    """Collects troubles by the name of the part that has them. An empty list is readiness."""

    def __init__(
        self,
        store: Store,
        agents: Mapping[str, Agent],
        adapters: Mapping[str, CanBeInTrouble],
        published: Published,
    ) -> None:
        self._store = store
        self._agents = agents
        self._adapters = adapters
        self._published = published
        # Ready means that it was seen to work, so nothing is taken for granted.
        self._reported = {f"coze.{name}": "not asked yet" for name in agents}
        self._standing_by: set[str] = set()
        self._writing: set[asyncio.Task[None]] = set()
        self._newest: asyncio.Task[None] | None = None

    @property
    def parts(self) -> list[str]:
        """The names of everything that can be in trouble."""
        accounts = [f"adapters.{account}" for account in self._adapters]
        return ["process", "database", *accounts, *(f"coze.{name}" for name in self._agents)]

    def report(self, part: str, trouble: str | None) -> None:
        """Note that a part is in trouble, or (None) is well again."""
        if trouble != self._reported.get(part):
            wanted = trouble is None or part == "process"  # it only ever says that we were asked to
            level = logging.INFO if wanted else logging.WARNING
            log.log(level, "health", part=part, trouble=trouble)
        if trouble is None:
            self._reported.pop(part, None)
        else:
            self._reported[part] = trouble

    def stand_by(self, account: str, *, standing: bool) -> None:
        """Note that another replica receives for an account, so that its silence is right."""
        if standing:
            self._standing_by.add(account)
        else:
            self._standing_by.discard(account)

    async def troubles(self, now: datetime) -> dict[str, str]:
        """Every trouble there is now. Writes to the database, to see whether that works."""
        trouble = await self._trouble_of_database(now)
        return {**self.standing(), **({"database": trouble} if trouble else {})}

    def standing(self) -> dict[str, str]:
        """Every trouble that is known without asking anybody."""
        found = dict(self._reported)
        for account, adapter in self._adapters.items():
            if account not in self._standing_by and (trouble := adapter.trouble()):
                found[f"adapters.{account}"] = trouble
        return found

    async def _trouble_of_database(self, now: datetime) -> str | None:
        """Do not wait for the end of what takes too long: to cancel a statement takes longer."""
        writing = self._write(now)
        await asyncio.wait([writing], timeout=PATIENCE)
        if not writing.done():
            writing.cancel()
        if not writing.done() or writing.cancelled():
            return f"no answer for {PATIENCE:.0f} s"
        try:
            writing.result()
        except BridgeError as error:
            return str(error)
        return None

    def _write(self, now: datetime) -> "asyncio.Task[None]":
        """Whoever asks meanwhile shares it: anybody may ask, and as often as they like."""
        if self._newest is None or self._newest.done() or self._newest.cancelling():
            self._newest = asyncio.create_task(self._store.write(beat(now)), name="health")
            self._writing.add(self._newest)
            self._newest.add_done_callback(self._written)
        return self._newest

    def _written(self, writing: "asyncio.Task[None]") -> None:
        self._writing.discard(writing)
        if not writing.cancelled():
            writing.exception()  # it is told in time, or not of interest any more

    async def ask_agents(self) -> None:
        """See whether Coze accepts the credentials and knows the agents; note what they say.

        All at once: one that does not answer is no reason not to know of the others.
        """
        async with asyncio.TaskGroup() as group:
            for name, agent in self._agents.items():
                group.create_task(self._ask(name, agent), name=f"check {name}")

    async def _ask(self, name: str, agent: Agent) -> None:
        try:
            profile = await agent.check()
        except BridgeError as error:
            self.report(f"coze.{name}", str(error))
        else:
            self.report(f"coze.{name}", None)
            self._published.note(name, profile)
