"""While the bridge is paused, questions are kept and not asked. All replicas pause together."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bridge.store import Store
from bridge.store.switches import Switched, switch_off, switch_on, switched
from bridge.store.turns import Turn, TurnKind, TurnState
from bridge.words import Word, command_in

PAUSE, RESUME = "pause", "resume"  # also in the operators' log
LOOK_EVERY = timedelta(seconds=2)  # until a replica knows what another was told


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
        if self._looked_at is None or abs(now - self._looked_at) >= LOOK_EVERY:
            self._known = await self._store.read(switched(PAUSE))
            self._looked_at = now
        return self._known

    async def holds(self, turn: Turn) -> bool:
        """Tell whether a turn has to wait: what would ask Coze does, our own words do not."""
        if turn.kind is not TurnKind.MESSAGE or turn.state is not TurnState.RECEIVED:
            return False
        command = command_in(turn.text)
        asks = turn.is_question or turn.event.edits or (command and command.word is Word.RETRY)
        return bool(asks) and await self.since() is not None

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
