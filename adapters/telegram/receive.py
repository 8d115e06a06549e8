"""What both ways of receiving share: an update is committed, and only then acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from adapters.telegram.addressed import Me
from adapters.telegram.asides import Asides
from adapters.telegram.keyboard import too_old
from adapters.telegram.lately import Lately
from adapters.telegram.normalise import (
    ChatMoved,
    Heard,
    Stale,
    Understood,
    album,
    understood,
)
from bridge.adapter import Sink
from bridge.foreign import Json
from bridge.logs import get

log = get(__name__)

_ALBUMS = 1_000  # to be remembered; their parts arrive within seconds


def named(chat: str, message: str) -> str:
    """A name for a message among those of all chats."""
    return f"{chat}/{message}"


class Intake:
    """Updates in, events out.

    asides: see there. moved: told when a group became a supergroup, before anything of the new
    one is heard. topics: of messages of ours, by `named`; Telegram tells none with a reaction.
    """

    def __init__(
        self,
        me: Me,
        account: str,
        asides: Asides,
        moved: Callable[[str, str], Awaitable[None]],
        topics: Lately[str] | None = None,
    ) -> None:
        self._me = me
        self._account = account
        self._asides = asides
        self._moved = moved
        self._topics: Lately[str] = topics or Lately(0)
        self._albums: Lately[None] = Lately(_ALBUMS)  # of which a part was meant for us

    async def take(self, updates: Sequence[Json], sink: Sink) -> None:
        """Commit updates in their order. Raises `Transient`: then acknowledge none of them."""
        heard: list[Heard] = []
        for found in self._all_understood(updates):
            match found:
                case Heard() as message:
                    heard.append(message)
                case ChatMoved(old, new):
                    await self._commit(heard, sink)
                    heard = []
                    await self._moved(old, new)
                case Stale(query_id, language):
                    self._asides.answer(query_id, too_old(language))
        await self._commit(heard, sink)

    def _all_understood(self, updates: Sequence[Json]) -> list[Understood | None]:
        """In a group only the part of an album that names the bot shows that all of it is meant."""
        found = [self._understood(update) for update in updates]
        for update, each in zip(updates, found, strict=True):
            if isinstance(each, Heard) and (name := album(update)):
                self._albums.put(name, None)
        return [
            self._understood(update) if each is None and album(update) in self._albums else each
            for update, each in zip(updates, found, strict=True)
        ]

    def _understood(self, update: Json) -> Understood | None:
        try:
            return self._placed(understood(update, self._me, self._account, self._albums))
        except Exception:
            log.exception("update.malformed", account=self._account, id=update.get("update_id"))
            return None

    def _placed(self, found: Understood | None) -> Understood | None:
        if not isinstance(found, Heard) or found.event.chat.thread or not found.event.about:
            return found
        event = found.event
        thread = self._topics.get(named(event.chat.chat, event.about), "")
        return replace(found, event=replace(event, chat=replace(event.chat, thread=thread)))

    async def _commit(self, heard: Sequence[Heard], sink: Sink) -> None:
        """All at once, so that they share a commit; tasks begin, and so queue, in order."""
        results = await asyncio.gather(
            *(sink(message.event) for message in heard), return_exceptions=True
        )
        if failed := next((error for error in results if error is not None), None):
            raise failed
        for message in heard:
            self._tidy(message)

    def _tidy(self, message: Heard) -> None:
        self._asides.heard(message.event)
        if message.query_id:
            self._asides.answer(message.query_id)
        if message.remaining is not None:
            self._asides.leave(message.event, message.remaining)
