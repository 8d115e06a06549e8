"""Showing an answer that grows: everything is tried once, for the next snapshot brings more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from bridge.adapter import DRAFT_LASTS
from bridge.errors import Gone, Permanent, Rejected, Transient, Unauthorised
from bridge.events import Page
from bridge.flow.lull import Lull
from bridge.flow.pacing import Priority
from bridge.line import Line
from bridge.logs import get
from bridge.screen.settling import Settling
from bridge.screen.standing import Standing
from bridge.store.turns import Settled, Turn
from bridge.text.plan import Drop, Edit, Post, plan

log = get(__name__)

TYPING_AFTER = 0.04  # seconds; the question goes first, and who is answered at once needs no sign
TYPING_EVERY = 4.0  # seconds; platforms show it for five or six
TYPING_AGAIN = 1.0  # seconds until who was refused asks again: with them wait all the others
NOT_NOW = 3600.0  # seconds; longer than any answer streams


class Screen:
    """The messages of one answer. Raises `Departed`, `Unauthorised`, database errors.

    breaks: lengths of the answer's text at which a page has to end, because its message was not
        to grow any further.
    """

    def __init__(
        self,
        turn: Turn,
        line: Line,
        standing: Standing,
        settling: Settling,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._turn = turn
        self._line = line
        self._standing = standing
        self._settling = settling
        self._sleep = sleep
        # A preview did more harm than good, or could not be edited: wait for the final pages.
        self._muted = not line.edits
        self._spent: set[str] = set()  # messages that grow no further
        self.breaks: list[int] = []
        self._drafting = line.drafts
        self._draft: Page | None = None  # what is shown as being written
        self._adopted = False

    @property
    def may_adopt(self) -> bool:
        """Whether messages that stand already can be made to show this answer."""
        return self._line.edits and self._standing.is_empty and not self._adopted

    def adopt(self, messages: Mapping[int, str]) -> None:
        """Show the answer in messages that stand already: ids, by the numbers of pages."""
        self._adopted = True
        self._standing.adopt(messages)

    @property
    def lull(self) -> Lull:
        """For how long the answer may grow unread."""
        return self._line.lull

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
        while self._standing.is_empty and self._draft is None:
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
        priority = Priority.FIRST if self._standing.is_empty else Priority.EDIT
        return await self._line.claim(priority, self._standing.last)

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
        last = self._standing.last
        if last and last not in self._spent and self._line.is_spent(last):
            self._spent.add(last)
            self.breaks.append(said)

    async def _may_show(self) -> bool:
        if self._drafting:
            return True
        return not self._muted and await self._line.claim(Priority.FIRST, self._standing.last) <= 0

    async def _show(self, pages: Sequence[Page]) -> None:
        wanted = [replace(page, plain=self._standing.plain) for page in pages]
        if self._drafting and wanted and not wanted[-1].final:
            await self._show_draft(wanted.pop())
        steps = plan([shown.page for shown in self._standing.shown], wanted)
        priority = Priority.FIRST
        for step in steps:
            if self._muted or isinstance(step, Drop):
                return
            message_id = self._standing.at(step.index).message_id
            if await self._line.claim(priority, message_id, final=step.page.final) > 0:
                return
            priority = Priority.EDIT
            if not await self._try(step):
                return

    async def _show_draft(self, page: Page) -> None:
        try:
            await self._line.draft(page, self._turn.mark)
            if self._draft is None and self._standing.is_empty:
                self._standing.observe_first_text()
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
        posting = self._standing.at(step.index).message_id is None
        try:
            await self._standing.put(step.index, step.page)
        except Gone as error:
            await self._standing.move_on(step.index, error)
            return False
        except Unauthorised:
            raise
        except Rejected as error:
            self._muted = self._standing.plain
            self._standing.plain = True
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
        await self._settling(wanted)
        await self._line.lull.give_way()
        return self._standing.unwritten
