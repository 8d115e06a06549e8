"""The log of every call, with times a benchmark can subtract."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Id: TypeAlias = int | str  # of a chat or a message, as the platform has them


@dataclass(slots=True)
class Call:
    """One call. Times are seconds of `time.monotonic`; answered is None while it runs.

    status: of HTTP, 0 if the connection was dropped. message: the id that was sent or edited.
    place: what shares a budget with the chat (the workspace), where there is such a thing.
    """

    number: int
    method: str
    at: float
    chat: Id | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    status: int | None = None
    answered: float | None = None
    description: str = ""
    retry_after: int | None = None
    message: Id | None = None
    place: str = ""

    @property
    def refused(self) -> bool:
        """Whether it was one call too many."""
        return self.status == 429


class Journal:
    """Every call, in the order of arrival; counted by method and by (method, chat)."""

    def __init__(self, now: Callable[[], float], *, keep: bool = True) -> None:
        self._now = now
        self._keep = keep
        self.entries: list[Call] = []
        self.calls: Counter[str] = Counter()
        self.refusals: Counter[tuple[str, Id | None]] = Counter()
        self.by_chat: Counter[tuple[str, Id | None]] = Counter()
        self._number = 0

    def begin(self, method: str) -> Call:
        self._number += 1
        self.calls[method] += 1
        call = Call(self._number, method, self._now())
        if self._keep:
            self.entries.append(call)
        return call

    def end(self, call: Call, status: int, description: str = "") -> None:
        call.answered = self._now()
        call.status = status
        call.description = description
        self.by_chat[call.method, call.chat] += 1
        if call.refused:
            self.refusals[call.method, call.chat] += 1

    def of(self, *methods: str, chat: Id | None = None) -> list[Call]:
        """The calls of these methods (any if none is named), in a chat or anywhere."""
        return [
            call
            for call in self.entries
            if (not methods or call.method in methods) and chat in (None, call.chat)
        ]

    @property
    def refused_share(self) -> float:
        """How much of everything was answered 429, from 0 to 1."""
        return self.refusals.total() / max(self.calls.total(), 1)
