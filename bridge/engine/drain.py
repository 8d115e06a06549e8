"""Draining a lane: its open turns, oldest first, until none is left. Both engines call this."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import assert_never

from bridge import tracing
from bridge.engine.merging import burst, settles_in
from bridge.engine.verdict import (
    LOOK_AGAIN,
    Again,
    Apologise,
    Close,
    Park,
    is_poison,
    verdict,
)
from bridge.errors import BridgeError, Permanent, Transient, Unauthorised
from bridge.flow.interrupts import Interrupts
from bridge.flow.rush import Rush
from bridge.flow.stop import Stop
from bridge.logs import about, get
from bridge.metrics import TURNS, TURNS_RUNNING
from bridge.pausing import Pausing
from bridge.store.ledger import Fenced, Ledger
from bridge.store.turns import Turn, TurnState
from bridge.turn import Walk

log = get(__name__)

HOLD = 3.0  # seconds between two looks at whether a question may be asked
LAST_WORDS = 2.0  # seconds for the database to note that a run was cut


class Drain:
    """Raises `Unreachable` (the database) and `Fenced`; every other end is a verdict.

    merge_window: seconds in which a message may still get a further part.
    rush: knows who comes in, for whom a lane waits before it is begun.
    """

    def __init__(  # noqa: PLR0913  each is one thing that a drain needs
        self,
        ledger: Ledger,
        walk: Walk,
        interrupts: Interrupts,
        *,
        pausing: Pausing,
        merge_window: float,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rush: Rush | None = None,
    ) -> None:
        self._rush = rush or Rush()
        self._ledger = ledger
        self._walk = walk
        self._interrupts = interrupts
        self._pausing = pausing
        self._merge_window = merge_window
        self._now = now
        self._sleep = sleep
        self._closing = False

    def close(self) -> None:
        """Begin no further turn, and do not wait to repeat one."""
        self._closing = True
        self._interrupts.hurry()

    async def calm(self) -> None:
        """Wait while a crowd comes in, before anything is begun."""
        await self._rush.over()

    async def __call__(self, lane: str) -> None:
        """Take over the lane and work until it has no open turn."""
        await self.calm()
        fence, waiting = await self._ledger.take_over(lane)
        try:
            while waiting and not self._closing:
                parts = burst(waiting, self._merge_window)
                with _at_work(parts[0]):
                    await self._step(parts)
                waiting = await self._ledger.waiting(lane, fence)
        finally:
            self._interrupts.end(lane)

    async def _step(self, parts: Sequence[Turn]) -> None:
        if (seconds := settles_in(parts, self._merge_window, self._now())) > 0:
            self._interrupts.end(parts[0].lane)  # the turn before is over, this one not begun
            await self._walk.greet(parts[0])
            await self._sleep(seconds)
            return
        if is_poison(parts[0]):
            stop = self._interrupts.begin(parts[0].lane, parts[0].id)
            reason = Permanent("the process died of it, or so it seems")
            await self._apologise(parts[0], reason, stop)
            return
        if await self._pausing.holds(parts[0]):
            stop = self._interrupts.begin(parts[0].lane, parts[0].id)
            await stop.sleep(HOLD)
            if not stop.asked:
                return
        turn = await self._ledger.take(parts[0], parts[1:])
        for part in parts[1:]:
            tracing.ended(part.traced, state=TurnState.MERGED, into=turn.id)
        with TURNS_RUNNING.track_inprogress():
            await self._run(turn, self._interrupts.begin(turn.lane, turn.id))

    async def _run(self, turn: Turn, stop: Stop) -> None:
        try:
            ended = await self._walk.run(turn, stop)
        except asyncio.CancelledError:
            # An orderly end of the process is no attempt that the message could be blamed for.
            # Where that cannot be noted it counts as one; the end of the task comes first.
            with suppress(Fenced, BridgeError, TimeoutError):
                await asyncio.wait_for(self._ledger.release(turn), LAST_WORDS)
            raise
        except Fenced:
            raise
        except BridgeError as error:
            log.warning("turn.failed", turn=turn.id, ref=turn.reference, error=str(error))
            await self._conclude(turn, error, stop)
        except Exception as error:
            log.exception("turn.bug", turn=turn.id, ref=turn.reference)
            await self._conclude(turn, error, stop)
        else:
            _tell(turn, ended)

    async def _conclude(self, turn: Turn, error: Exception, stop: Stop) -> None:
        turn = await self._ledger.current(turn)  # its run may have come far since it was taken
        match decided := verdict(turn, error):
            case Again(seconds):
                await self._count(turn, error)
                await stop.sleep(seconds)
            case Park(seconds):
                await self._ledger.release(turn)
                await stop.sleep(seconds)
            case Apologise(reason):
                await self._apologise(turn, reason, stop)
            case Close():
                await self._ledger.ended(turn, TurnState.FAILED)
                _tell(turn, TurnState.FAILED)
            case _:
                assert_never(decided)

    async def _count(self, turn: Turn, error: Exception) -> None:
        if isinstance(error, BridgeError):
            await self._ledger.retry(turn)
        else:
            await self._ledger.failed_run(turn)

    async def _apologise(self, turn: Turn, reason: BridgeError, stop: Stop) -> None:
        log.error("turn.dead", turn=turn.id, ref=turn.reference, error=str(reason))
        try:
            await self._walk.apologise(turn, reason)
            _tell(turn, TurnState.DEAD)
        except (Fenced, Transient):
            raise  # what may pass here is the database: the lane comes back to this turn
        except Unauthorised:
            # The platform's key. The apology is stored, and goes out once the key is accepted.
            await stop.sleep(LOOK_AGAIN)
        except Exception:
            # Not even that: the ledger says what happened, and the lane goes on.
            log.exception("apology.failed", turn=turn.id, ref=turn.reference)
            await self._ledger.ended(turn, TurnState.DEAD)
            _tell(turn, TurnState.DEAD)


@contextmanager
def _at_work(turn: Turn) -> Iterator[None]:
    """What is logged and traced inside is about the turn."""
    with about(turn=turn.id), tracing.at_work(turn.traced):
        yield


def _tell(turn: Turn, state: TurnState) -> None:
    TURNS.labels(state).inc()
    tracing.ended(turn.traced, state=state, platform=turn.event.chat.platform)
