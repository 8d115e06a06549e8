"""What both ways of receiving share: an update is committed, and only then acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from telegram import Bot

from adapters.telegram.addressed import Me
from adapters.telegram.faults import NotModified, as_bridge_errors
from adapters.telegram.keyboard import too_old
from adapters.telegram.normalise import ChatMoved, Heard, Stale, Understood, understood
from bridge.adapter import Sink
from bridge.errors import BridgeError
from bridge.foreign import Json
from bridge.logs import get

log = get(__name__)

LAST_WORDS = 2.0  # seconds for answers under way when the bot is closed


class Intake:
    """Updates in, events out.

    moved: told when a group became a supergroup, before anything of the new one is heard.
    last_words: see `LAST_WORDS`.
    """

    def __init__(
        self,
        bot: Bot,
        me: Me,
        account: str,
        moved: Callable[[str, str], Awaitable[None]],
        *,
        last_words: float = LAST_WORDS,
    ) -> None:
        self._bot = bot
        self._me = me
        self._account = account
        self._moved = moved
        self._last_words = last_words
        self._answers: set[asyncio.Task[None]] = set()

    async def take(self, updates: Sequence[Json], sink: Sink) -> None:
        """Commit updates in their order. Raises `Transient`: then acknowledge none of them."""
        heard: list[Heard] = []
        for update in updates:
            match self._understood(update):
                case Heard() as message:
                    heard.append(message)
                case ChatMoved(old, new):
                    await self._commit(heard, sink)
                    heard = []
                    await self._moved(old, new)
                case Stale(query_id, language):
                    self._answer(query_id, too_old(language))
        await self._commit(heard, sink)

    def _understood(self, update: Json) -> Understood | None:
        try:
            return understood(update, self._me, self._account)
        except Exception:
            log.exception("update.malformed", account=self._account, id=update.get("update_id"))
            return None

    async def _commit(self, heard: Sequence[Heard], sink: Sink) -> None:
        """All at once, so that they share a commit; tasks begin, and so queue, in order."""
        results = await asyncio.gather(
            *(sink(message.event) for message in heard), return_exceptions=True
        )
        if failed := next((error for error in results if error is not None), None):
            raise failed
        for message in heard:
            if message.query_id:
                self._answer(message.query_id)

    def _answer(self, query_id: str, told: str = "") -> None:
        """Stop the button's spinner; nobody waits for it, and an old query cannot be answered."""
        task = asyncio.create_task(self._answer_query(query_id, told), name="answer query")
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer_query(self, query_id: str, told: str) -> None:
        try:
            with as_bridge_errors():
                await self._bot.answer_callback_query(query_id, told or None)
        except (BridgeError, NotModified) as error:
            log.debug("press.not_answered", account=self._account, error=str(error))

    async def close(self) -> None:
        """Wait a little for the answers that are under way; a spinner ends by itself."""
        if under_way := set(self._answers):
            _, late = await asyncio.wait(under_way, timeout=self._last_words)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
