"""What a press changes in Slack itself: its row goes, and whoever found fault may say why.

Nobody waits for either, and where Slack refuses, all stays as it was.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from adapters.slack.calls import Calls
from adapters.slack.place import spot
from adapters.slack.tiers import OPEN_VIEW, UPDATE
from adapters.slack.ways import Ways
from adapters.slack.why import About, dialogue
from bridge.errors import BridgeError
from bridge.events import ChatRef
from bridge.foreign import Json
from bridge.logs import get

log = get(__name__)

AT_ONCE = 50  # calls under way; what is beyond is left out


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press below a message of ours.

    left: what the message shows without the row that was pressed; empty if the row is to stay.
    fallback: its text for notifications. trigger: what opens a dialogue; empty for none.
    """

    message: str
    left: Sequence[Json] = ()
    fallback: str = ""
    trigger: str = ""


class Afterwards:
    """Of one account."""

    def __init__(self, calls: Calls, ways: Ways) -> None:
        self._calls = calls
        self._ways = ways
        self._tasks: set[asyncio.Task[None]] = set()

    def pressed(self, chat: ChatRef, press: Pressed, language: str) -> None:
        """See to it, without being waited for."""
        if press.left and self._ways.may_preview(chat):
            self._soon(self._take_row(chat, press))
        if press.trigger:
            self._soon(self._ask_why(chat, press, language))

    async def _take_row(self, chat: ChatRef, press: Pressed) -> None:
        there = spot(chat)
        await self._calls.make(
            there,
            UPDATE,
            channel=there.channel,
            ts=press.message,
            blocks=press.left,
            text=press.fallback or None,
        )

    async def _ask_why(self, chat: ChatRef, press: Pressed, language: str) -> None:
        there = spot(chat)
        view = dialogue(About(there.channel, there.thread, press.message), language)
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
