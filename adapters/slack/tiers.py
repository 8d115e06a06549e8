"""How often each of Slack's methods may be called in a workspace, and what of it is left.

https://docs.slack.dev/apis/web-api/rate-limits: tier 2 is 20 calls a minute, tier 3 is 50 and
tier 4 is 100, by method, workspace and app. `chat.postMessage` counts by channel instead.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bridge.errors import RateLimited
from bridge.limits import EDITS, Quota

START = "chat.startStream"
APPEND = "chat.appendStream"
STOP = "chat.stopStream"
POST = "chat.postMessage"
UPDATE = "chat.update"
DELETE = "chat.delete"
REPLIES = "conversations.replies"
HISTORY = "conversations.history"
SESSION = "agents.sessions.setStatus"
STATUS = "assistant.threads.setStatus"
UPLOAD = "files.getUploadURLExternal"
SHARE = "files.completeUploadExternal"
FILE_INFO = "files.info"
FILE_DELETE = "files.delete"
OPEN_VIEW = "views.open"

MINUTE = 60.0
RESERVE = 1  # calls kept: Slack's minute is not ours to the millisecond
PER_MINUTE = {
    START: 20,
    STOP: 20,
    APPEND: 100,
    UPDATE: 50,
    DELETE: 50,
    REPLIES: 50,
    HISTORY: 50,
    SESSION: 50,
    UPLOAD: 100,
    SHARE: 100,
    FILE_INFO: 100,
    FILE_DELETE: 50,
    OPEN_VIEW: 100,
}


@dataclass(slots=True)
class _Used:
    """underway: calls not answered yet; answered: when the others were, oldest first."""

    underway: int = 0
    answered: deque[float] = field(default_factory=deque)
    held_until: float = -math.inf


class Tiers:
    """What was used up, by workspace and method. clock: seconds, monotonic."""

    def __init__(self, account: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._used: dict[tuple[str, str], _Used] = {}

    def quota(self, team: str, method: str, *, edits: float = EDITS) -> Quota:
        """The method's budget, as the core's pacing wants it."""
        calls = PER_MINUTE[method] - RESERVE
        return Quota((self._account, team, method), calls, MINUTE, edits)

    def spare(self, team: str, method: str) -> int:
        """How many calls are left in this minute; none while a Retry-After lasts."""
        used = self._used.get((team, method))
        if used is None:
            return PER_MINUTE[method] - RESERVE
        now = self._clock()
        if used.held_until > now:
            return 0
        _forget(used, now)
        return PER_MINUTE[method] - RESERVE - used.underway - len(used.answered)

    @contextmanager
    def counted(self, place: str, method: str) -> Iterator[None]:
        """Count the call inside, and heed what Slack says about the next one.

        place: the workspace, or the channel of a post. Raises `RateLimited` before the call
        where the time that Slack told has not passed: other threads share the budget.
        """
        now = self._clock()
        used = self._used.setdefault((place, method), _Used())
        if used.held_until > now:
            wait = used.held_until - now
            raise RateLimited(f"{method} has to wait", code="ratelimited", retry_after=wait)
        used.underway += 1
        try:
            yield
        except RateLimited as error:
            used.held_until = self._clock() + (error.retry_after or 0.0)
            raise
        finally:
            self._answered(used)

    def _answered(self, used: _Used) -> None:
        now = self._clock()
        used.underway -= 1
        used.answered.append(now)
        _forget(used, now)
        if len(self._used) > _MANY:
            self._used = {key: it for key, it in self._used.items() if not _is_idle(it, now)}


_MANY = 5_000  # places and methods, before those that went quiet are looked for


def _forget(used: _Used, now: float) -> None:
    while used.answered and used.answered[0] <= now - MINUTE:
        used.answered.popleft()


def _is_idle(used: _Used, now: float) -> bool:
    _forget(used, now)
    return not used.underway and not used.answered and used.held_until <= now
