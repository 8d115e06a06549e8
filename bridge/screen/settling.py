"""Making the pages of a finished answer stand, however long that takes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest

from bridge.errors import Gone, Moved, Permanent, RateLimited, Rejected, Transient, Unauthorised
from bridge.events import Page
from bridge.flow.pacing import Priority
from bridge.flow.retry import backoff
from bridge.line import Line
from bridge.logs import get
from bridge.screen.standing import Standing
from bridge.store.outbox import Pages, PageState, StoredPage
from bridge.store.turns import Turn

log = get(__name__)

FILE_TRIES = 4  # the text stands there already, and the next question waits behind a file
FILES_WITHIN = 60.0  # seconds for all files of an answer; what follows is tried once
WORTH_A_PREVIEW = 1.0  # seconds a last call may have to wait before its text is shown without it
NOT_SOON = 3600.0  # seconds; what waits for something else looks again by then


class Settling:
    """For one answer. Raises `Departed`, `Unauthorised`, database errors."""

    def __init__(
        self,
        turn: Turn,
        line: Line,
        pages: Pages,
        standing: Standing,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._turn = turn
        self._line = line
        self._pages = pages
        self._standing = standing
        self._sleep = sleep
        self._files_by: float | None = None  # on the event loop's clock, once files are sent

    async def __call__(self, wanted: Sequence[Page] | None) -> None:
        """See `Screen.settle`."""
        pages = await self._pages.of(self._turn) if wanted is None else self._as_stored(wanted)
        for stored in pages:
            if stored.state in {PageState.SETTLED, PageState.DEAD}:
                continue
            if stored.page and self._standing.shows(stored.number, stored.page):
                await self._standing.settled(stored.number)
                continue
            await self._standing.write_down()  # the next call may take long, or be the end of us
            await self._complete(stored)

    async def _complete(self, stored: StoredPage) -> None:
        if stored.page is None:
            await self._take_back(stored.number)
        elif stored.page.file is not None:
            await self._enclose(stored, stored.page)
        else:
            await self._land(stored.number, stored.page)

    def _as_stored(self, wanted: Sequence[Page]) -> list[StoredPage]:
        both = enumerate(zip_longest(self._standing.shown, wanted))
        return [
            StoredPage(number, PageState.WANTED, page, shown.message_id if shown else None)
            for number, (shown, page) in both
        ]

    async def _land(self, number: int, page: Page) -> None:
        page = replace(page, plain=self._standing.plain)
        attempt = 0
        while True:
            await self._next_call(number, page)
            try:
                await self._standing.put(number, page, announce=True)
                return await self._standing.settled(number)
            except Transient as error:
                attempt += 1
                await self._wait_out(number, error, attempt)
            except Gone as error:
                await self._standing.move_on(number, error)
            except Unauthorised:
                raise
            except Permanent as error:
                if isinstance(error, Rejected) and not page.plain:
                    page = replace(page, plain=True)
                elif self._standing.at(number).message_id is not None:
                    await self._standing.lose(number)  # a new message may pass
                else:
                    return await self._give_up(number, error)

    async def _wait_out(self, number: int, error: Transient, attempt: int) -> None:
        log.warning("page.delayed", turn=self._turn.id, page=number, error=str(error))
        if not isinstance(error, RateLimited):  # that one holds the line by itself
            seconds = error.retry_after
            await self._sleep(backoff(attempt) if seconds is None else seconds)

    async def _enclose(self, stored: StoredPage, page: Page) -> None:
        """Post a file: after the text, once, in a few tries; without it the text has the link."""
        number, attempt = stored.number, 0
        if self._files_by is None:
            self._files_by = asyncio.get_running_loop().time() + FILES_WITHIN
        if stored.state is PageState.WANTED and self._standing.at(number).message_id is not None:
            await self._retracted(number)  # text, of a stream that was longer than its end
            await self._standing.lose(number)
        while True:
            try:
                await self._post_file(number, page)
                return await self._standing.settled(number)
            except Moved as error:
                self._line.move(error.to)
            except Transient as error:
                attempt += 1
                if attempt >= FILE_TRIES or self._is_late(error):
                    return await self._leave_out(number, error)
                await self._wait_out(number, error, attempt)
            except Permanent as error:
                # Even a key that was refused: it may be good for words and not for files.
                return await self._leave_out(number, error)

    def _is_late(self, error: Transient) -> bool:
        """Tell whether files have held up the next question for long enough.

        Not for a platform that wants us to be slower: that holds up the question as well.
        """
        late = self._files_by is not None and asyncio.get_running_loop().time() >= self._files_by
        return late and not isinstance(error, RateLimited)

    async def _post_file(self, number: int, page: Page) -> None:
        await self._standing.look_for(number)
        if self._standing.at(number).message_id is None:
            await self._next_call(number)
            await self._standing.post(number, page, announce=True)

    async def _leave_out(self, number: int, error: Exception) -> None:
        self._line.give_back()
        log.info("file.not_sent", turn=self._turn.id, page=number, error=str(error))
        await self._pages.dead(self._turn, number, str(error))

    async def _take_back(self, number: int) -> None:
        """The finished answer is shorter than its stream was."""
        if await self._retracted(number):
            await self._standing.settled(number)

    async def _retracted(self, number: int) -> bool:
        message_id = self._standing.at(number).message_id
        attempt = 0
        while message_id is not None:
            await self._next_call(number)
            try:
                await self._line.retract(message_id)
                break
            except Transient as error:
                attempt += 1
                await self._wait_out(number, error, attempt)
            except Unauthorised:
                raise
            except Permanent as error:
                await self._give_up(number, error)
                return False
        return True

    async def _next_call(self, number: int, page: Page | None = None) -> None:
        """Wait for the right to a last call; where that takes long, its text is shown before."""
        message_id = self._standing.at(number).message_id
        while (seconds := await self._line.claim(Priority.FINAL, message_id, final=True)) > 0:
            if page and message_id and seconds > WORTH_A_PREVIEW:
                seconds = min(seconds, await self._preview(message_id, number, page))
            await self._sleep(seconds)

    async def _preview(self, message_id: str, number: int, page: Page) -> float:
        """Show the words of a final page without ending it, which has a budget of its own.

        Returns the seconds after which there is more to do.
        """
        shown = self._standing.at(number)
        preview = replace(page, final=False, buttons=())
        if shown.page == preview:
            return NOT_SOON
        seconds = await self._line.claim(Priority.FIRST, message_id)
        if seconds <= 0:
            shown.page = preview
            with suppress(Transient, Permanent):  # the last call comes in any case
                await self._line.edit(message_id, preview)
        return seconds

    async def _give_up(self, number: int, error: Exception) -> None:
        log.error("page.dead", turn=self._turn.id, page=number, error=str(error))
        await self._pages.dead(self._turn, number, str(error))
