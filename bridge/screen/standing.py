"""The messages of one answer that stand, and what the ledger knows of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import Departed, Gone, Moved, Transient
from bridge.events import Page
from bridge.line import Line
from bridge.metrics import FIRST_TEXT
from bridge.screen.lost import find
from bridge.store.outbox import Pages, StoredPage
from bridge.store.turns import Settled, Turn


@dataclass(slots=True)
class Shown:
    """What stands under one page number. page: None if we do not know what it shows.

    noted: the ledger has its id, so whatever dies it is not posted again.
    """

    message_id: str | None = None
    page: Page | None = None
    noted: bool = False


class Standing:
    """By the numbers of pages. Raises what `Line` raises, `Departed`, database errors.

    plain: the markup of a page was refused, so the rest goes without.
    """

    def __init__(
        self,
        turn: Turn,
        line: Line,
        pages: Pages,
        stored: Sequence[StoredPage],
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.plain = False
        self._turn = turn
        self._line = line
        self._pages = pages
        self._now = now
        self._sleep = sleep
        self._shown: list[Shown] = []
        for page in stored:  # by number: the id of an earlier one may not have been stored
            self._stored(page.number, page.message_id)
        # Posts of which nobody knows whether they happened; see `bridge.screen.lost`.
        # Each with the moment since when it is lost, on the event loop's clock.
        self._unsure: dict[int, float] = {}
        if turn.may_have_shown:
            self._doubt(self._next_number())
        self._unwritten: dict[int, Settled] = {}  # settled, and not in the ledger as that

    @property
    def is_empty(self) -> bool:
        """Whether no message of it stands."""
        return not any(shown.message_id for shown in self._shown)

    @property
    def last(self) -> str | None:
        """The message that grows."""
        return self._shown[-1].message_id if self._shown else None

    @property
    def shown(self) -> Sequence[Shown]:
        """All of it, by number."""
        return self._shown

    @property
    def unwritten(self) -> tuple[Settled, ...]:
        """What stands as it shall, and is not in the ledger as that."""
        return tuple(self._unwritten.values())

    def at(self, number: int) -> Shown:
        """What stands under a number, perhaps nothing yet."""
        while len(self._shown) <= number:
            self._shown.append(Shown())
        return self._shown[number]

    def adopt(self, messages: Mapping[int, str]) -> None:
        """Show the answer in messages that stand already: ids, by the numbers of pages."""
        for number, message_id in messages.items():
            self._stored(number, message_id)
            self._unsure.pop(number, None)  # nothing is posted before this

    def shows(self, number: int, page: Page) -> bool:
        """Whether the page stands as it is."""
        if page.file is not None:
            return False  # a file is shown only once it is wanted
        shown = self.at(number)
        if shown.message_id is not None and not self._line.edits:
            return True  # what cannot be edited was posted whole
        return shown.page == replace(page, plain=self.plain)

    async def put(self, number: int, page: Page, *, announce: bool = False) -> None:
        """Show a page where one stands, else in a new message. announce: see `post`."""
        await self.look_for(number)
        shown = self.at(number)
        if shown.message_id is not None:
            await self._line.edit(shown.message_id, page)
        else:
            await self.post(number, page, announce=announce)
        shown.page = page

    async def post(self, number: int, page: Page, *, announce: bool) -> None:
        """Send a new message. announce: the ledger has its page, and is told before."""
        if announce:
            await self._pages.sending(self._turn, number)
        first = self.is_empty
        try:
            message_id = await self._line.send(page, self._key(number))
        except Transient as error:
            if error.happened:
                self._doubt(number)
            raise
        self.at(number).message_id = message_id
        if first:
            self.observe_first_text()
        await self._note(number, message_id)

    async def look_for(self, number: int) -> None:
        """Find out whether a post of which nobody heard did happen, where that can be told."""
        if number not in self._unsure:
            return
        key, by = self._key(number), self._unsure[number]
        found = await find(self._line, self._pages, self._turn, key, self._sleep, by=by)
        if found:
            self.at(number).message_id = found
            await self._note(number, found)
        self._unsure.pop(number)

    async def move_on(self, number: int, error: Gone) -> None:
        """A deleted message is posted anew; raises `Departed` if it is the chat that is gone."""
        if isinstance(error, Moved):
            self._line.move(error.to)
        elif self.at(number).message_id is None:
            await self._pages.dead(self._turn, number, str(error))
            raise Departed(error.message, code=error.code) from error
        await self.lose(number)

    async def lose(self, number: int) -> None:
        """The message was deleted, or cannot be changed; the answer goes on in a new one."""
        self._shown[number] = Shown()
        await self._pages.lost(self._turn, number)

    async def settled(self, number: int) -> None:
        """The page is as it shall be; to be written with what comes next, unless we may lose it."""
        shown = self.at(number)
        self._unwritten[number] = Settled(number, shown.message_id)
        if shown.message_id is not None and not shown.noted:
            await self.write_down()

    async def write_down(self) -> None:
        """Store what is `unwritten`."""
        if self._unwritten:
            await self._pages.settled(self._turn, self.unwritten)
            self._unwritten.clear()

    def observe_first_text(self) -> None:
        """Something is seen of the answer now."""
        seconds = (self._now() - self._turn.created_at).total_seconds()
        FIRST_TEXT.labels(self._turn.event.chat.platform).observe(seconds)

    def _doubt(self, number: int) -> None:
        self._unsure[number] = asyncio.get_running_loop().time()

    def _key(self, number: int) -> str:
        return f"{self._turn.mark}/{number}"

    def _next_number(self) -> int:
        """The first page that has no message we know of; pages are posted in order."""
        ids = [shown.message_id for shown in self._shown]
        return ids.index(None) if None in ids else len(ids)

    async def _note(self, number: int, message_id: str) -> None:
        """Store the id of a message that stands."""
        await self._pages.posted(self._turn, number, message_id)
        self._stored(number, message_id)

    def _stored(self, number: int, message_id: str | None) -> None:
        shown = self.at(number)
        shown.message_id, shown.noted = message_id, message_id is not None
