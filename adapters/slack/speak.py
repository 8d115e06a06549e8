"""Posting and changing messages: a stream where Slack allows one, else a post and its updates.

A stream takes only additions, ends after some minutes, and there may be only so many of them.
Whatever ends one, the same message goes on by `chat.update`; nothing of that is the core's
business.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from adapters.slack import blocks
from adapters.slack.calls import Calls
from adapters.slack.faults import NOT_STREAMING, STILL_STREAMING
from adapters.slack.lately import Lately
from adapters.slack.markup import harmless, harmless_so_far
from adapters.slack.place import Spot, spot
from adapters.slack.recall import metadata, recall
from adapters.slack.settings import SlackSettings
from adapters.slack.status import ACTIVE, Status
from adapters.slack.streams import Shown, Streams
from adapters.slack.tiers import APPEND, DELETE, MINUTE, POST, START, STOP, UPDATE, Tiers
from adapters.slack.workspaces import Workspaces
from bridge.errors import (
    BridgeError,
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.events import ChatRef, MessageRef, Page
from bridge.limits import EDITS, Limit, Pace
from bridge.logs import get

log = get(__name__)

APPEND_EVERY = 0.7  # seconds; reads as being typed, and leaves a budget of 100 for others
UPDATE_EVERY = 1.2  # seconds; 50 updates a minute, of one answer alone
POST_EVERY = 1.0  # seconds, in a channel: Slack's own words for its limit
_MOSTLY = 0.95  # of the appends; they have a budget that nothing final draws on
_ASKED = 3600.0  # seconds; longer than an answer takes
_REFUSED = 1800.0  # seconds until a place is asked again for streams that it did not have
_FAREWELL = 5.0  # seconds for stopping what still streams when we go
_WORKSPACE_LACKS = frozenset({"unknown_method", "method_deprecated", "feature_not_enabled"})


class Speaker:
    """The speaking half of the adapter, by the signatures of `bridge.adapter`.

    clock: seconds, monotonic.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        settings: SlackSettings,
        account: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._account = account
        self._clock = clock
        self._tiers = Tiers(account, clock)
        self._calls = Calls(workspaces, self._tiers)
        self._status = Status(self._calls, self._tiers, clock)
        self._streams = Streams(clock)
        self._askers: Lately[tuple[str, str], str] = Lately(_ASKED, clock=clock)
        self._streamless: Lately[str, None] = Lately(_REFUSED, clock=clock)  # teams, channels

    def asked_by(self, chat: ChatRef, ts: str, user: str) -> None:
        """Learn whose message `ts` is, `T123/U789`: outside DMs a stream names its reader."""
        self._askers.put((chat.chat, ts), user)

    def was_stopped(self, chat: ChatRef, ts: str) -> None:
        """Learn that somebody stopped a message of ours: Slack has ended its stream."""
        self._streams.stands(MessageRef(chat, ts), grows=False)
        self._status.rested(chat)

    async def typing(self, chat: ChatRef) -> None:
        """Show that an answer is on its way; does not raise where that cannot be shown."""
        await self._status.show(chat)

    # Sending.

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        """Post a message: a stream if it is going to grow and may be one."""
        if page.final:
            return await self._post(chat, page, key)
        with as_another_call():  # the right was claimed to a stream, or to what it falls back to
            streamed = await self._start(chat, page, key) if self._may_stream(chat, page) else None
            return streamed or await self._post(chat, page, key)

    async def _start(self, chat: ChatRef, page: Page, key: str) -> MessageRef | None:
        """None where there are no streams, or no more in this minute."""
        there, text = spot(chat), harmless_so_far(page.text)
        reader = self._reader(chat)
        try:
            answer = await self._calls.make(
                there,
                START,
                channel=there.channel,
                thread_ts=there.thread,
                recipient_user_id=reader[1] if reader else None,
                recipient_team_id=reader[0] if reader else None,
                markdown_text=text or None,
            )
        except RateLimited:
            return None
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            self._note_streamless(there, chat, error)
            return None
        message = _named(chat, answer.get("ts"))
        self._streams.started(message, key, text)
        self._status.vanished(chat)
        return message

    def _note_streamless(self, there: Spot, chat: ChatRef, error: Permanent) -> None:
        """Remember who has no streams, so that each answer need not find out anew."""
        log.info("stream.refused", account=self._account, error=str(error))
        if error.code in _WORKSPACE_LACKS:
            self._streamless.put(there.team, None)
        elif not isinstance(error, Rejected) and "user" not in str(error.code):
            self._streamless.put(chat.chat, None)

    async def _post(self, chat: ChatRef, page: Page, key: str) -> MessageRef:
        there = spot(chat)
        answer = await self._calls.make(
            there,
            POST,
            channel=there.channel,
            thread_ts=there.thread or None,
            metadata=metadata(key),
            **blocks.posted(page, self._under(page, key)),
        )
        message = _named(chat, answer.get("ts"))
        self._streams.stands(message, key, grows=not page.final)
        self._status.vanished(chat)
        if page.final:
            await self._status.rest(chat)
        return message

    # Changing.

    async def edit(self, message: MessageRef, page: Page) -> None:
        """Make a message show `page`, or, while it streams, more of it than before."""
        shown = self._streams.find(message)
        if shown is None:
            shown = await self._take_up(message)
        if not shown.streaming:
            await self._update(message, page, shown)
        elif page.final:
            await self._finish(message, page, shown)
        else:
            await self._append(message, page, shown)

    async def _take_up(self, message: MessageRef) -> Shown:
        """A message of an earlier run of ours: it may still be streaming."""
        if self._settings.stream == "auto":
            await self._end(message, Shown())
        self._streams.stands(message, grows=True)
        return Shown()

    async def _append(self, message: MessageRef, page: Page, shown: Shown) -> None:
        text = harmless_so_far(page.text)
        rest = None if page.plain else shown.rest_of(text)
        if not rest:
            return  # what was written over is shown at the end
        there = spot(message.chat)
        try:
            await self._calls.make(
                there, APPEND, channel=there.channel, ts=message.id, markdown_text=rest
            )
        except Transient as error:
            shown.sure = shown.sure and not error.happened
            raise
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            await self._give_up_streaming(message, shown, error)
        shown.sent = text

    async def _give_up_streaming(self, message: MessageRef, shown: Shown, error: Permanent) -> None:
        """Let the next snapshot go on by updates, which have a budget of their own."""
        log.info("stream.ended", account=self._account, error=str(error))
        shown.sure = False
        with as_another_call():
            if error.code != NOT_STREAMING:
                await self._end(message, shown)
        self._streams.stands(message, grows=True)
        raise Transient("the stream has ended", code=error.code) from error

    async def _finish(self, message: MessageRef, page: Page, shown: Shown) -> None:
        rest = None if page.plain else shown.rest_of(harmless(page.text))
        if rest is None:
            await self._end(message, shown)
        elif await self._stopped_with(message, page, shown, rest):
            self._streams.stands(message, grows=False)
            self._status.rested(message.chat)
            return
        self._streams.stands(message, grows=True)
        with as_another_call():
            await self._update(message, page, shown)

    async def _stopped_with(self, message: MessageRef, page: Page, shown: Shown, rest: str) -> bool:
        """Stop a stream with the last of its text; False if that has to be shown otherwise."""
        there = spot(message.chat)
        try:
            await self._calls.make(
                there,
                STOP,
                channel=there.channel,
                ts=message.id,
                markdown_text=rest or None,
                blocks=self._under(page, shown.key) or None,
                metadata=metadata(shown.key),
                session_status=ACTIVE if self._status.is_processing(message.chat) else None,
            )
        except Transient as error:
            shown.sure = shown.sure and not error.happened
            raise
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            log.info("stream.not_stopped", account=self._account, error=str(error))
            if error.code != NOT_STREAMING:
                with as_another_call():
                    await self._end(message, shown)
            return False
        return True

    async def _end(self, message: MessageRef, shown: Shown) -> None:
        """Stop a stream as it stands; one that was stopped, or never was, is success."""
        there = spot(message.chat)
        try:
            await self._calls.make(
                there,
                STOP,
                channel=there.channel,
                ts=message.id,
                metadata=metadata(shown.key) if shown.key else None,
            )
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            log.debug("stream.not_stopped", account=self._account, error=str(error))

    async def _update(self, message: MessageRef, page: Page, shown: Shown) -> None:
        try:
            await self._put(message, page, shown)
        except Permanent as error:
            if error.code != STILL_STREAMING:
                raise
            with as_another_call():
                await self._end(message, shown)
            await self._put(message, page, shown)
        self._streams.stands(message, shown.key, grows=not page.final)
        if page.final:
            await self._status.rest(message.chat)

    async def _put(self, message: MessageRef, page: Page, shown: Shown) -> None:
        there = spot(message.chat)
        await self._calls.make(
            there,
            UPDATE,
            channel=there.channel,
            ts=message.id,
            metadata=metadata(shown.key) if shown.key else None,
            **blocks.updated(page, self._under(page, shown.key or message.id)),
        )

    async def retract(self, message: MessageRef) -> None:
        """Delete a message; one that is gone is success."""
        there, shown = spot(message.chat), self._streams.find(message)
        with as_another_call(), suppress(Gone):
            if shown and shown.streaming:
                await self._end(message, shown)
            await self._calls.make(there, DELETE, channel=there.channel, ts=message.id)
        self._streams.gone(message)

    # Deciding.

    def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
        """What the next call draws on; see `bridge.adapter.Meters`."""
        if message_id is None:
            return self._limits_of_send(chat, final=final)
        team = spot(chat).team
        shown = self._streams.find(MessageRef(chat, message_id))
        if shown and shown.streaming and final:
            return (self._pace(chat, STOP, 0.0), self._tiers.quota(team, STOP))
        if shown and shown.streaming:
            quota = self._tiers.quota(team, APPEND, edits=_MOSTLY)
            return (self._pace(chat, APPEND, APPEND_EVERY), quota)
        crowd = (
            self._streams.growing_in(team)
            * MINUTE
            / (self._tiers.quota(team, UPDATE).calls * EDITS)
        )
        updating = self._pace(chat, UPDATE, max(UPDATE_EVERY, crowd))
        if shown is None and self._settings.stream == "auto":
            return (updating, self._tiers.quota(team, STOP), self._tiers.quota(team, UPDATE))
        return (updating, self._tiers.quota(team, UPDATE))

    def _limits_of_send(self, chat: ChatRef, *, final: bool) -> Sequence[Limit]:
        """Streams are counted here, where it is decided whether there is going to be one."""
        if not final and self._may_stream(chat):
            return (self._pace(chat, START, APPEND_EVERY),)
        return (Pace((self._account, chat.chat, POST), POST_EVERY),)

    def _pace(self, chat: ChatRef, method: str, interval: float) -> Pace:
        """By method, so that a Retry-After of one holds back no other."""
        return Pace((self._account, chat.chat, chat.thread, method), interval)

    def is_spent(self, message: MessageRef) -> bool:
        """Whether a stream is as old as it should get."""
        shown = self._streams.find(message)
        if shown is None or not shown.streaming:
            return False
        return self._clock() - shown.started >= self._settings.stream_life

    def _may_stream(self, chat: ChatRef, page: Page | None = None) -> bool:
        there = spot(chat)
        wanted = self._settings.stream == "auto" and not (page and page.plain)
        if not wanted or not there.thread:
            return False
        if there.team in self._streamless or chat.chat in self._streamless:
            return False
        if not _is_direct(there) and self._reader(chat) is None:
            return False
        # Each open stream is going to need a stop out of as small a budget.
        stops = self._tiers.spare(there.team, STOP) - self._streams.open_in(there.team)
        return stops > 0 and self._tiers.spare(there.team, START) > 0

    def _reader(self, chat: ChatRef) -> tuple[str, str] | None:
        """Team and id of the person who is answered, if the message was seen by this process."""
        team, _, user = (self._askers.get((chat.chat, chat.reply_to)) or "").partition("/")
        return (team, user) if user else None

    def _under(self, page: Page, key: str) -> list[blocks.Block]:
        return blocks.under(page, feedback=key if self._settings.feedback else "")

    # Afterwards.

    async def recall(
        self, chat: ChatRef, key: str, *, since: datetime, known: Collection[str]
    ) -> MessageRef | None:
        """Find what was posted under a key; see `bridge.adapter.Recalls`."""
        with as_another_call():
            ts = await recall(self._calls, spot(chat), key, since=since, known=known)
        return MessageRef(chat, ts) if ts else None

    async def close(self) -> None:
        """Stop what still streams; what is missing there comes with the next run."""
        open_streams = self._streams.all_open()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await asyncio.gather(*(self._leave(message) for message in open_streams))

    async def _leave(self, message: MessageRef) -> None:
        with suppress(BridgeError):
            await self._end(message, self._streams.find(message) or Shown())


@contextmanager
def as_another_call() -> Iterator[None]:
    """The right was claimed to a call of another method, which is not what has to wait."""
    try:
        yield
    except RateLimited as error:
        raise Transient(error.message, code=error.code, retry_after=error.retry_after) from error


def _named(chat: ChatRef, ts: object) -> MessageRef:
    if not isinstance(ts, str) or not ts:
        raise Unreachable("Slack told no timestamp of the message", happened=True)
    return MessageRef(chat, ts)


def _is_direct(there: Spot) -> bool:
    return there.channel.startswith("D")
