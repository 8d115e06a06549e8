"""What a lane does next with the turns that wait in it. A pure decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bridge.engine.merging import burst, settles_in
from bridge.engine.verdict import is_poison
from bridge.pausing import asks
from bridge.store.turns import Turn


@dataclass(frozen=True, slots=True)
class Run:
    """Begin the turn that these are parts of."""

    parts: Sequence[Turn]


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the turn that these are parts of: the bridge is paused."""

    parts: Sequence[Turn]


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait so many seconds, in which the message may get a further part."""

    turn: Turn
    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Too many processes have ended with this turn."""

    turn: Turn


Step: TypeAlias = Run | Hold | Listen | GiveUp


def next_step(waiting: Sequence[Turn], window: float, now: datetime, *, paused: bool) -> Step:
    """Decide what to do with the oldest of the turns that wait, of which there is one at least.

    window: seconds in which a message may still get a further part.
    """
    parts = burst(waiting, window)
    if (seconds := settles_in(parts, window, now)) > 0:
        return Listen(parts[0], seconds)
    if is_poison(parts[0]):
        return GiveUp(parts[0])
    if paused and asks(parts[0]):
        return Hold(parts)
    return Run(parts)
