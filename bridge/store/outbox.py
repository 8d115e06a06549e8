"""Pages on their way: wanted ─> sending ─> posted(message id) ─> settled / dead.

A page that still streams has a row only once it was posted; its text is never stored. From
then on it is only edited, so whatever dies in between, it does not appear twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from bridge.adapter import Around
from bridge.events import Page
from bridge.lanes import lanes_of_chat
from bridge.store.answers import settle
from bridge.store.around import around
from bridge.store.codec import PAGE
from bridge.store.fence import holds_fence
from bridge.store.run import Store
from bridge.store.tables import outbox, turns
from bridge.store.turns import Settled, Turn
from bridge.store.upsert import change, put


class PageState(StrEnum):
    """Where a page is."""

    WANTED = "wanted"
    SENDING = "sending"
    POSTED = "posted"
    SETTLED = "settled"
    DEAD = "dead"


MARGIN = timedelta(minutes=1)
"""How far a platform's clock and ours may be apart."""

_OF = select(outbox).where(outbox.c.turn == bindparam("turn")).order_by(outbox.c.page)


@dataclass(frozen=True, slots=True)
class StoredPage:
    """page: None while it only streams; message_id: None before it was posted."""

    number: int
    state: PageState
    page: Page | None
    message_id: str | None


class Pages:
    """The pages of turns. Raises `Unreachable` (database), `Fenced`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, turn: Turn) -> list[StoredPage]:
        """In order of their numbers."""

        def job(connection: Connection) -> list[StoredPage]:
            return [
                StoredPage(
                    row.page,
                    PageState(row.state),
                    PAGE.load(row.content) if row.content else None,
                    row.message_id,
                )
                for row in connection.execute(_OF, {"turn": turn.id})
            ]

        return await self._store.read(job)

    async def known_since(self, turn: Turn) -> frozenset[str]:
        """The messages of ours in the turn's chat that may be younger than its question.

        It may have been written long before it reached us, and answers ended in between.
        """
        chat = turn.event.chat
        lanes = lanes_of_chat(chat.platform, chat.account, chat.chat)
        asked = min(turn.created_at, turn.event.sent_at) - MARGIN

        def job(connection: Connection) -> frozenset[str]:
            statement = (
                select(outbox.c.message_id)
                .join(turns, turns.c.id == outbox.c.turn)
                .where(turns.c.lane.startswith(lanes, autoescape=True))
                .where(or_(turns.c.ended_at.is_(None), turns.c.ended_at >= asked))
                .where(outbox.c.message_id.is_not(None))
            )
            return frozenset(connection.execute(statement).scalars())

        return await self._store.read(job)

    async def around(self, turn: Turn) -> Around:
        """What is stored around the turn's question."""
        return await self._store.read(around(turn))

    async def posted(self, turn: Turn, number: int, message_id: str) -> None:
        """The page is on the platform under this id."""
        await self._put(turn, number, state=PageState.POSTED, message_id=message_id)

    async def lost(self, turn: Turn, number: int) -> None:
        """The message was deleted: the page is to be posted anew."""
        await self._put(turn, number, state=PageState.WANTED, message_id=None)

    async def sending(self, turn: Turn, number: int) -> None:
        """The page may be on the platform from now on, under an id we do not know yet."""
        await self._set(turn, number, state=PageState.SENDING)

    async def settled(self, turn: Turn, pages: Sequence[Settled]) -> None:
        """These pages show their final content."""

        def job(connection: Connection) -> None:
            holds_fence(connection, turn)
            settle(connection, [(turn, page) for page in pages])

        await self._store.write(job)

    async def dead(self, turn: Turn, number: int, error: str) -> None:
        """The page will never be shown; the operator finds the reason here."""
        await self._set(turn, number, state=PageState.DEAD, error=error)

    async def _put(self, turn: Turn, number: int, **values: Any) -> None:
        def job(connection: Connection) -> None:
            holds_fence(connection, turn)
            put(connection, outbox, turn=turn.id, page=number, **values)

        await self._store.write(job)

    async def _set(self, turn: Turn, number: int, **values: Any) -> None:
        def job(connection: Connection) -> None:
            holds_fence(connection, turn)
            change(connection, outbox, {"turn": turn.id, "page": number}, **values)

        await self._store.write(job)
