"""Long polling in a loop of our own.

The library's Updater puts updates into a queue in memory, and its next request acknowledges
them: what the process has not worked off when it dies is lost. Here the offset moves after the
commit, and the next request is the acknowledgement.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from adapters.telegram.bots import JSONDict, RawBot, make_bot
from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.normalise import KINDS
from adapters.telegram.receive import Intake
from adapters.telegram.settings import TelegramSettings
from bridge.adapter import Sink
from bridge.errors import BridgeError, Transient, Unreachable
from bridge.foreign import Json
from bridge.logs import get

log = get(__name__)

TIMEOUT = 50  # seconds a poll waits at the server
HANGS = 15.0  # seconds beyond that, after which a poll counts as hung
CONFLICT_WAITS = (5.0, 10.0, 20.0, 40.0, 60.0)  # seconds, when another program polls this bot
CALM = 60.0  # seconds without a conflict, after which the other program is believed gone
CONFLICT = "another program receives this bot's updates (409 Conflict); stop one of them"


class Poller:
    """Receives one bot's updates.

    Its requests have a bot of their own, made anew at each run, so that no broken connection
    outlives a restart by the supervisor.
    timeout, hangs: see the constants. clock: seconds, monotonic.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        intake: Intake,
        *,
        timeout: int = TIMEOUT,
        hangs: float = HANGS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._timeout = timeout
        self._hangs = hangs
        self._clock = clock
        self._trouble: str | None = "has not polled yet"
        self._returned_at = clock()
        self._conflicts = Conflicts()

    def trouble(self) -> str | None:
        """Why no poll returned lately, or who else polls; None while all is well."""
        now = self._clock()
        silent = now - self._returned_at
        if self._trouble is None and silent > self._timeout + self._hangs:
            return f"no poll has returned for {silent:.0f} s"
        return self._trouble or (CONFLICT if self._conflicts.are_recent(now) else None)

    async def run(self, sink: Sink) -> None:
        """Poll until cancelled. Raises `Transient` and `Unauthorised`; call it again then."""
        bot = make_bot(self._settings, connections=2)
        try:
            with as_bridge_errors():
                await bot.delete_webhook(drop_pending_updates=False)
            await self._poll(bot, sink)
        except BridgeError as error:
            told = self._paced(error)
            self._trouble = str(told)
            raise told from error
        finally:
            await bot.release()

    async def _poll(self, bot: RawBot, sink: Sink) -> None:
        # Without an offset at first: the server knows what is unconfirmed, and its ids are
        # drawn anew after a week of silence. What was committed before is dropped by its key.
        offset: int | None = None
        wait = 0  # at once, so that readiness does not take a minute to tell
        while True:
            updates = await self._updates(bot, offset, wait)
            if updates:
                await self._intake.take(updates, sink)
                offset = _after(updates)
            self._returned_at, self._trouble = self._clock(), None
            wait = self._timeout

    async def _updates(self, bot: RawBot, offset: int | None, wait: int) -> Sequence[JSONDict]:
        """One poll. Raises `Transient`, `Unauthorised`."""
        asked: JSONDict = {"timeout": wait, "limit": 100, "allowed_updates": list(KINDS)}
        if offset is not None:
            asked["offset"] = offset
        patience = wait + self._hangs
        try:
            async with asyncio.timeout(patience):
                with as_bridge_errors():
                    # The library gives up later than we do, so that a poll that hung has one name.
                    return await bot.raw_updates(asked, read_timeout=patience + 1)
        except TimeoutError as error:
            raise Unreachable(f"a poll hung for {patience:.0f} s") from error

    def _paced(self, error: BridgeError) -> BridgeError:
        """Two pollers would throw each other out for ever, if neither were patient."""
        if error.code != 409 or not isinstance(error, Transient):
            return error
        wait = self._conflicts.one_more(self._clock())
        return Unreachable(CONFLICT, code=409, retry_after=wait)


class Conflicts:
    """How often another program took our poll away. Times are seconds, monotonic."""

    def __init__(self) -> None:
        self._count = 0
        self._last: float | None = None

    def one_more(self, now: float) -> float:
        """Note one and return the seconds to wait.

        A poll that succeeds in between means nothing: it has only thrown out the other's.
        """
        patience = CALM + CONFLICT_WAITS[max(0, self._count - 1)]
        if self._last is None or now - self._last > patience:
            self._count = 0
        self._last = now
        self._count = min(self._count + 1, len(CONFLICT_WAITS))
        return CONFLICT_WAITS[self._count - 1]

    def are_recent(self, now: float) -> bool:
        """Whether the other program may still be there."""
        return self._last is not None and now - self._last < CALM


def _after(updates: Sequence[Json]) -> int:
    """The offset that acknowledges all of these. Raises `Unreachable` if they have no ids."""
    ids = [update_id for update in updates if isinstance(update_id := update.get("update_id"), int)]
    if not ids:
        raise Unreachable("the server sent updates without ids")
    return ids[-1] + 1
