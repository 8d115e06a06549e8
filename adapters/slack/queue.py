"""Who came first goes first, place by place."""

import asyncio
from collections import deque


class Ticket:
    """One's position in a queue, which holds up everybody behind it until it is given back."""

    def __init__(self, queue: "Queue", place: str) -> None:
        self._queue = queue
        self.place = place
        self.first = asyncio.Event()
        self.gone = False

    async def turn(self) -> None:
        """Wait until everybody who came before has gone."""
        await self.first.wait()

    def leave(self) -> None:
        """Let the next one pass; once more does nothing."""
        if not self.gone:
            self.gone = True
            self._queue.move_up(self.place)


class Queue:
    """One queue for each place; those that are empty cost nothing."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Ticket]] = {}

    def ticket(self, place: str) -> Ticket:
        """Take the last position. Does not wait."""
        ticket = Ticket(self, place)
        self._lines.setdefault(place, deque()).append(ticket)
        self.move_up(place)
        return ticket

    def move_up(self, place: str) -> None:
        """Tell the first who has not gone that it is the first."""
        line = self._lines[place]
        while line and line[0].gone:
            line.popleft()
        if line:
            line[0].first.set()
        else:
            del self._lines[place]

    def __len__(self) -> int:
        """How many places have a queue."""
        return len(self._lines)
