"""Answers what is for the bridge and not for an agent, by the kind of the turn."""

from dataclasses import dataclass
from typing import assert_never

from bridge.admin import Admin
from bridge.guests import Guests
from bridge.notices import Notice
from bridge.phrases import Phrase
from bridge.speaking import says
from bridge.store.turns import Turn, TurnKind
from bridge.text.reply import Reply


@dataclass(frozen=True)
class Porter:
    """Raises `Unreachable` (database)."""

    guests: Guests
    admin: Admin

    async def answer(self, turn: Turn) -> Reply:
        """Say what such a turn is for."""
        match turn.kind:
            case TurnKind.BUSY:
                return says(turn, Phrase.BUSY)
            case TurnKind.STRANGER:
                return await self.guests.greet(turn.event)
            case TurnKind.PAUSED:
                return says(turn, Notice.PAUSED)
            case TurnKind.ADMIN:
                return await self.admin.obey(turn)
            case TurnKind.NEWS:
                return await self.admin.news(turn)
            case TurnKind.MESSAGE:
                raise ValueError("a message is for the agent")
            case _:
                assert_never(turn.kind)
