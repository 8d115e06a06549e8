"""The door: a message is committed, and only then acknowledged by whoever brought it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bridge import tracing
from bridge.clean import clean
from bridge.config import Busy, Edited, SessionSettings
from bridge.errors import Unreachable
from bridge.events import ALBUM_WINDOW, Inbound
from bridge.flow.rush import Rush
from bridge.guests import Guests, without_words
from bridge.lanes import express, lane_of
from bridge.logs import get
from bridge.metrics import MESSAGES
from bridge.pausing import Pausing
from bridge.store import Job, Store
from bridge.store.inbox import Accepted, accept, accept_if
from bridge.store.ledger import Beginning
from bridge.store.ratings import answer_of
from bridge.store.run import Transaction
from bridge.store.turns import Turn, TurnKind
from bridge.words import Word, command_in

log = get(__name__)


@dataclass(frozen=True, slots=True)
class Bells:
    """Whom to tell of messages, by the names of their lanes.

    wake: after its commit, with what `beginning` took. defer: in the transaction that accepts
        them, once for many.
    beginning: what may take a message in that transaction, by its lane.
    interrupt: to stop what the lane is answering; tells whether there was anything.
    """

    wake: Callable[[str, Turn | None], None]
    interrupt: Callable[[str], Awaitable[bool]]
    defer: Callable[[Transaction, Sequence[str]], None] | None = None
    beginning: Callable[[str], Awaitable[Beginning | None]] | None = None


class Inbox:
    """The `Sink` of every adapter.

    rush: told who comes in.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something that the door asks
        self,
        store: Store,
        *,
        sessions: SessionSettings,
        guests: Guests,
        pausing: Pausing,
        bells: Bells,
        now: Callable[[], datetime],
        rush: Rush | None = None,
    ) -> None:
        self._store = store
        self._rush = rush or Rush()
        self._sessions = sessions
        self._guests = guests
        self._pausing = pausing
        self._bells = bells
        self._now = now
        self._door = asyncio.Lock()

    async def __call__(self, event: Inbound) -> None:
        """Commit `event`. Raises `Unreachable`: then it must not be acknowledged."""
        event = _storable(event)
        # Adapters put many events at once: whoever has to look somebody up must not be overtaken.
        # A lock is taken in the order of the calls, and what follows it runs on to `write`.
        lane = lane_of(event, self._sessions.group_scope)
        async with self._door:
            is_welcome = await self._guests.may_talk(event)
            begin = await self._beginning(event, lane)
        if not is_welcome:
            await self._turn_away(event)
            return
        if event.edits and not self._asks_anew(event):
            MESSAGES.labels(event.chat.platform, "edited").inc()
            return
        began = self._now()
        with self._rush.entering():
            accepted = await self._store.write(self._acceptance(event, lane, begin), order=lane)
        if accepted is None:
            outcome = "passed_over" if _reacts(event) else "repeated"
            MESSAGES.labels(event.chat.platform, outcome).inc()
            return
        MESSAGES.labels(event.chat.platform, "accepted").inc()
        log.info("message.accepted", turn=accepted.id, lane=accepted.lane)
        tracing.past(accepted.traced, "receive", began, platform=event.chat.platform)
        if self._interrupts(event):
            await self._interrupted(lane)
        self._bells.wake(accepted.lane, accepted.begun)
        if command_in(event.text) is None and not self._guests.is_admins_word(event):
            await self._tell_if_paused(event, lane)

    async def _turn_away(self, event: Inbound) -> None:
        MESSAGES.labels(event.chat.platform, "denied").inc()
        log.info("message.denied", platform=event.chat.platform, user=event.user.id)
        if (knock := self._guests.knock(event)) is None:
            return
        lane = express(lane_of(event, self._sessions.group_scope))
        told = self._notice(without_words(event), lane, TurnKind.STRANGER)
        accepted = await self._store.write(accept_if(knock, told), order=lane)
        if accepted is not None:
            self._bells.wake(accepted.lane, None)

    async def _tell_if_paused(self, event: Inbound, lane: str) -> None:
        """Once in each pause to each person. The message is committed, so nothing may fail."""
        try:
            if (paused := await self._pausing.since()) is None:
                return
            key = f"paused/{paused.at.timestamp():.0f}/{event.user.id}"[:255]
            told = replace(without_words(event), event_id=key, edits="")
            lane = express(lane)
            if await self._store.write(self._notice(told, lane, TurnKind.PAUSED), order=lane):
                self._bells.wake(lane, None)
        except Unreachable as error:
            log.warning("pause.not_told", error=str(error))

    def _notice(self, event: Inbound, lane: str, kind: TurnKind) -> Job[Accepted | None]:
        return accept(event, lane, self._now(), kind=kind, also=self._bells.defer)

    async def _beginning(self, event: Inbound, lane: str) -> Beginning | None:
        """What may take it at once; not if something else has to be stopped before."""
        if self._bells.beginning is None or self._interrupts(event):
            return None
        return await self._bells.beginning(lane)

    def _acceptance(
        self, event: Inbound, lane: str, begin: Beginning | None
    ) -> Job[Accepted | None]:
        if self._guests.is_admins_word(event):
            return self._notice(event, express(lane), TurnKind.ADMIN)
        command = command_in(event.text)
        if command and command.is_express:
            told = self._notice(event, express(lane), TurnKind.MESSAGE)
            return accept_if(_is_answer(lane, event.about), told) if _reacts(event) else told
        window = self._sessions.merge_window if self._sessions.busy is Busy.REJECT else None
        if window is not None and event.album:
            window = max(window, ALBUM_WINDOW)
        window = None if command else window
        return accept(
            event, lane, self._now(), merge_window=window, also=self._bells.defer, begin=begin
        )

    async def _interrupted(self, lane: str) -> None:
        """The message is committed, so this must not make its platform deliver it again."""
        try:
            await self._bells.interrupt(lane)
        except Unreachable as error:
            log.warning("lane.not_interrupted", lane=lane, error=str(error))

    def _asks_anew(self, event: Inbound) -> bool:
        """Tell whether changed words may be a question; a command is obeyed when it is sent."""
        is_word = command_in(event.text) is not None or self._guests.is_admins_word(event)
        return self._sessions.edited is Edited.ASK and not is_word

    def _interrupts(self, event: Inbound) -> bool:
        command = command_in(event.text)
        if command is None:
            asks = not self._guests.is_admins_word(event)
            return asks and self._sessions.busy is Busy.INTERRUPT
        # /stop answers whether there was anything to stop, so it interrupts when it is obeyed.
        return command.interrupts and not command.is_express


def _reacts(event: Inbound) -> bool:
    """Tell whether it may be about anybody's message: platforms tell of every reaction.

    In a lively group that would be a turn each, and most of them about what others wrote.
    """
    command = command_in(event.text)
    is_opinion = command is not None and command.word is Word.FEEDBACK
    return is_opinion and event.pressed and bool(event.about)


def _is_answer(lane: str, message_id: str) -> Job[bool]:
    found = answer_of(lane, message_id)
    return lambda connection: found(connection) is not None


def _storable(event: Inbound) -> Inbound:
    """Let nothing that people can choose keep a message out, or be refused for ever after."""
    user = replace(
        event.user,
        name=clean(event.user.name),
        first_name=clean(event.user.first_name),
        username=clean(event.user.username),
    )
    attachments = tuple(
        replace(each, name=clean(each.name), mime=clean(each.mime)) for each in event.attachments
    )
    text, title = clean(event.text), clean(event.title)
    return replace(event, text=text, title=title, user=user, attachments=attachments)
