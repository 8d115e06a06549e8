"""Draining a lane: its open turns, oldest first, until none is left. Both engines call this."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import assert_never

from bridge import tracing
from bridge.engine.steps import GiveUp, Hold, Listen, Run, Step, next_step
from bridge.engine.verdict import LOOK_AGAIN, Again, Apologise, Close, Park, verdict
from bridge.errors import BridgeError, Permanent, Transient, Unauthorised
from bridge.flow.interrupts import Interrupts
from bridge.flow.rush import Rush
from bridge.flow.stop import Stop
from bridge.logs import about, get
from bridge.metrics import TURNS, TURNS_RUNNING
from bridge.pausing import Pausing
from bridge.store.fence import Fenced
from bridge.store.ledger import Beginning, Begun, Ledger, Ready
from bridge.store.turns import Ending, Turn, TurnState
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

    async def look(self) -> None:
        """Look whether the bridge is paused, so that no question has to wait for that."""
        await self._pausing.look()

    async def beginning(self) -> Beginning | None:
        """What takes a message that finds its lane free in the transaction that accepts it.

        None while a crowd comes in, which must not be kept at the door for that.
        """
        if self._closing or self._rush.is_on:
            return None
        return self._ledger.beginning(await self._choose(), self._walk.start)

    async def __call__(self, lane: str, taken: Turn | None = None) -> None:
        """Take over the lane and work until it has no open turn.

        taken: by `beginning`, since which nobody has drained the lane.
        """
        begun = await self._begin(lane) if taken is None else Begun.by(taken)
        waiting = begun.waiting
        try:
            if begun.turn is not None:
                waiting = await self._after(begun.turn, self._run(begun.turn, begun.parts))
            while waiting and not self._closing:
                step = self._next(waiting, paused=await self._pausing.is_on())
                waiting = await self._after(waiting[0], self._do(step))
        finally:
            self._interrupts.end(lane)

    async def _begin(self, lane: str) -> Begun:
        await self.calm()
        return await self._ledger.begin(lane, await self._choose(), self._walk.start)

    async def _choose(self) -> Ready:
        return partial(self._ready, paused=await self._pausing.is_on())

    def _next(self, waiting: Sequence[Turn], *, paused: bool) -> Step:
        return next_step(waiting, self._merge_window, self._now(), paused=paused)

    def _ready(self, waiting: Sequence[Turn], *, paused: bool) -> Sequence[Turn]:
        """The parts of a turn that may be begun this instant, in the database's own thread."""
        if self._closing or not waiting:
            return ()
        step = self._next(waiting, paused=paused)
        return step.parts if isinstance(step, Run) else ()

    async def _after(self, turn: Turn, work: Awaitable[list[Turn] | None]) -> list[Turn]:
        """What waits in a turn's lane after this work on it, which may know it already."""
        with _at_work(turn):
            waiting = await work
        return await self._ledger.waiting(turn.lane, turn.fence) if waiting is None else waiting

    async def _do(self, step: Step) -> list[Turn] | None:
        match step:
            case Listen(turn, seconds):
                self._interrupts.end(turn.lane)  # the turn before is over, this one not begun
                await self._walk.greet(turn)
                await self._sleep(seconds)
            case GiveUp(turn):
                reason = Permanent("the process died of it, or so it seems")
                await self._apologise(turn, reason, self._interrupts.begin(turn.lane, turn.id))
            case Hold(parts):
                stop = self._interrupts.begin(parts[0].lane, parts[0].id)
                await stop.sleep(HOLD)
                if stop.asked:
                    return await self._take(parts)
            case Run(parts):
                return await self._take(parts)
            case _:
                assert_never(step)
        return None

    async def _take(self, parts: Sequence[Turn]) -> list[Turn] | None:
        taken = await self._ledger.take(parts[0], parts[1:], self._walk.start)
        return await self._run(taken, parts)

    async def _run(self, turn: Turn, parts: Sequence[Turn]) -> list[Turn] | None:
        """Run a turn that was taken, of these parts; what waits after it, if that is known."""
        for part in parts[1:]:
            tracing.ended(part.traced, state=TurnState.MERGED, into=turn.id)
        with TURNS_RUNNING.track_inprogress():
            return await self._try(turn, self._interrupts.begin(turn.lane, turn.id))

    async def _try(self, turn: Turn, stop: Stop) -> list[Turn] | None:
        try:
            return await self._end(await self._walk.run(turn, stop))
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
        return None

    async def _end(self, ending: Ending) -> list[Turn]:
        """Write down how a turn ended; what waits in its lane then."""
        waiting = await self._ledger.ended(ending.turn, ending.state, ending.settled)
        _tell(ending.turn, ending.state)
        return waiting

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
                await self._end(Ending(turn, TurnState.FAILED))
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
            await self._end(await self._walk.apologise(turn, reason))
        except (Fenced, Transient):
            raise  # what may pass here is the database: the lane comes back to this turn
        except Unauthorised:
            # The platform's key. The apology is stored, and goes out once the key is accepted.
            await stop.sleep(LOOK_AGAIN)
        except Exception:
            # Not even that: the ledger says what happened, and the lane goes on.
            log.exception("apology.failed", turn=turn.id, ref=turn.reference)
            await self._end(Ending(turn, TurnState.DEAD))


@contextmanager
def _at_work(turn: Turn) -> Iterator[None]:
    """What is logged and traced inside is about the turn."""
    with about(turn=turn.id), tracing.at_work(turn.traced):
        yield


def _tell(turn: Turn, state: TurnState) -> None:
    TURNS.labels(state).inc()
    tracing.ended(turn.traced, state=state, platform=turn.event.chat.platform)
