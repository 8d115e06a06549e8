"""How the bridge is doing: what runs, and how the last hours went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.pausing import PAUSE
from bridge.store import Store
from bridge.store.overview import Ran, crowd, running
from bridge.store.rhythm import Beat, rhythm, tokens_since
from bridge.store.switches import Switched, switched

SLOTS = 72  # in a chart
LIVE = 50  # turns that are shown


@dataclass(frozen=True, slots=True)
class Slot:
    """A piece of the time. median, slow: seconds in which half, and 95 of 100, were answered."""

    begins: datetime
    answered: int = 0
    failed: int = 0
    median: float | None = None
    slow: float | None = None


@dataclass(frozen=True, slots=True)
class Pulse:
    """slots: of equal length, the last one is not over. whole: all of them as one.

    reaches: since when that is complete. open: turns that have not ended; live: the oldest of
    them. left: turns that ended without an answer. tokens: within the time of the slots.
    paused: since when, and by whom; None while questions are asked.
    """

    slots: Sequence[Slot]
    whole: Slot
    step: timedelta
    reaches: datetime
    live: Sequence[Ran]
    open: int
    left: int
    tokens: int
    paused: Switched | None


async def pulse(store: Store, now: datetime, span: timedelta) -> Pulse:
    """Look at everything since `span` ago. Raises `Unreachable`."""
    step = span / SLOTS
    since = _floor(now, step) - step * (SLOTS - 1)
    found = await store.read(rhythm(since, int(step.total_seconds())))
    is_open, left = await store.read(crowd())
    return Pulse(
        slots=slots(found.beats, since, step),
        whole=slot(found.beats, since),
        step=step,
        reaches=found.reaches,
        live=await store.read(running(LIVE)),
        open=is_open,
        left=left,
        tokens=await store.read(tokens_since(since)),
        paused=await store.read(switched(PAUSE)),
    )


def slots(beats: Sequence[Beat], since: datetime, step: timedelta) -> list[Slot]:
    """Sort what happened into slots; those without anything are there, too."""
    by_slot: Mapping[int, list[Beat]] = {number: [] for number in range(SLOTS)}
    for beat in beats:
        by_slot[min(max(beat.slot, 0), SLOTS - 1)].append(beat)
    return [slot(its, since + step * number) for number, its in by_slot.items()]


def slot(beats: Sequence[Beat], begins: datetime) -> Slot:
    """Take these as one."""
    good = sorted((it for it in beats if it.answered), key=lambda it: it.seconds)
    answered = sum(it.turns for it in good)
    failed = sum(it.turns for it in beats if not it.answered)
    return Slot(
        begins, answered, failed, _within(good, answered, 0.5), _within(good, answered, 0.95)
    )


def _within(good: Sequence[Beat], answered: int, share: float) -> float | None:
    """In how many seconds this share of them was answered."""
    passed = 0
    for beat in good:
        passed += beat.turns
        if passed >= share * answered:
            return beat.seconds
    return None


def _floor(now: datetime, step: timedelta) -> datetime:
    seconds = step.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
