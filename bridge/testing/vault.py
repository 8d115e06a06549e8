"""A vault without a database."""

from collections.abc import Callable
from datetime import UTC, datetime

from bridge.errors import Unreachable


def _utcnow() -> datetime:
    return datetime.now(UTC)


class MemoryVault:
    """`bridge.lent.Vault` in memory.

    failing: while true every call raises `Unreachable`, like a database that does not answer.
    """

    def __init__(self, now: Callable[[], datetime] = _utcnow) -> None:
        self.failing = False
        self._now = now
        self._values: dict[str, tuple[str, datetime | None]] = {}

    async def put(self, name: str, value: str, *, expires: datetime | None = None) -> None:
        self._answer()
        self._values[name] = (value, expires)

    async def get(self, name: str) -> str | None:
        self._answer()
        value, _ = self._values.get(name, (None, None))
        return value

    async def take(self, name: str) -> str | None:
        self._answer()
        value, _ = self._values.pop(name, (None, None))
        return value

    async def remove(self, name: str) -> None:
        self._answer()
        self._values.pop(name, None)

    async def names(self, prefix: str) -> list[str]:
        self._answer()
        return sorted(name for name in self._values if name.startswith(prefix))

    def _answer(self) -> None:
        if self.failing:
            raise Unreachable("the database does not answer")
        now = self._now()
        self._values = {
            name: (value, expires)
            for name, (value, expires) in self._values.items()
            if expires is None or expires > now
        }
