"""What a press changes in Slack itself: its row goes, and whoever found fault may say why.

Nobody waits for either, and where Slack refuses, all stays as it was.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

from adapters.slack.blocks import Block, updated
from adapters.slack.calls import Calls
from adapters.slack.lately import Lately
from adapters.slack.place import spot
from adapters.slack.rating import Rating
from adapters.slack.tiers import OPEN_VIEW, UPDATE
from adapters.slack.ways import Ways
from adapters.slack.why import About, dialogue
from bridge.errors import BridgeError
from bridge.events import ChatRef, MessageRef, Page
from bridge.foreign import Json
from bridge.logs import get

log = get(__name__)

_OFFERED = 86_400.0  # seconds for which it is remembered what stands beside a row
_PAGES = 500  # of them
AT_ONCE = 50  # calls under way; what is beyond is left out


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press below a message of ours.

    offered: it was a question, which is not offered any longer.
    left: what the message shows without the row that was pressed, as Slack has it; empty if that
    cannot be told. fallback: its text for notifications.
    trigger: what opens a dialogue; empty for none.
    """

    message: str
    offered: bool = False
    left: Sequence[Json] = ()
    fallback: str = ""
    trigger: str = ""


class Afterwards:
    """Of one account."""

    def __init__(
        self, calls: Calls, ways: Ways, rating: Rating, clock: Callable[[], float]
    ) -> None:
        self._calls = calls
        self._ways = ways
        self._rating = rating
        self._pages: Lately[tuple[str, str], Page] = Lately(_OFFERED, most=_PAGES, clock=clock)
        self._tasks: set[asyncio.Task[None]] = set()

    def shows(self, message: MessageRef, page: Page) -> None:
        """A message of ours shows this, or is about to."""
        key = (message.chat.chat, message.id)
        if page.final and page.buttons and not page.plain:
            self._pages.put(key, page)
        else:
            self._pages.pop(key)

    def pressed(self, chat: ChatRef, press: Pressed, language: str) -> None:
        """See to it, without being waited for."""
        page = self._pages.pop((chat.chat, press.message)) if press.offered else None
        if (page or (press.offered and press.left)) and self._ways.may_preview(chat):
            self._soon(self._take_row(chat, press, page))
        if press.trigger:
            self._soon(self._ask_why(chat, press, language))

    async def _take_row(self, chat: ChatRef, press: Pressed, page: Page | None) -> None:
        there = spot(chat)
        left: Block = {"blocks": press.left, "text": press.fallback or None}
        if page is not None:
            page = replace(page, buttons=())
            left = updated(page, self._rating.below(chat, page))
        await self._calls.make(there, UPDATE, channel=there.channel, ts=press.message, **left)

    async def _ask_why(self, chat: ChatRef, press: Pressed, language: str) -> None:
        there = spot(chat)
        view = dialogue(About(there.team, there.channel, there.thread, press.message), language)
        await self._calls.make(there, OPEN_VIEW, trigger_id=press.trigger, view=view)

    def _soon(self, work: Coroutine[object, object, None]) -> None:
        if len(self._tasks) >= AT_ONCE:
            work.close()
            return
        task = asyncio.create_task(_quietly(work), name="afterwards")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave out what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _quietly(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except BridgeError as error:
        log.info("press.left_as_it_was", error=str(error))
