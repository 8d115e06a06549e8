"""Rights to call that several replicas keep together.

A claim is judged here first: who goes first, whose turn it is, what is kept in reserve. Only what
would be allowed to a replica alone is asked of the `Buckets`, in one round trip; they decide.
Whatever is told rather than asked (an answer, a Retry-After) is written behind.

While the buckets do not answer, a replica neither falls silent nor helps itself: it goes on with
`ALONE` of every quota, so that four replicas cut off together stay within it, and the pace of
each chat, whose conversations mostly run in one replica. It looks again every second. What it
called meanwhile is written down afterwards.

A claim that is cancelled while it is asked for is given back when its answer comes. A right that
is lost later, with a process or a cancelled turn, runs out by itself: a quota counts a call that
nobody answers for `UNANSWERED` seconds longer than its window, a pace for one interval.
"""

import asyncio
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bridge.errors import BridgeError
from bridge.flow.asked import end_if_asked
from bridge.flow.buckets import Answered, Buckets, Claimed, Demand, GivenBack, Held, Note, name_of
from bridge.flow.pacing import CALM, SLOWEST, Pacer, Priority, open_to, open_to_edits
from bridge.limits import Limit, Pace, Quota
from bridge.logs import get

log = get(__name__)

ALONE = 0.25  # of each quota, for a replica that does not know what the others do
PATIENCE = 1.0  # seconds a claim waits for the buckets, and a last note for the end of the process
LOOK_AGAIN = 1.0  # seconds before buckets that did not answer are asked again
WORTH_LEARNING = 0.5  # seconds; a shorter hold is over before it matters
FOR_THE_EYE = 0.5  # seconds; platforms that count calls allow none at a shorter pace than this
LOST = 600.0  # seconds after which a right that nobody used or gave back is forgotten here


@dataclass(frozen=True, slots=True)
class _Right:
    """A call that was granted. at: by the buckets' clock; None if they were not asked."""

    demands: Sequence[Demand]
    at: float | None
    taken: float


