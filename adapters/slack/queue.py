"""Who came first goes first, place by place.

Slack tells two connections, or two requests, of two messages that were written one after the
other, and which of them is read first is chance. So each waits a moment for those before it, and
what happened first goes first.
"""

import asyncio
import time
from bisect import insort
from operator import attrgetter

GRACE = 0.05  # seconds for what happened earlier and arrives later
_TAKEN = -1.0  # before everything: nobody overtakes who has begun


class Ticket:
    """One's position in a queue, which holds up everybody behind it until it is given back."""

    def __init__(self, queue: "Queue", place: str, happened: float) -> None:
        self._queue = queue
        self.place = place
        self.happened = happened
        self.first = asyncio.Event()
        self._since = time.monotonic()

    async def turn(self) -> None:
        """Wait for the moment of grace, and until everybody who was earlier has gone."""
        await asyncio.sleep(self._since + self._queue.grace - time.monotonic())
        while not self.first.is_set():
            await self.first.wait()
        self.happened = _TAKEN

    def leave(self) -> None:
        """Let the next one pass; once more does nothing."""
        self._queue.leave(self)


class Queue:
    """One queue for each place; those that are empty cost nothing. grace: see `GRACE`."""

    def __init__(self, grace: float = GRACE) -> None:
        self.grace = grace
        self._lines: dict[str, list[Ticket]] = {}

    def ticket(self, place: str, happened: float) -> Ticket:
        """Take a position. Does not wait. happened: seconds since 1970, by Slack's clock."""
        ticket = Ticket(self, place, happened)
        line = self._lines.setdefault(place, [])
        insort(line, ticket, key=attrgetter("happened"))
        self._move_up(line)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Take somebody out."""
        line = self._lines.get(ticket.place, [])
        if ticket not in line:
            return
        line.remove(ticket)
        if line:
            self._move_up(line)
        else:
            del self._lines[ticket.place]

    def _move_up(self, line: list[Ticket]) -> None:
        """Only the first is first; it may have been another a moment ago."""
        line[0].first.set()
        for other in line[1:2]:
            other.first.clear()

    def __len__(self) -> int:
        """How many places have a queue."""
        return len(self._lines)
