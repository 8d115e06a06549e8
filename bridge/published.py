"""What the published agents say of themselves, as it was read last.

It is read with every look at whether an agent could answer, so it costs no call of its own, and
is there while Coze is away.
"""

import asyncio
from collections.abc import Mapping

from bridge.errors import Permanent, Unauthorised
from bridge.logs import get
from bridge.upstream import Agent, Profile

log = get(__name__)


class Published:
    """The profiles of the configured agents, by name."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self._agents = agents
        self._profiles: dict[str, Profile] = {}
        self._read = {name: asyncio.Event() for name in agents}

    def note(self, agent: str, profile: Profile | None) -> None:
        """Remember what was read. None: the credentials may not read it, so there is nothing."""
        known = self._profiles.get(agent)
        self._profiles[agent] = profile or Profile()
        self._read[agent].set()
        if known is not None and known != self._profiles[agent]:
            log.info("agent.published", agent=agent, version=self._profiles[agent].version)

    def known(self, agent: str) -> Profile:
        """Return what was read last; an empty profile before anything was."""
        return self._profiles.get(agent, Profile())

    async def read(self, agent: str) -> None:
        """Wait until the profile was read, or cannot be."""
        await self._read[agent].wait()

    async def of(self, agent: str) -> Profile:
        """Return what was read last; read it if that never was.

        Raises `Transient`, and `Unauthorised` for credentials that open nothing at all.
        """
        if agent not in self._profiles:
            await self._look(agent)
        return self.known(agent)

    async def _look(self, agent: str) -> None:
        try:
            profile = await self._agents[agent].check()
        except Unauthorised:
            raise
        except Permanent as error:
            # Not remembered: the next question will say what is wrong, and may find it cured.
            log.warning("agent.profile", agent=agent, error=str(error))
        else:
            self.note(agent, profile)
