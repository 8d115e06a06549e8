"""A question that was asked before, and is asked anew: /retry, and a message that was changed.

Its answer takes the place of the earlier one: the same messages are edited.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.config import Edited, SessionSettings
from bridge.events import Inbound
from bridge.store import Store
from bridge.store.anew import ask_again, take_place
from bridge.store.ledger import Ledger
from bridge.store.turns import Turn, TurnKind
from bridge.words import Word, command_in

_LONGEST_NUMBER = 18  # digits; a database's number has no more


@dataclass(frozen=True, slots=True)
class Anew:
    """Raises `Unreachable` (database), `Fenced`."""

    store: Store
    ledger: Ledger
    settings: SessionSettings

    async def of(self, turn: Turn) -> Turn:
        """Return the turn with the question that it asks anew; most turns as they are.

        What was found is in the ledger then, so a later run asks the same.
        """
        if turn.again is not None or not _asks_anew(turn):
            return await self._with_files(turn)
        earlier = await self._earlier(turn)
        if earlier is None or not self._is_meant(turn, earlier):
            return turn
        if turn.event.edits:
            first = await self._first(earlier)
            question = _edited(turn, first)
        else:
            first = await (self._with_files if _brings(earlier) else self._first)(earlier)
            question = earlier.text
        return _with_files_of(first, await self.store.write(ask_again(turn, first.id, question)))

    async def place_of(self, turn: Turn) -> Mapping[int, str]:
        """Let a turn have the messages of the earlier answer, by the numbers of their pages."""
        return await self.store.write(take_place(turn))

    async def _earlier(self, turn: Turn) -> Turn | None:
        """The question with the number that is named here, else the newest."""
        named = None if turn.event.edits else _number(turn)
        if named is None:
            return await self.ledger.earlier_question(turn.lane, before=turn.id)
        found = await self.ledger.find(named)
        return found if found and found.lane == turn.lane and found.is_question else None

    def _is_meant(self, turn: Turn, earlier: Turn) -> bool:
        """Tell whether an edit is of the newest question; a /retry always is."""
        wanted = turn.event.edits
        if not wanted:
            return True
        if self.settings.edited is not Edited.ASK:
            return False
        latest = turn.event.sent_at - timedelta(seconds=self.settings.edit_window)
        is_it = wanted in {earlier.event.edits, *(each.event_id for each in earlier.events)}
        return is_it and earlier.event.sent_at >= latest and _same_writer(turn, earlier)

    async def _first(self, turn: Turn) -> Turn:
        """The turn in which a question was first asked, with the files that came with it."""
        if turn.again is None:
            return turn
        first = await self.ledger.find(turn.again)
        return turn if first is None else await self._with_files(first)

    async def _with_files(self, turn: Turn) -> Turn:
        if turn.again is None:
            return turn
        return _with_files_of(await self._first(turn), turn)


def _asks_anew(turn: Turn) -> bool:
    if turn.kind is not TurnKind.MESSAGE:
        return False
    command = command_in(turn.event.text)
    return bool(turn.event.edits) or (command is not None and command.word is Word.RETRY)


def _number(turn: Turn) -> int | None:
    """The reference that stands behind a /retry, as in the button under an apology."""
    command = command_in(turn.event.text)
    digits = command.argument if command else ""
    if not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits) if len(digits) <= _LONGEST_NUMBER else 0  # which names nothing


def _same_writer(turn: Turn, earlier: Turn) -> bool:
    return turn.event.user.id == earlier.event.user.id


def _edited(turn: Turn, first: Turn) -> str:
    """The question with one of its parts in other words."""
    parts = [_in_its_place(turn.event, part) for part in first.events]
    return "\n".join(text for text in parts if text)


def _in_its_place(edit: Inbound, part: Inbound) -> str:
    return edit.text if part.event_id == edit.edits else part.text


def _with_files_of(first: Turn, turn: Turn) -> Turn:
    """The turn with what came with the question before, but for what it brings anew itself."""
    edits = turn.event.edits if turn.event.attachments else None
    others = [event for event in first.events if event.event_id != edits]
    brought = [replace(event, text="") for event in others if event.attachments or event.place]
    return replace(turn, events=(turn.event, *brought))


def _brings(turn: Turn) -> bool:
    """Tell whether a question that was asked anew came with files of its own."""
    return bool(turn.event.attachments)
