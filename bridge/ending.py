"""The last guard: a process that is to end does end, whatever in it does not.

One that hangs is worse than one that was killed: nobody starts it again. By design nothing is
lost, for what it was at is in the database.
"""

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from bridge.logs import get

log = get(__name__)

STATUS = 1  # what service managers take for a failure, and restart
TELLING = 2.0  # seconds; whoever reads our log may hang as well
MOST = 50  # tasks that are told of by name
DEEPEST = 5  # places of each, the innermost last


def end_within(seconds: float) -> None:
    """Let this process, whose end begins now, take so long; then end it with status 1.

    Nothing takes that back. Called in the loop, and needs neither it nor the main thread after
    that: a task may wait for ever, the loop may stand still, or be closed and a thread hang.
    """
    guard = (seconds, asyncio.get_running_loop())
    threading.Thread(target=_guard, args=guard, name="last guard", daemon=True).start()


def _guard(seconds: float, loop: asyncio.AbstractEventLoop) -> None:
    time.sleep(seconds)
    telling = threading.Thread(target=_tell, args=(seconds, loop), daemon=True)
    telling.start()
    telling.join(TELLING)
    os._exit(STATUS)


def _tell(seconds: float, loop: asyncio.AbstractEventLoop) -> None:
    log.critical("process.hangs", after=seconds, remedy="it is ended, to be started again")
    tasks = [] if loop.is_closed() else list(asyncio.all_tasks(loop))
    for task in tasks[:MOST]:
        log.critical("process.waits", task=task.get_name(), at=_places(_awaited(task.get_coro())))
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if not thread.daemon and (innermost := frames.get(thread.ident or 0)):
            places = [*traceback.walk_stack(innermost)][::-1]
            log.critical("process.waits", thread=thread.name, at=_places(places))


def _awaited(awaiting: Any) -> list[tuple[FrameType, int]]:
    """The frames of a task that waits, outermost first; `Task.get_stack` has the first only."""
    frames: list[FrameType] = []
    while awaiting is not None:
        frames += _either(awaiting, "cr_frame", "gi_frame", "ag_frame")
        [awaiting] = _either(awaiting, "cr_await", "gi_yieldfrom", "ag_await") or [None]
    return [(frame, frame.f_lineno) for frame in frames]


def _either(of: object, *names: str) -> list[Any]:
    return [it for name in names if (it := getattr(of, name, None)) is not None]


def _places(frames: Sequence[tuple[FrameType, int]]) -> str:
    """File, line and function of the innermost, and nothing of what is in them."""
    codes = [(frame.f_code, line) for frame, line in frames[-DEEPEST:]]
    return " > ".join(f"{Path(it.co_filename).name}:{line} {it.co_name}" for it, line in codes)
