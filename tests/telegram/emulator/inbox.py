"""Updates waiting for the bot, and how getUpdates hands them out.

From the server's source (Client::do_get_updates, TQueue): an offset confirms everything below
it; a negative one keeps only that many of the newest; one far in the future counts as none; an
update waits for 24 hours. A second poller ends the first one's wait.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.telegram.emulator.errors import OTHER_POLLER, Refused

Json = dict[str, object]

DAY = 86400.0
WEEK = 7 * DAY
LONGEST_POLL = 50.0  # seconds
MOST_AT_ONCE = 100
FUTURE = 10  # an offset this far ahead is taken for a mistake
EVERY_KIND = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "callback_query",
        "my_chat_member",
        "stopped_message_generation",
        "chat_member",
        "message_reaction",
        "message_reaction_count",
    }
)
UNASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(slots=True, eq=False)
class Update:
    """One update. lane: what a webhook delivers in order; at: seconds of `time.monotonic`."""

    id: int
    body: Json
    lane: str
    since: float
    at: float
    failures: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Inbox:
    """clock: seconds since 1970; now: `time.monotonic`; changed: called when something did."""

    clock: Callable[[], float]
    now: Callable[[], float]
    changed: Callable[[], None]
    next_id: int = 100_000_001
    allowed: frozenset[str] = EVERY_KIND - UNASKED
    pending: list[Update] = field(default_factory=list)
    delivered: list[Update] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _last_put: float | None = None
    _again: list[Update] = field(default_factory=list)
    _poller: "asyncio.Future[None] | None" = None
    _dice: random.Random = field(default_factory=lambda: random.Random("update ids"))

    def put(self, kind: str, payload: Json, lane: str) -> int | None:
        """Queue an update. None if the bot does not want to hear of this kind."""
        if kind not in self.allowed:
            return None
        update_id = self._take_id()
        self.put_raw({"update_id": update_id, kind: payload}, update_id, lane)
        return update_id

    def put_raw(self, body: Json, update_id: int, lane: str) -> None:
        """Queue whatever it is."""
        self.pending.append(Update(update_id, body, lane, self.clock(), self.now()))
        self._wake()

    def spoil(self) -> int:
        """Queue an update no client can read: its message has neither chat nor date."""
        update_id = self._take_id()
        self.put_raw({"update_id": update_id, "message": {"message_id": "?"}}, update_id, "-")
        return update_id

    def repeat(self, count: int = 1) -> None:
        """Hand out the last `count` delivered updates once more, confirmed or not."""
        self._again = self.delivered[-count:]
        self._wake()

    def requeue(self, count: int) -> None:
        """Put the last `count` delivered updates back, before all others."""
        self.pending[:0] = self.delivered[-count:]
        self._wake()

    def jump(self, update_id: int | None = None) -> None:
        """Number the next update out of sequence, as after a week of silence."""
        self.next_id = self._dice.randrange(1, 2**31 - 10**6) if update_id is None else update_id

    def clear(self) -> None:
        self.pending.clear()

    def remove(self, update: Update) -> None:
        """It was delivered."""
        self.delivered.append(update)
        if update in self.pending:
            self.pending.remove(update)
        self.changed()

    def allow(self, kinds: Iterable[str]) -> None:
        """What the bot asked to hear of; an empty list means the usual kinds."""
        asked = frozenset(kinds) & EVERY_KIND
        self.allowed = asked or EVERY_KIND - UNASKED

    @property
    def polled(self) -> bool:
        """Whether somebody waits for updates now."""
        return self._poller is not None

    async def poll(self, offset: int, limit: int, patience: float) -> list[Update]:
        """Wait for updates, at most `patience` seconds. Raises `Refused` 409 if superseded."""
        self.interrupt(OTHER_POLLER)
        first = self._seek(offset)
        if not self._ready(first) and patience > 0:
            await self._wait(min(patience, LONGEST_POLL))
        batch = self._ready(first)[:limit]
        self._again = []
        self.delivered += batch
        return batch

    def interrupt(self, reason: Refused) -> None:
        """End the wait of whoever polls now."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(reason)
        self._poller = None

    def _ready(self, first: int) -> list[Update]:
        return self._again + [update for update in self.pending if update.id >= first]

    def _seek(self, offset: int) -> int:
        self._expire()
        if offset < 0:
            del self.pending[:offset]
        if offset <= 0 or offset > self.next_id + FUTURE:
            return 0
        self.pending = [update for update in self.pending if update.id >= offset]
        return offset

    async def _wait(self, seconds: float) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._poller = waiter
        self.changed()
        try:
            await asyncio.wait([waiter], timeout=seconds)
            if waiter.done():
                waiter.result()
        finally:
            if self._poller is waiter:
                self._poller = None
            self.changed()

    def _wake(self) -> None:
        self.arrived.set()
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)

    def _expire(self) -> None:
        oldest = self.clock() - DAY
        self.pending = [update for update in self.pending if update.since >= oldest]

    def _take_id(self) -> int:
        now = self.clock()
        if self._last_put is not None and now - self._last_put > WEEK:
            self.jump()
        self._last_put = now
        update_id, self.next_id = self.next_id, self.next_id + 1
        return update_id
