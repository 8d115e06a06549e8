"""What a trace is made of: a turn, its parts, and where they are told of."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int | bool


@dataclass(frozen=True, slots=True)
class Traced:
    """A turn, as far as its trace goes. at: when it was accepted."""

    turn: int
    at: datetime


class Span(Protocol):
    """A part of a turn that takes time."""

    def event(self, name: str) -> None:
        """Note that something happened now."""

    def note(self, **values: Value) -> None:
        """Add to what is told of it."""

    def failed(self, error: str) -> None:
        """It did not end well. error: the name of its class."""


class Tracer(Protocol):
    """Where spans go."""

    def at_work(self, turn: Traced) -> AbstractContextManager[None]:
        """Let spans of this context be parts of the turn."""

    def span(self, name: str, values: Mapping[str, Value]) -> AbstractContextManager[Span]:
        """Time a part of the turn at work; what raises inside is noted by its class."""

    def past(self, turn: Traced, name: str, began: datetime, values: Mapping[str, Value]) -> None:
        """Tell of a part that ends now. began: aware."""

    def ended(self, turn: Traced, values: Mapping[str, Value]) -> None:
        """Tell of the turn as a whole, which ends now."""

    def close(self) -> None:
        """Send the rest; may take long."""
