"""Which waiting messages are parts of one: a long paste that was cut up, an album."""

from collections.abc import Sequence
from datetime import datetime

from bridge.events import ALBUM_WINDOW
from bridge.store.turns import Turn, TurnKind
from bridge.words import command_in

MOST_PARTS = 50


def burst(waiting: Sequence[Turn], window: float) -> list[Turn]:
    """The oldest turn and those that follow it closely enough to be asked together.

    window: seconds between two parts; those of an album have more time, whatever it is. Parts
    come from the same person, none is a command, and nobody has begun to work on any of them.
    """
    parts = [waiting[0]]
    if not _is_part(waiting[0]):
        return parts
    for turn in waiting[1:MOST_PARTS]:
        gap = abs((turn.created_at - parts[-1].created_at).total_seconds())
        if (
            not _is_near(parts[-1], turn, gap, window)
            or not _is_part(turn)
            or turn.event.user.id != parts[0].event.user.id
        ):
            break
        parts.append(turn)
    return parts


def settles_in(parts: Sequence[Turn], window: float, now: datetime) -> float:
    """Seconds to wait for a further part; 0 when there can be none."""
    if parts[-1].event.album:
        window = max(window, ALBUM_WINDOW)
    if window <= 0 or not _is_part(parts[0]) or len(parts) >= MOST_PARTS:
        return 0.0
    # A part from the future came before the clock was set back, so it is no reason to wait: who
    # looks again after the window would find it in the future still.
    since = abs((now - parts[-1].created_at).total_seconds())
    return max(0.0, window - since)


def _is_near(before: Turn, turn: Turn, gap: float, window: float) -> bool:
    if turn.event.album and turn.event.album == before.event.album:
        window = max(window, ALBUM_WINDOW)
    return window > 0 and gap <= window


def _is_part(turn: Turn) -> bool:
    is_new = turn.kind is TurnKind.MESSAGE and turn.is_untouched and not turn.event.edits
    return is_new and command_in(turn.event.text) is None
