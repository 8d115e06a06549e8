"""From pages to messages: where each turn's answer is shown, and by which adapter."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bridge.adapter import Adapter, Outgoing
from bridge.events import ChatRef, Enclosure
from bridge.flow.pacing import Pacing
from bridge.flow.together import Together
from bridge.line import Line
from bridge.screen import Screen, Settling, Standing
from bridge.store.outbox import Pages
from bridge.store.turns import Turn
from bridge.verbs import verbs


class Outbox:
    """Everything that is sent goes through here, so that each chat keeps its pace.

    guard, outgoing: see `Line`; the guard raises where this process must not speak any more.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something that sending needs
        self,
        adapters: Mapping[str, Adapter],
        pages: Pages,
        *,
        pacer: Pacing,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        guard: Callable[[], None] = lambda: None,
        outgoing: Callable[[ChatRef, Enclosure], Outgoing] | None = None,
    ) -> None:
        self._verbs = {account: verbs(adapter) for account, adapter in adapters.items()}
        self._pages = pages
        self._pacer = pacer
        self._now = now
        self._sleep = sleep
        self._guard = guard
        self._outgoing = outgoing
        self._together = Together()

    async def screen(self, turn: Turn) -> Screen:
        """The screen of a turn, with what an earlier run left on it."""
        stored = [] if turn.is_first_run else await self._pages.of(turn)
        line = self._line(turn.event.chat)
        standing = Standing(turn, line, self._pages, stored, now=self._now, sleep=self._sleep)
        settling = Settling(turn, line, self._pages, standing, self._sleep)
        return Screen(turn, line, standing, settling, self._sleep)

    async def show_typing(self, chat: ChatRef) -> None:
        """Give a sign of life at once; never raises."""
        await self._line(chat).typing()

    def _line(self, chat: ChatRef) -> Line:
        its = self._verbs[chat.account]
        return Line(its, chat, self._pacer, self._guard, self._outgoing, self._together)
