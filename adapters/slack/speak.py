"""Posting and changing messages: a stream where Slack allows one, else a post and its updates.

A stream takes only additions, ends after some minutes, and there may be only so many of them.
Whatever ends one, the same message goes on by `chat.update`, and the core hears nothing of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime

from adapters.slack import blocks
from adapters.slack.afterwards import Afterwards, Pressed
from adapters.slack.asides import Asides
from adapters.slack.calls import Calls
from adapters.slack.downloads import Downloads
from adapters.slack.faults import STILL_STREAMING
from adapters.slack.place import spot
from adapters.slack.posts import Posts
from adapters.slack.rating import Rating
from adapters.slack.recall import metadata, recall
from adapters.slack.settings import SlackSettings
from adapters.slack.status import Status
from adapters.slack.streaming import Streaming, as_another_call
from adapters.slack.streams import Shown, Streams
from adapters.slack.tiers import DELETE, FILE_DELETE, UPDATE, Tiers
from adapters.slack.uploads import Uploads, file_of
from adapters.slack.ways import Ways
from adapters.slack.workspaces import Workspaces
from bridge.adapter import Download, Outgoing
from bridge.errors import (
    BridgeError,
    Gone,
    Permanent,
    RateLimited,
    Unauthorised,
)
from bridge.events import Attachment, ChatRef, MessageRef, Page
from bridge.limits import Limit
from bridge.logs import get

log = get(__name__)

_LOOK_AGAIN = 3.0  # seconds until it is seen whether there are updates left for an answer
_FAREWELL = 5.0  # seconds for stopping what still streams when we go


class Speaker:
    """The speaking half of the adapter: the verbs of `bridge.adapter`, as promised there.

    clock: seconds, monotonic. sleep: takes seconds.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        settings: SlackSettings,
        account: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        tiers = Tiers(account, clock)
        self._calls = Calls(workspaces, tiers)
        self._status = Status(self._calls, tiers, clock)
        self._asides = Asides(clock)
        self._streams = Streams(clock)
        self._ways = Ways(settings, account, tiers, self._streams, clock)
        self._streaming = Streaming(self._calls, self._streams, self._ways, self._status)
        self._downloads = Downloads(self._calls, settings.api_base_url)
        self._posts = Posts(self._calls, self._asides, self._status)
        self._uploads = Uploads(self._calls, self._posts, clock, sleep)
        self._rating = Rating(wanted=settings.feedback, clock=clock)
        self._afterwards = Afterwards(self._calls, self._ways, self._rating, clock)

    def asked_by(self, chat: ChatRef, ts: str, user: str, language: str = "") -> None:
        """Learn whose message `ts` is, `T123/U789`: outside DMs a stream names its reader.

        Costs no waiting. An answer to somebody who was not told is posted and updated.
        """
        self._ways.asked_by(chat, ts, user)
        self._status.asked_in(chat, language)

    def may_be_told(self, chat: ChatRef, address: str, language: str) -> None:
        """Learn where somebody who typed a command can be told that nothing can be posted."""
        self._asides.typed(chat, address, language)

    def was_stopped(self, chat: ChatRef, streams: Collection[str]) -> None:
        """Learn that somebody pressed Stop: Slack has ended those streams, and nothing else."""
        for ts in streams:
            self._streams.stands(MessageRef(chat, ts), grows=False)
        self._status.taken_up(chat)

    def was_pressed(self, chat: ChatRef, press: Pressed, language: str) -> None:
        """Learn that somebody pressed something below a message of ours."""
        self._afterwards.pressed(chat, press, language)

    async def typing(self, chat: ChatRef) -> None:
        """Show that an answer is on its way; does not raise where that cannot be shown."""
        await self._status.show(chat)

    def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
        """Tell what the next call draws on; each method has a budget in each workspace."""
        return self._ways.limits(chat, message_id, final=final)

    def is_spent(self, message: MessageRef) -> bool:
        """Tell whether a stream is as old, or as long, as it should get."""
        shown = self._streams.find(message)
        if shown is None or not shown.streaming:
            return False
        return shown.is_full or self._clock() - shown.started >= self._settings.stream_life

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        """Post a message: a stream if it is going to grow and may be one.

        Raises `RateLimited` for a beginning whose end could not be shown in time.
        """
        if page.final:
            return await self._post(chat, page, key)
        with as_another_call():  # the right was claimed to a stream, or to what it falls back to
            if self._ways.may_stream(chat) and not page.plain:
                streamed = await self._streaming.start(chat, page, key)
                if streamed is not None:
                    return streamed
        if not self._ways.may_preview(chat):
            raise RateLimited("updates are used up", retry_after=_LOOK_AGAIN)
        with as_another_call(), self._streams.beginning(chat, key):
            return await self._post(chat, page, key)

    async def _post(self, chat: ChatRef, page: Page, key: str) -> MessageRef:
        async def show(below: Sequence[blocks.Block]) -> MessageRef:
            return await self._posts.make(chat, key, blocks.posted(page, below))

        message = await self._rating.show(chat, page, show)
        self._afterwards.shows(message, page)
        self._streams.stands(message, key, grows=not page.final)
        if page.final:
            await self._status.rest(chat)
        return message

    def fetch(self, chat: ChatRef, attachment: Attachment) -> AbstractAsyncContextManager[Download]:
        """Read a file that somebody shared."""
        return self._downloads.fetch(chat, attachment)

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        """Post a file of ours."""
        message = await self._uploads.send(chat, file, key)
        self._status.vanished(chat)
        return message

    async def edit(self, message: MessageRef, page: Page) -> None:
        """Make a message show `page`, or, while it streams, more of it than before."""
        self._afterwards.shows(message, page)
        shown = self._streams.find(message)
        if shown is None:
            shown = await self._take_up(message)
        if shown.streaming and not page.final:
            return await self._streaming.append(message, page, shown)
        if not shown.streaming:
            return await self._update(message, page, shown)
        below = self._rating.below(message.chat, page)
        if not await self._streaming.finish(message, page, shown, below):
            with as_another_call():
                await self._update(message, page, shown)
        return None

    async def _take_up(self, message: MessageRef) -> Shown:
        """A message of an earlier run of ours: it may still be streaming."""
        self._status.taken_up(message.chat)
        if self._settings.stream == "auto":
            await self._streaming.end(message, Shown())
        return Shown()

    async def _update(self, message: MessageRef, page: Page, shown: Shown) -> None:
        try:
            await self._put(message, page, shown)
        except Permanent as error:
            if error.code != STILL_STREAMING:
                raise
            with as_another_call():
                await self._streaming.end(message, shown)
            await self._put(message, page, shown)
        self._streams.stands(message, shown.key, grows=not page.final)
        if page.final:
            await self._status.rest(message.chat)

    async def _put(self, message: MessageRef, page: Page, shown: Shown) -> None:
        there = spot(message.chat)

        async def show(below: Sequence[blocks.Block]) -> None:
            await self._calls.make(
                there,
                UPDATE,
                channel=there.channel,
                ts=message.id,
                metadata=metadata(shown.key) if shown.key else None,
                **blocks.updated(page, below),
            )

        await self._rating.show(message.chat, page, show)

    async def retract(self, message: MessageRef) -> None:
        """Delete a message; one that is gone is success."""
        there, shown = spot(message.chat), self._streams.find(message)
        if file := file_of(message):
            with as_another_call(), suppress(Gone):
                await self._calls.make(there, FILE_DELETE, file=file)
            return
        with as_another_call(), suppress(Gone):
            if shown is None:  # what streams is not deleted
                await self._take_up(message)
            elif shown.streaming:
                await self._streaming.end(message, shown)
            await self._calls.make(there, DELETE, channel=there.channel, ts=message.id)
        self._streams.gone(message)

    async def recall(
        self, chat: ChatRef, key: str, *, since: datetime, known: Collection[str]
    ) -> MessageRef | None:
        """Find what was posted under a key, by the mark it carries.

        An app that may not read what was said there cannot tell, and finds nothing.
        """
        try:
            with as_another_call():
                if shared := await self._uploads.recall(chat, key):
                    return shared
                ts = await recall(self._calls, spot(chat), key, since=since, known=known)
        except Unauthorised as error:
            if error.code != "missing_scope":
                raise
            log.warning("recall.impossible", chat=chat.chat, cure="add the history scopes")
            return None
        return MessageRef(chat, ts) if ts else None

    async def close(self) -> None:
        """Stop what still streams; the text that is missing there comes with the next run."""
        await self._afterwards.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await asyncio.gather(*(self._leave(each) for each in self._streams.all_open()))

    async def _leave(self, message: MessageRef) -> None:
        with suppress(BridgeError):
            await self._streaming.end(message, self._streams.find(message) or Shown())
