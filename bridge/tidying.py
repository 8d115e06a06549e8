"""The janitor of the database: takes out what is old, without being in anybody's way.

One round a minute, at most `ROUND` seconds long. After each window it rests for `REST` times as
long as the window took, so whatever waits for the database gets it, and a slow one is given more
peace than a fast one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bridge.config import RetentionSettings
from bridge.errors import Transient
from bridge.logs import get
from bridge.store import Store
from bridge.store.retention import Cuts, Key, Walk, walks

log = get(__name__)

ROUND = 20.0  # seconds
REST = 9.0  # times what a window took
LEAST_REST = 0.01  # seconds
WHOLE_WALK_EVERY = 3600.0  # seconds between two walks through all of a table


class Janitor:
    """Removes what `[retention]` says. Raises nothing that may pass."""

    def __init__(
        self,
        store: Store,
        settings: RetentionSettings,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._after: dict[str, Key | None] = {}  # where a walk was left
        self._walked: dict[str, float] = {}  # when one came to its end

    async def round(self) -> int:
        """Remove some of what is old; returns how many rows."""
        began, removed = self._monotonic(), 0
        now = self._now()
        try:
            for walk in filter(self._is_due, walks(cuts(self._settings, now), now)):
                removed += await self._go(walk, until=began + ROUND)
        except Transient as error:
            log.warning("retention.delayed", error=str(error))
        if removed:
            log.info("retention", rows=removed, seconds=round(self._monotonic() - began, 2))
        return removed

    def _is_due(self, walk: Walk) -> bool:
        ended = self._walked.get(walk.name)
        often = walk.is_short or ended is None
        return often or self._monotonic() - (ended or 0.0) >= WHOLE_WALK_EVERY

    async def _go(self, walk: Walk, until: float) -> int:
        removed = 0
        while (began := self._monotonic()) < until:
            swept = await self._store.write(walk.window(self._after.get(walk.name)))
            removed += swept.removed
            self._after[walk.name] = swept.after
            if swept.after is None:
                self._walked[walk.name] = self._monotonic()
                break
            await self._sleep(max(LEAST_REST, REST * (self._monotonic() - began)))
        return removed


def cuts(settings: RetentionSettings, now: datetime) -> Cuts:
    """The moments that days ago are; none for what is kept for ever."""

    def ago(days: int) -> datetime | None:
        return now - timedelta(days=days) if days else None

    return Cuts(
        messages=ago(settings.messages),
        usage=ago(settings.usage),
        conversations=ago(settings.conversations),
        transcripts=ago(settings.transcripts),
        people=ago(settings.people),
    )
