"""While the bridge is paused, questions are kept and not asked. All replicas pause together."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.store import Store
from bridge.store.switches import Switched, switch_off, switch_on, switched
from bridge.store.turns import Turn, TurnKind, TurnState
from bridge.words import Word, command_in

PAUSE, RESUME = "pause", "resume"  # also in the operators' log
LOOK_EVERY = 3.0  # seconds until a replica knows what another was told
FORGET_AFTER = timedelta(seconds=LOOK_EVERY + 1)  # if nobody looked meanwhile


class Pausing:
    """Raises `Unreachable` (database)."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._known: Switched | None = None
        self._looked_at: datetime | None = None

    async def since(self) -> Switched | None:
        """Tell since when it is paused, and by whom; None while it works."""
        now = self._now()
        if self._looked_at is None or abs(now - self._looked_at) >= FORGET_AFTER:
            await self.look()
        return self._known

    async def is_on(self) -> bool:
        """Tell whether it is paused."""
        return await self.since() is not None

    async def look(self) -> None:
        """See how it is. Called every `LOOK_EVERY`, so that no message has to wait for it."""
        now = self._now()
        self._known = await self._store.read(switched(PAUSE))
        self._looked_at = now

    async def begin(self, by: str) -> bool:
        """Pause; False if it is paused already. by: as in `bridge.store.operator_log.Deed`."""
        done = await self._store.write(switch_on(PAUSE, by, self._now()))
        self._looked_at = None
        return done

    async def end(self, by: str) -> bool:
        """Go on; False if it was not paused."""
        done = await self._store.write(switch_off(PAUSE, by, self._now(), undoing=RESUME))
        self._looked_at = None
        return done


def asks(turn: Turn) -> bool:
    """Tell whether a turn has to wait in a pause: what would ask Coze, but not our own words."""
    if turn.kind is not TurnKind.MESSAGE or turn.state is not TurnState.RECEIVED:
        return False
    command = command_in(turn.text)
    is_retry = command is not None and command.word is Word.RETRY
    return turn.is_question or bool(turn.event.edits) or is_retry
