"""The messages of one answer: posts, edits and drafts, repeated until they stand.

While an answer streams, `Screen.show` tries once and never insists: the next snapshot brings
the same text and more. What `Screen.settle` sends was stored before, and it does not give up
unless the chat itself is gone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest

from bridge.adapter import DRAFT_LASTS
from bridge.errors import (
    Departed,
    Gone,
    Moved,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
)
from bridge.events import Page
from bridge.flow.lull import Lull
from bridge.flow.pacing import Priority
from bridge.flow.retry import backoff
from bridge.line import Line
from bridge.logs import get
from bridge.lost import find
from bridge.metrics import FIRST_TEXT
from bridge.store.outbox import Pages, PageState, StoredPage
from bridge.store.turns import Settled, Turn
from bridge.text.plan import Drop, Edit, Post, plan

log = get(__name__)

TYPING_AFTER = 0.04  # seconds; the question goes first, and who is answered at once needs no sign
TYPING_EVERY = 4.0  # seconds; platforms show it for five or six
TYPING_AGAIN = 1.0  # seconds until who was refused asks again: with them wait all the others
NOT_NOW = 3600.0  # seconds; longer than any answer streams
FILE_TRIES = 4  # the text stands there already, and the next question waits behind a file
FILES_WITHIN = 60.0  # seconds for all files of an answer; what follows is tried once
WORTH_A_PREVIEW = 1.0  # seconds a last call may have to wait before its text is shown without it


@dataclass(slots=True)
class _Shown:
    """What stands under one page number. page: None if we do not know what it shows.

    noted: the ledger has its id, so whatever dies it is not posted again.
    """

    message_id: str | None = None
    page: Page | None = None
    noted: bool = False


class Screen:
    """The messages of one answer. Raises `Departed`, `Unauthorised`, database errors.

    breaks: lengths of the answer's text at which a page has to end, because its message was not
        to grow any further.
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
        self._turn = turn
        self._line = line
        self._pages = pages
        self._now = now
        self._sleep = sleep
        self._shown: list[_Shown] = []
        for page in stored:  # by number: the id of an earlier one may not have been stored
            self._stored(page.number, page.message_id)
        self._plain = False  # its markup was refused, so the rest goes without
        # A preview did more harm than good, or could not be edited: wait for the final pages.
        self._muted = not line.edits
        # Posts of which nobody knows whether they happened; see `bridge.lost`.
        # Each with the moment since when it is lost, on the event loop's clock.
        self._unsure: dict[int, float] = {}
        if turn.may_have_shown:
            self._doubt(self._next_number())
        self._spent: set[str] = set()  # messages that grow no further
        self.breaks: list[int] = []
        self._drafting = line.drafts
        self._draft: Page | None = None  # what is shown as being written
        self._adopted = False
        self._unwritten: dict[int, Settled] = {}  # settled, and not in the ledger as that
        self._files_by: float | None = None  # on the event loop's clock, once files are sent

    @property
    def may_adopt(self) -> bool:
        """Whether messages that stand already can be made to show this answer."""
        return self._line.edits and self.is_empty and not self._adopted

    def adopt(self, messages: Mapping[int, str]) -> None:
        """Show the answer in messages that stand already: ids, by the numbers of pages."""
        self._adopted = True
        for number, message_id in messages.items():
            self._stored(number, message_id)
            self._unsure.pop(number, None)  # nothing is posted before this

    @property
    def lull(self) -> Lull:
        """For how long the answer may grow unread."""
        return self._line.lull

    @property
    def is_empty(self) -> bool:
        return not any(shown.message_id for shown in self._shown)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Show that an answer is on its way, and keep what is shown of it from fading."""
        task = asyncio.create_task(self._keep_alive(), name="typing")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _keep_alive(self) -> None:
        try:
            await self._show_life()
        except Exception as error:  # noqa: BLE001  the next snapshot meets what matters of it
            log.warning("draft.not_kept", turn=self._turn.id, error=repr(error))

    async def _show_life(self) -> None:
        await self._sleep(TYPING_AFTER)
        while self.is_empty and self._draft is None:
            refused_for = await self._line.typing()
            again = max(refused_for or TYPING_EVERY, TYPING_AGAIN)
            await self._sleep(min(again, TYPING_EVERY))
        while self._drafting:
            await self._sleep(DRAFT_LASTS)
            if self._draft is not None:
                await self._show_draft(self._draft)

    async def claim(self) -> float:
        """Take the right to show something now and return 0, or return the seconds to wait."""
        if self._muted:
            return NOT_NOW
        if self._drafting:
            return await self._line.claim_draft()
        priority = Priority.FIRST if self.is_empty else Priority.EDIT
        return await self._line.claim(priority, self._last)

    @property
    def _last(self) -> str | None:
        """The message that grows."""
        return self._shown[-1].message_id if self._shown else None

    async def show(self, render: Callable[[], Sequence[Page]], said: int = 0) -> None:
        """Show an answer that still grows, as far as the chat's pace allows.

        The first call is the one that was claimed. Without a claim the snapshot is urgent, which
        is reason to run ahead of the pace, but not of a Retry-After.
        render: makes the pages; called only if there is a right to show them, which there is not
        when many answers end in one instant. said: the length of the answer's text.
        """
        try:
            if await self._may_show():
                await self._show(render())
        finally:
            self._line.give_back()  # there was nothing new to show, or nothing at all
        last = self._last
        if last and last not in self._spent and self._line.is_spent(last):
            self._spent.add(last)
            self.breaks.append(said)

    async def _may_show(self) -> bool:
        if self._drafting:
            return True
        return not self._muted and await self._line.claim(Priority.FIRST, self._last) <= 0

    async def _show(self, pages: Sequence[Page]) -> None:
        wanted = [replace(page, plain=self._plain) for page in pages]
        if self._drafting and wanted and not wanted[-1].final:
            await self._show_draft(wanted.pop())
        steps = plan([shown.page for shown in self._shown], wanted)
        priority = Priority.FIRST
        for step in steps:
            if self._muted or isinstance(step, Drop):
                return
            message_id = self._at(step.index).message_id
            if await self._line.claim(priority, message_id, final=step.page.final) > 0:
                return
            priority = Priority.EDIT
            if not await self._try(step):
                return

    async def _show_draft(self, page: Page) -> None:
        try:
            await self._line.draft(page, self._turn.mark)
            if self._draft is None and self.is_empty:
                self._observe_first_text()
            self._draft = page
        except Transient:
            return  # the next snapshot comes, and its pace heeds what was said
        except Unauthorised:
            raise
        except Permanent as error:
            self._drafting = False
            log.info("draft.refused", turn=self._turn.id, error=str(error))

    async def _try(self, step: Post | Edit) -> bool:
        """One call, once. False: leave the rest of this snapshot, the next one brings it."""
        posting = self._at(step.index).message_id is None
        try:
            await self._put(step.index, step.page)
        except Gone as error:
            await self._move_on(step.index, error)
            return False
        except Unauthorised:
            raise
        except Rejected as error:
            self._muted = self._plain
            self._plain = True
            log.info("page.refused", turn=self._turn.id, error=str(error))
            return False
        except Transient as error:
            # A post that may have happened is not repeated for a mere preview: each attempt
            # could leave one more message standing.
            self._muted = posting and error.happened
            return False
        except Permanent as error:
            self._muted = True
            log.warning("page.not_shown", turn=self._turn.id, error=str(error))
            return False
        return True

    async def settle(self, wanted: Sequence[Page] | None = None) -> tuple[Settled, ...]:
        """Make every stored page stand as it was stored, however long that takes.

        Returns those of which that is not in the ledger yet, to be written with the end of the
        turn: the last, and what stood already. Should that fail, they are edited once more.
        wanted: what has been stored this instant; without it, that is read.
        """
        self._line.lull.ended()
        pages = await self._pages.of(self._turn) if wanted is None else self._as_stored(wanted)
        for stored in pages:
            if stored.state in {PageState.SETTLED, PageState.DEAD}:
                continue
            if stored.page and self._stands(stored.number, stored.page):
                await self._settled(stored.number)
                continue
            await self._write_down()  # the next call may take long, or be the end of us
            await self._complete(stored)
        await self._line.lull.give_way()
        return tuple(self._unwritten.values())

    async def _complete(self, stored: StoredPage) -> None:
        if stored.page is None:
            await self._take_back(stored.number)
        elif stored.page.file is not None:
            await self._enclose(stored, stored.page)
        else:
            await self._land(stored.number, stored.page)

    def _as_stored(self, wanted: Sequence[Page]) -> list[StoredPage]:
        both = enumerate(zip_longest(self._shown, wanted))
        return [
            StoredPage(number, PageState.WANTED, page, shown.message_id if shown else None)
            for number, (shown, page) in both
        ]

    def _stands(self, number: int, page: Page) -> bool:
        if page.file is not None:
            return False  # a file is shown only once it is wanted
        shown = self._at(number)
        if shown.message_id is not None and not self._line.edits:
            return True  # what cannot be edited was posted whole
        return shown.page == replace(page, plain=self._plain)

    async def _land(self, number: int, page: Page) -> None:
        page = replace(page, plain=self._plain)
        attempt = 0
        while True:
            await self._next_call(number, page)
            try:
                await self._put(number, page, announce=True)
                return await self._settled(number)
            except Transient as error:
                attempt += 1
                await self._wait_out(number, error, attempt)
            except Gone as error:
                await self._move_on(number, error)
            except Unauthorised:
                raise
            except Permanent as error:
                if isinstance(error, Rejected) and not page.plain:
                    page = replace(page, plain=True)
                elif self._at(number).message_id is not None:
                    await self._lose(number)  # the edit was refused; a new message may pass
                else:
                    return await self._give_up(number, error)

    async def _move_on(self, number: int, error: Gone) -> None:
        """A deleted message is posted anew; raises `Departed` if it is the chat that is gone."""
        if isinstance(error, Moved):
            self._line.move(error.to)
        elif self._at(number).message_id is None:
            await self._pages.dead(self._turn, number, str(error))
            raise Departed(error.message, code=error.code) from error
        await self._lose(number)

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
        if stored.state is PageState.WANTED and self._at(number).message_id is not None:
            await self._retracted(number)  # text, of a stream that was longer than its end
            await self._lose(number)
        while True:
            try:
                await self._post_file(number, page)
                return await self._settled(number)
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
        if number in self._unsure:
            await self._recall(number)
        if self._at(number).message_id is None:
            await self._next_call(number)
            await self._post(number, page, announce=True)

    async def _leave_out(self, number: int, error: Exception) -> None:
        self._line.give_back()
        log.info("file.not_sent", turn=self._turn.id, page=number, error=str(error))
        await self._pages.dead(self._turn, number, str(error))

    async def _take_back(self, number: int) -> None:
        """The finished answer is shorter than its stream was."""
        if await self._retracted(number):
            await self._settled(number)

    async def _retracted(self, number: int) -> bool:
        message_id = self._at(number).message_id
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
        message_id = self._at(number).message_id
        while (seconds := await self._line.claim(Priority.FINAL, message_id, final=True)) > 0:
            if page and message_id and seconds > WORTH_A_PREVIEW:
                seconds = min(seconds, await self._preview(message_id, number, page))
            await self._sleep(seconds)

    async def _preview(self, message_id: str, number: int, page: Page) -> float:
        """Show the words of a final page without ending it, which has a budget of its own.

        Returns the seconds after which there is more to do.
        """
        shown = self._at(number)
        preview = replace(page, final=False, buttons=())
        if shown.page == preview:
            return NOT_NOW
        seconds = await self._line.claim(Priority.FIRST, message_id)
        if seconds <= 0:
            shown.page = preview
            with suppress(Transient, Permanent):  # the last call comes in any case
                await self._line.edit(message_id, preview)
        return seconds

    async def _put(self, index: int, page: Page, *, announce: bool = False) -> None:
        shown = self._at(index)
        if index in self._unsure:
            await self._recall(index)
        if shown.message_id is not None:
            await self._line.edit(shown.message_id, page)
        else:
            await self._post(index, page, announce=announce)
        shown.page = page

    async def _post(self, index: int, page: Page, *, announce: bool) -> None:
        if announce:
            await self._pages.sending(self._turn, index)
        first = self.is_empty
        try:
            message_id = await self._line.send(page, self._key(index))
        except Transient as error:
            if error.happened:
                self._doubt(index)
            raise
        self._at(index).message_id = message_id
        if first:
            self._observe_first_text()
        await self._note(index, message_id)

    async def _recall(self, index: int) -> None:
        """Look whether a post of which nobody heard did happen, where the platform can tell."""
        key, by = self._key(index), self._unsure[index]
        found = await find(self._line, self._pages, self._turn, key, self._sleep, by=by)
        if found:
            self._at(index).message_id = found
            await self._note(index, found)
        self._unsure.pop(index)

    def _doubt(self, index: int) -> None:
        self._unsure[index] = asyncio.get_running_loop().time()

    def _key(self, index: int) -> str:
        return f"{self._turn.mark}/{index}"

    def _next_number(self) -> int:
        """The first page that has no message we know of; pages are posted in order."""
        ids = [shown.message_id for shown in self._shown]
        return ids.index(None) if None in ids else len(ids)

    async def _note(self, number: int, message_id: str) -> None:
        """Store the id of a message that stands."""
        await self._pages.posted(self._turn, number, message_id)
        self._stored(number, message_id)

    def _stored(self, number: int, message_id: str | None) -> None:
        shown = self._at(number)
        shown.message_id, shown.noted = message_id, message_id is not None

    async def _settled(self, number: int) -> None:
        """The page is as it shall be; to be written with what comes next, unless we may lose it."""
        shown = self._at(number)
        self._unwritten[number] = Settled(number, shown.message_id)
        if shown.message_id is not None and not shown.noted:
            await self._write_down()

    async def _write_down(self) -> None:
        if self._unwritten:
            await self._pages.settled(self._turn, list(self._unwritten.values()))
            self._unwritten.clear()

    async def _lose(self, number: int) -> None:
        """The message was deleted, or cannot be changed; the answer goes on in a new one."""
        self._shown[number] = _Shown()
        await self._pages.lost(self._turn, number)

    async def _give_up(self, number: int, error: Exception) -> None:
        log.error("page.dead", turn=self._turn.id, page=number, error=str(error))
        await self._pages.dead(self._turn, number, str(error))

    def _at(self, index: int) -> _Shown:
        while len(self._shown) <= index:
            self._shown.append(_Shown())
        return self._shown[index]

    def _observe_first_text(self) -> None:
        seconds = (self._now() - self._turn.created_at).total_seconds()
        FIRST_TEXT.labels(self._turn.event.chat.platform).observe(seconds)
