"""Long polling in a loop of our own.

The library's Updater puts updates into a queue in memory, and its next request acknowledges
them: what the process has not worked off when it dies is lost. Here the offset moves after the
commit, and the next request is the acknowledgement.
"""

import asyncio
import time
from collections.abc import Sequence

from adapters.telegram.bots import JSONDict, PollingBot, make_bot
from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.normalise import KINDS
from adapters.telegram.receive import Intake
from adapters.telegram.settings import TelegramSettings
from bridge.adapter import Sink
from bridge.errors import BridgeError, Transient, Unreachable
from bridge.logs import get

log = get(__name__)

TIMEOUT = 50  # seconds a poll waits at the server
HANGS = 15.0  # seconds beyond that, after which a poll counts as hung
CONFLICT_WAITS = (5.0, 10.0, 20.0, 40.0, 60.0)  # seconds, when another program polls this bot


class Poller:
    """Receives one bot's updates.

    Its requests have a bot of their own, made anew at each run, so that no broken connection
    outlives a restart by the supervisor.
    """

    def __init__(self, settings: TelegramSettings, intake: Intake) -> None:
        self._settings = settings
        self._intake = intake
        self._trouble: str | None = "has not polled yet"
        self._returned_at = time.monotonic()
        self._conflicts = 0

    def trouble(self) -> str | None:
        """Why no poll returned lately; None while they do."""
        silent = time.monotonic() - self._returned_at
        if self._trouble is None and silent > TIMEOUT + HANGS:
            return f"no poll has returned for {silent:.0f} s"
        return self._trouble

    async def run(self, sink: Sink) -> None:
        """Poll until cancelled. Raises `Transient` and `Unauthorised`; call it again then."""
        bot = make_bot(self._settings, connections=2)
        try:
            with as_bridge_errors():
                await bot.initialize()
                await bot.delete_webhook(drop_pending_updates=False)
            await self._poll(bot, sink)
        except BridgeError as error:
            self._trouble = str(error)
            raise self._paced(error) from error
        finally:
            with as_bridge_errors():
                await bot.shutdown()

    async def _poll(self, bot: PollingBot, sink: Sink) -> None:
        # Without an offset at first: the server knows what is unconfirmed, and its ids are
        # drawn anew after a week of silence. What was committed before is dropped by its key.
        offset: int | None = None
        wait = 0  # at once, so that readiness does not take a minute to tell
        while True:
            updates = await self._updates(bot, offset, wait)
            self._returned_at, self._trouble, self._conflicts = time.monotonic(), None, 0
            if updates:
                await self._intake.take(updates, sink)
                offset = int(updates[-1]["update_id"]) + 1
            wait = TIMEOUT

    async def _updates(self, bot: PollingBot, offset: int | None, wait: int) -> Sequence[JSONDict]:
        """One poll. Raises `Transient`, `Unauthorised`."""
        asked: JSONDict = {"timeout": wait, "limit": 100, "allowed_updates": list(KINDS)}
        if offset is not None:
            asked["offset"] = offset
        try:
            async with asyncio.timeout(wait + HANGS):
                with as_bridge_errors():
                    return await bot.raw_updates(asked, read_timeout=wait + HANGS)
        except TimeoutError as error:
            raise Unreachable(f"a poll hung for {wait + HANGS:.0f} s") from error

    def _paced(self, error: BridgeError) -> BridgeError:
        """Two pollers would throw each other out for ever, if neither were patient."""
        if error.code != 409 or not isinstance(error, Transient):
            return error
        wait = CONFLICT_WAITS[min(self._conflicts, len(CONFLICT_WAITS) - 1)]
        self._conflicts += 1
        told = "another program receives this bot's updates (409 Conflict); stop one of them"
        return Unreachable(told, code=409, retry_after=wait)
