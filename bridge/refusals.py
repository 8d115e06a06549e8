"""What Coze does not take of an agent's variables: noted once, tried again when that may help."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.config import AgentSettings
from bridge.errors import BridgeError
from bridge.logs import get
from bridge.metrics import VARIABLES
from bridge.store import Store
from bridge.store.variables import Refusal, forgive, refusals, refuse, untold
from bridge.upstream import Agent

log = get(__name__)

LOOK_AGAIN = 600.0  # seconds after which what was refused may have become possible
WITNESSES = 5  # people whose values were refused in a row: that is no matter of their values


@dataclass(slots=True)
class _Looked:
    """What is known of an agent's refusals, and when that was looked up."""

    keywords: Mapping[str, Refusal]
    at: float


class Refusals:
    """Raises `Unreachable` (database)."""

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
        self._looked: dict[str, _Looked] = {}
        self._doubts: dict[tuple[str, str], set[str]] = {}  # whose values, by agent and keyword

    async def of(self, agent: str) -> Mapping[str, Refusal]:
        """What is not to be told to an agent, by keyword."""
        found = self._looked.get(agent)
        if found is None or self._monotonic() - found.at > LOOK_AGAIN:
            found = _Looked(await self._look(agent), self._monotonic())
            self._looked[agent] = found
        return found.keywords

    async def note(self, agent: str, keyword: str, reason: str) -> None:
        """Leave a keyword alone, whoever's it is."""
        log.warning("variable.refused", agent=agent, keyword=keyword, reason=reason)
        VARIABLES.labels("refused").inc()
        refusal = Refusal(reason, await self.circumstances(agent), self._now())
        await self._store.write(refuse(agent, keyword, refusal))
        self._looked.pop(agent, None)
        for uid in self._doubts.pop((agent, keyword), ()):
            await self._store.write(untold(uid, agent))

    def doubt(self, agent: str, keyword: str, uid: str) -> bool:
        """Note that the value of one person was refused; True if it cannot be the value.

        A person must not be able to take a keyword from all others by a strange name.
        """
        doubts = self._doubts.setdefault((agent, keyword), set())
        doubts.add(uid)
        return len(doubts) >= WITNESSES

    def trust(self, agent: str, keyword: str) -> None:
        """Note that Coze took a value: those it did not take were strange."""
        self._doubts.pop((agent, keyword), None)

    async def circumstances(self, agent: str) -> str:
        """What has to change before a refusal is worth another try."""
        settings = self._settings[agent]
        configured = repr((settings.connector_id, sorted(settings.variables.items())))
        version = ""
        try:
            version = (await self._agents[agent].profile()).version
        except BridgeError as error:
            log.debug("agent.profile", agent=agent, error=str(error))
        return f"{hashlib.sha256(configured.encode()).hexdigest()[:16]}/{version}"

    async def _look(self, agent: str) -> Mapping[str, Refusal]:
        """What is still refused: a new configuration or a new version is worth a new try."""
        if not (found := await self._store.read(refusals(agent))):
            return found
        await self._store.write(forgive(agent, await self.circumstances(agent)))
        return await self._store.read(refusals(agent))
