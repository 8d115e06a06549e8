"""Calls that nobody waits for: they tidy up around a conversation, which goes on without them.

They do not go through the outbox, whose pace leaves a little room for them: one call a second,
and one a minute in a group.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from adapters.telegram.bots import RawBot
from adapters.telegram.faults import NotModified, as_bridge_errors
from adapters.telegram.keyboard import Rows
from adapters.telegram.lately import Lately
from adapters.telegram.raw import number
from bridge.errors import BridgeError, RateLimited
from bridge.events import ChatKind, ChatRef, Inbound
from bridge.logs import get

log = get(__name__)

LAST_WORDS = 2.0  # seconds for calls under way when the bot is closed
SPARE = 1.0  # seconds between two changes of buttons that a bot makes, and in a private chat
SPARE_IN_GROUP = 60.0  # likewise, in a group
AT_ONCE = 20  # calls under way; what is beyond is left out, for answers share the connections
_REMEMBERED = 10_000  # chats


class Asides:
    """Of one bot. last_words: see `LAST_WORDS`. clock: seconds, monotonic."""

    def __init__(
        self,
        bot: RawBot,
        account: str,
        *,
        last_words: float = LAST_WORDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._account = account
        self._last_words = last_words
        self._clock = clock
        self._calls: set[asyncio.Task[None]] = set()
        self._changed: Lately[float] = Lately(_REMEMBERED)  # when, by chat
        self._changed_at = float("-inf")
        self._quiet_until = float("-inf")
        self._keyboards: Lately[None] = Lately(_REMEMBERED)  # chats that may show one of ours

    def answer(self, query_id: str, told: str = "") -> None:
        """Stop a button's spinner; a query that is too old cannot be answered any more."""

        async def call() -> None:
            await self._bot.answer_callback_query(query_id, told or None)

        self._begin("press", call)

    def leave(self, event: Inbound, rows: Rows) -> None:
        """Show what a press has left of the buttons of a message, if there is room for a call."""
        if not self._may_change(event.chat):
            return

        async def call() -> None:
            await self._bot.call(
                "editMessageReplyMarkup",
                chat_id=int(event.chat.chat),
                message_id=int(event.about),
                business_connection_id=event.chat.via or None,
                reply_markup={"inline_keyboard": rows},
            )

        self._begin("buttons", call)

    def keyboard_shown(self, chat: ChatRef) -> None:
        """Remember that somebody has keys of ours in place of their letters."""
        self._keyboards.put(chat.chat, None)

    def heard(self, event: Inbound) -> None:
        """Take such keys away, whatever it was that somebody answered.

        It takes a message to do so, which is removed at once; the keys stay away.
        """
        chat = event.chat
        if event.pressed or chat.via or chat.chat not in self._keyboards:
            return

        async def call() -> None:
            message = await self._bot.call(
                "sendMessage",
                chat_id=int(chat.chat),
                message_thread_id=int(chat.thread) if chat.thread else None,
                text="✓",
                disable_notification=True,
                reply_markup={"remove_keyboard": True},
            )
            await self._bot.delete_message(int(chat.chat), number(message.get("message_id")))

        if self._begin("keyboard", call):
            self._keyboards.drop(chat.chat)

    def _may_change(self, chat: ChatRef) -> bool:
        now = self._clock()
        pause = SPARE if chat.kind is ChatKind.PRIVATE else SPARE_IN_GROUP
        before = self._changed.get(chat.chat, float("-inf"))
        if now < max(self._quiet_until, self._changed_at + SPARE, before + pause):
            return False
        self._changed_at = now
        self._changed.put(chat.chat, now)
        return True

    def _begin(self, what: str, call: Callable[[], Awaitable[None]]) -> bool:
        """Call, unless so many are under way, or Telegram has asked for patience."""
        if len(self._calls) >= AT_ONCE or self._clock() < self._quiet_until:
            return False
        task = asyncio.create_task(self._try(what, call), name=what)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return True

    async def _try(self, what: str, call: Callable[[], Awaitable[None]]) -> None:
        try:
            with as_bridge_errors():
                await call()
        except RateLimited as error:
            self._quiet_until = self._clock() + (error.retry_after or SPARE_IN_GROUP)
        except (BridgeError, NotModified) as error:
            log.debug("aside.failed", account=self._account, what=what, error=str(error))

    async def close(self) -> None:
        """Wait a little for the calls that are under way; a spinner ends by itself."""
        if under_way := set(self._calls):
            _, late = await asyncio.wait(under_way, timeout=self._last_words)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
