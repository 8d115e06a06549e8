"""Presses of inline buttons, and how long an answer to one is accepted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.telegram.emulator.errors import QUERY_TOO_OLD
from tests.telegram.emulator.model import Message

if TYPE_CHECKING:
    from tests.telegram.emulator.emulator import Emulator
    from tests.telegram.emulator.people import Person

ANSWERABLE = 60.0  # seconds; nobody published the exact time


@dataclass(slots=True)
class Press:
    """A press. answered: seconds of `time.monotonic`; text: what the person was told."""

    id: str
    message: Message
    data: str
    by: "Person"
    date: float
    at: float
    answered: float | None = None
    text: str = ""
    alert: bool = False


class Callbacks:
    """Every press, by the id of its query."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self.all: dict[str, Press] = {}

    def press(self, message: Message, data: str, by: "Person") -> str:
        emulator = self._emulator
        query_id = str(4_000_000_000_000_000 + len(self.all) + 1)
        date, at = emulator.clock(), emulator.now()
        self.all[query_id] = Press(query_id, message, data, by, date, at)
        message.chat.tell(
            "callback_query",
            {
                "id": query_id,
                "from": by.shown(),
                "message": message.shown(),
                "chat_instance": str(message.chat.id),
                "data": data,
            },
        )
        emulator.changed()
        return query_id

    def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        """Raises `Refused` for a query that is unknown or too old."""
        press = self.all.get(query_id)
        if press is None or self._emulator.clock() - press.date > ANSWERABLE:
            raise QUERY_TOO_OLD
        press.answered = self._emulator.now()
        press.text, press.alert = text, alert
        self._emulator.changed()
