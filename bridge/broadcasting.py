"""`/admin broadcast`: everybody who was here lately hears of something, at the outbox's pace."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime

from bridge.config import GroupScope
from bridge.errors import Transient
from bridge.events import Inbound
from bridge.guests import Guests
from bridge.inbox import Bells
from bridge.lanes import express, lane_of
from bridge.logs import get
from bridge.store import Job, Store
from bridge.store.broadcasts import Broadcast, Window, give_out, sending, undelivered, window
from bridge.store.inbox import Accepted, accept
from bridge.store.turns import TurnKind

log = get(__name__)

AT_A_TIME = 20  # messages looked at in one step
MOST_UNDELIVERED = 40  # so that answers do not queue behind it: a platform takes 30 a second
REST = 1.0  # seconds between two steps


class Broadcasting:
    """Stateless: any replica goes on with what another began."""

    def __init__(
        self,
        store: Store,
        guests: Guests,
        *,
        accounts: Collection[str],
        bells: Bells,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._guests = guests
        self._accounts = accounts
        self._bells = bells
        self._now = now
        self._sleep = sleep

    async def work(self) -> None:
        """Give out what there is. Raises nothing that may pass."""
        try:
            while (of := await self._store.read(sending())) is not None:
                if await self._store.read(undelivered()) < MOST_UNDELIVERED:
                    await self._step(of)
                await self._sleep(REST)
        except Transient as error:
            log.warning("broadcast.delayed", error=str(error))

    async def _step(self, of: Broadcast) -> None:
        found: Window = await self._store.read(window(of, self._accounts, AT_A_TIME))
        told = [event for event in found.said if await self._guests.may_talk(event)]
        news = [self._news(of, event) for event in told]
        accepted = await self._store.write(give_out(of, found.cursor, news))
        for each in accepted:
            self._bells.wake(each.lane, None)
        log.info("broadcast", message=of.id, chats=len(accepted), left=found.cursor)

    def _news(self, of: Broadcast, event: Inbound) -> Job[Accepted | None]:
        """A turn in the chat of an earlier message, once for each chat."""
        chat = replace(event.chat, reply_to="")
        key = f"news/{of.id}/{chat.chat}"[:255]
        told = Inbound(key, chat, event.user, "", self._now(), about=str(of.id))
        lane = express(lane_of(told, GroupScope.USER))  # of a private chat, whatever is configured
        return accept(told, lane, self._now(), kind=TurnKind.NEWS, also=self._bells.defer)
