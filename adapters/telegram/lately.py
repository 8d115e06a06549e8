"""What was lately, up to a number; the oldest is forgotten first."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Lately(Generic[T]):
    """A memory by name. most: how many names it holds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[str, T] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def put(self, name: str, value: T) -> None:
        """Remember it as the newest."""
        self._kept.pop(name, None)
        self._kept[name] = value
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def get(self, name: str, otherwise: T) -> T:
        """What is remembered under a name."""
        return self._kept.get(name, otherwise)

    def drop(self, name: str) -> None:
        """Forget it, if it is known."""
        self._kept.pop(name, None)
