"""Something remembered for a while, and never too much of it."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lately(Generic[K, V]):
    """Entries in the order they were put; each is forgotten after `seconds`.

    most: where there are more, the oldest goes. clock: seconds, monotonic.
    """

    def __init__(
        self,
        seconds: float,
        *,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._entries: dict[K, tuple[float, V]] = {}

    def put(self, key: K, value: V) -> None:
        """Remember from now on, also what was known before."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock(), value)
        self._forget()

    def get(self, key: K) -> V | None:
        self._forget()
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def pop(self, key: K) -> V | None:
        """Return it, and forget it at once."""
        value = self.get(key)
        self._entries.pop(key, None)
        return value

    def __contains__(self, key: K) -> bool:
        self._forget()
        return key in self._entries

    def __len__(self) -> int:
        self._forget()
        return len(self._entries)

    def values(self) -> list[V]:
        self._forget()
        return [value for _, value in self._entries.values()]

    def _forget(self) -> None:
        expired = self._clock() - self._seconds
        while self._entries:
            oldest = next(iter(self._entries))
            if len(self._entries) <= self._most and self._entries[oldest][0] > expired:
                return
            del self._entries[oldest]
