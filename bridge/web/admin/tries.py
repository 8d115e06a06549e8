"""How often somebody may guess."""

from collections import deque
from collections.abc import Callable

MINUTE = 60.0  # seconds
OF_ONE = 5  # wrong guesses a minute from one address
OF_ALL = 30  # from everywhere; so no more addresses than that are kept in mind


class Tries:
    """Counts wrong guesses of the last minute. What is right costs nothing, but has to wait, too.

    Each replica counts for itself. Behind a proxy everybody has the same address.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._wrong: deque[tuple[float, str]] = deque()

    def wait(self, address: str) -> float:
        """Seconds until this address may guess again; 0 for now."""
        now = self._monotonic()
        while self._wrong and self._wrong[0][0] <= now - MINUTE:
            self._wrong.popleft()
        own = [at for at, whose in self._wrong if whose == address]
        if len(own) >= OF_ONE:
            return own[-OF_ONE] + MINUTE - now
        if len(self._wrong) >= OF_ALL:
            return self._wrong[0][0] + MINUTE - now
        return 0.0

    def wrong(self, address: str) -> None:
        """Note a wrong guess."""
        self._wrong.append((self._monotonic(), address))