class SharedPacer:
    """A `Pacing` for one of several replicas; `sharing` opens one.

    clock: seconds, monotonic.
    """

    def __init__(self, buckets: Buckets, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = buckets
        self._clock = clock
        self._local = Pacer(clock)
        self._replica = secrets.token_hex(8)
        self._rights: defaultdict[tuple[Limit, ...], deque[_Right]] = defaultdict(deque)
        self._asking: set[asyncio.Task[Claimed]] = set()
        self._notes: deque[Note] = deque()
        self._noted = asyncio.Event()
        self._writing = asyncio.Lock()
        self._idle_to_forget = False
        self._alone = False
        self._look_at = 0.0  # when to ask the buckets again, while alone

    async def grant(self, limits: Sequence[Limit], priority: Priority) -> float:
        if not any(_is_shared(limit) for limit in limits):
            return self._local.claim(limits, priority)
        wait = self._local.wait(limits, priority)
        if wait > 0:
            return wait
        demands = [self._demand(limit, priority) for limit in limits]
        claimed = await self._claim(demands) if self._may_ask() else None
        if claimed is None:
            return self._grant_alone(limits, demands, priority)
        self._learn(limits, claimed)
        if claimed.wait > 0:
            return claimed.wait
        self._local.take(limits, priority)
        self._rights[tuple(limits)].append(_Right(demands, claimed.at, self._clock()))
        return 0.0

    def give_back(self, limits: Sequence[Limit]) -> None:
        self._local.give_back(limits)
        if rights := self._rights.get(tuple(limits)):
            self._undo(rights.pop())

    def answered(self, limits: Sequence[Limit]) -> None:
        self._local.answered(limits)
        if rights := self._rights.get(tuple(limits)):
            right, now = rights.popleft(), self._clock()
            quotas = [demand for demand in right.demands if demand.calls is not None]
            self._note(*(Answered(quota.key, now, quota.seconds, right.at) for quota in quotas))

    def hold(self, key: Hashable, seconds: float) -> None:
        self._local.hold(key, seconds)
        self._note(Held(name_of(Pace(key, 0.0)), self._clock(), seconds))

    def forget_idle(self) -> None:
        self._local.forget_idle()
        lost = self._clock() - LOST
        kept = {
            limits: deque(right for right in rights if right.taken > lost)
            for limits, rights in self._rights.items()
        }
        self._rights = defaultdict(deque, {limits: it for limits, it in kept.items() if it})
        self._idle_to_forget = True
        self._noted.set()

    async def write_behind(self) -> None:
        """Write what was noted, until cancelled."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            try:
                await self._write()
                if self._idle_to_forget:
                    await self._buckets.forget_idle()
                    self._idle_to_forget = False
            except Exception as error:  # noqa: BLE001  nobody awaits it, and claims meet it too
                end_if_asked()
                tell = log.debug if isinstance(error, BridgeError) else log.error
                tell("pacing.not_written", notes=len(self._notes), error=repr(error))
                await asyncio.sleep(LOOK_AGAIN)
                self._noted.set()

    async def finish(self) -> None:
        """Write the last notes, if that is quickly done; then wait for no answer any more."""
        last = asyncio.create_task(self._write(), name="last notes")
        if not self._alone:
            await asyncio.wait([last], timeout=PATIENCE)
        ending = [last, *self._asking]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self._notes:
            log.warning("pacing.not_noted", notes=len(self._notes))

    def _demand(self, limit: Limit, priority: Priority) -> Demand:
        key = name_of(limit)
        if isinstance(limit, Pace):
            typing = priority is Priority.TYPING
            return Demand(
                key,
                ahead=limit.interval * priority.ahead,
                step=0.0 if typing else self._local.step(limit),
                reach=max(CALM, limit.interval * (Priority.FINAL.ahead + SLOWEST)),
            )
        return Demand(
            key,
            seconds=limit.seconds,
            calls=open_to(limit, priority),
            edits=open_to_edits(limit) if priority is Priority.EDIT else None,
            crowd=self._local.crowd(limit),
        )

    def _may_ask(self) -> bool:
        """Not while alone, except that one claim looks now and then; the others go on."""
        now = self._clock()
        if self._alone and now < self._look_at:
            return False
        self._look_at = now + PATIENCE + LOOK_AGAIN
        return True

    async def _claim(self, demands: Sequence[Demand]) -> Claimed | None:
        """Ask the buckets; None if they do not answer.

        In a task of its own: to cancel a statement takes as long as to wait for it, and a claim
        that is granted too late has to be given back.
        """
        asking = asyncio.create_task(self._ask(demands), name="claim")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        try:
            done, _ = await asyncio.wait([asking], timeout=PATIENCE)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda late: self._undo_late(late, demands))
            raise
        if not done:
            asking.add_done_callback(lambda late: self._undo_late(late, demands))
            self._lose(f"no answer within {PATIENCE:.0f} s")
            return None
        try:
            claimed = asking.result()
        except BridgeError as error:
            self._lose(str(error))
            return None
        self._find()
        return claimed

    async def _ask(self, demands: Sequence[Demand]) -> Claimed:
        keys = {demand.key for demand in demands}
        if any(isinstance(note, GivenBack) and note.key in keys for note in self._notes):
            await self._write()  # perhaps it is what this very claim needs
        return await self._buckets.claim(demands, self._replica)

    def _undo_late(self, late: asyncio.Task[Claimed], demands: Sequence[Demand]) -> None:
        if not late.cancelled() and late.exception() is None and late.result().wait <= 0:
            self._undo(_Right(demands, late.result().at, self._clock()))

    def _grant_alone(
        self, limits: Sequence[Limit], demands: Sequence[Demand], priority: Priority
    ) -> float:
        wait = self._local.claim([_alone(limit) for limit in limits], priority)
        if wait <= 0:
            self._rights[tuple(limits)].append(_Right(demands, None, self._clock()))
        return wait

    def _learn(self, limits: Sequence[Limit], claimed: Claimed) -> None:
        """Remember what other replicas have told the buckets."""
        for limit in limits:
            found = claimed.found[name_of(limit)]
            if isinstance(limit, Quota):
                self._local.hear(limit, found.elsewhere)
            elif found.held > max(self._local.held(limit), 0.0) + WORTH_LEARNING:
                self._local.hold(limit.key, found.held)

    def _lose(self, error: str) -> None:
        if not self._alone:
            log.warning("pacing.alone", error=error, share=ALONE)
        self._alone = True
        self._look_at = self._clock() + LOOK_AGAIN

    def _find(self) -> None:
        if self._alone:
            log.info("pacing.shared")
        self._alone = False

    def _undo(self, right: _Right) -> None:
        if right.at is not None:
            now = self._clock()
            for demand in right.demands:
                self._note(GivenBack(demand.key, now, demand.step, right.at))

    def _note(self, *notes: Note) -> None:
        self._notes.extend(notes)
        self._noted.set()

    async def _write(self) -> None:
        """Write what was noted. What is still noted afterwards came meanwhile."""
        async with self._writing:
            now = self._clock()
            self._notes = deque(note for note in self._notes if _matters(note, now))
            if not (notes := list(self._notes)):
                return
            # After a failure, which may have come too late: nothing is given back twice.
            again = [note for note in notes if not isinstance(note, GivenBack)]
            try:
                await self._buckets.note([(note, now - note.noted) for note in notes])
                again = []
            finally:
                for _ in notes:
                    self._notes.popleft()
                self._notes.extendleft(reversed(again))


@asynccontextmanager
async def sharing(
    buckets: Buckets, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[SharedPacer]:
    """A pacer over these buckets, for as long as the context is open."""
    pacer = SharedPacer(buckets, clock)
    writing = asyncio.create_task(pacer.write_behind(), name="pacing")
    try:
        yield pacer
    finally:
        writing.cancel()
        await pacer.finish()
        await asyncio.wait([writing])


def _is_shared(limit: Limit) -> bool:
    """Not if its pace is one that we chose: a page of our own repaints many times a second."""
    return isinstance(limit, Quota) or limit.interval >= FOR_THE_EYE


def _alone(limit: Limit) -> Limit:
    if isinstance(limit, Pace):
        return limit
    return replace(limit, calls=max(1, int(limit.calls * ALONE)))


def _matters(note: Note, now: float) -> bool:
    """Whether a note still says anything about the time to come."""
    return now - note.noted < (CALM if isinstance(note, GivenBack) else note.seconds)
