"""The door: a message is committed, and only then acknowledged by whoever brought it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bridge.access import is_allowed
from bridge.clean import clean
from bridge.config import AccessSettings, Busy, SessionSettings
from bridge.events import Inbound
from bridge.lanes import express, lane_of
from bridge.logs import get
from bridge.metrics import MESSAGES
from bridge.store import Job, Store
from bridge.store.inbox import Accepted, accept
from bridge.words import command_in

log = get(__name__)


class Inbox:
    """The `Sink` of every adapter.

    wake: told the lane of each new message after its commit.
    interrupt: asked to stop what a lane is answering.
    """

    def __init__(
        self,
        store: Store,
        *,
        sessions: SessionSettings,
        access: AccessSettings,
        wake: Callable[[str], None],
        interrupt: Callable[[str], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._access = access
        self._wake = wake
        self._interrupt = interrupt
        self._now = now

    async def __call__(self, event: Inbound) -> None:
        """Commit `event`. Raises `Unreachable`: then it must not be acknowledged."""
        event = _storable(event)
        if not is_allowed(event, self._access.allow, self._access.deny):
            MESSAGES.labels(event.chat.platform, "denied").inc()
            log.info("message.denied", platform=event.chat.platform, user=event.user.id)
            return
        lane = lane_of(event, self._sessions.group_scope)
        accepted = await self._store.write(self._acceptance(event, lane))
        if accepted is None:
            MESSAGES.labels(event.chat.platform, "repeated").inc()
            return
        MESSAGES.labels(event.chat.platform, "accepted").inc()
        log.info("message.accepted", turn=accepted.id, lane=accepted.lane)
        if self._interrupts(event):
            self._interrupt(lane)
        self._wake(accepted.lane)

    def _acceptance(self, event: Inbound, lane: str) -> Job[Accepted | None]:
        command = command_in(event.text)
        if command and command.is_express:
            return accept(event, express(lane), self._now())
        window = self._sessions.merge_window if self._sessions.busy is Busy.REJECT else None
        return accept(event, lane, self._now(), merge_window=None if command else window)

    def _interrupts(self, event: Inbound) -> bool:
        command = command_in(event.text)
        if command is None:
            return self._sessions.busy is Busy.INTERRUPT
        # /stop answers whether there was anything to stop, so it interrupts when it is obeyed.
        return command.interrupts and not command.is_express


def _storable(event: Inbound) -> Inbound:
    """Let nothing that people can choose keep a message out, or be refused for ever after."""
    user = replace(
        event.user,
        name=clean(event.user.name),
        first_name=clean(event.user.first_name),
        username=clean(event.user.username),
    )
    attachments = tuple(replace(each, name=clean(each.name)) for each in event.attachments)
    text, title = clean(event.text), clean(event.title)
    return replace(event, text=text, title=title, user=user, attachments=attachments)
