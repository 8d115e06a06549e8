"""A message that Slack lets grow: begun, added to, and ended whatever happens.

https://docs.slack.dev/reference/methods/chat.startStream and the two beside it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.slack.blocks import Block
from adapters.slack.calls import Calls
from adapters.slack.faults import NOT_STREAMING
from adapters.slack.markup import harmless, harmless_so_far
from adapters.slack.place import spot
from adapters.slack.recall import metadata
from adapters.slack.status import ACTIVE, Status
from adapters.slack.streams import Shown, Streams
from adapters.slack.tiers import APPEND, START, STOP
from adapters.slack.ways import Ways
from bridge.errors import Gone, Permanent, RateLimited, Transient, Unauthorised, Unreachable
from bridge.events import ChatRef, MessageRef, Page
from bridge.logs import get

log = get(__name__)


class Streaming:
    """Raises like `bridge.adapter.Adapter`, except where something else is said."""

    def __init__(self, calls: Calls, streams: Streams, ways: Ways, status: Status) -> None:
        self._calls = calls
        self._streams = streams
        self._ways = ways
        self._status = status

    async def start(self, chat: ChatRef, page: Page, key: str) -> MessageRef | None:
        """Begin a message; None where there are no streams, or no more in this minute."""
        there, text = spot(chat), harmless_so_far(page.text)
        reader = self._ways.reader(chat)
        try:
            answer = await self._calls.make(
                there,
                START,
                channel=there.channel,
                thread_ts=there.thread,
                recipient_user_id=reader[1] if reader else None,
                recipient_team_id=reader[0] if reader else None,
                markdown_text=_worth_sending(text),
            )
        except RateLimited:
            return None
        except Gone:
            raise
        except Permanent as error:  # a token that is no good at all, the post finds out
            self._ways.refused(chat, error)
            return None
        message = named(chat, answer.get("ts"))
        self._streams.started(message, key, text if text.strip() else "")
        self._status.vanished(chat)
        return message

    async def append(self, message: MessageRef, page: Page, shown: Shown) -> None:
        """Add what is new. What was written over stays until the end, and is right then.

        Raises `Transient` also where the stream has ended: the next call is an update.
        """
        if not shown.sure:  # what came last may stand there or not, so nothing can follow it
            await self._leave_open_nothing(message, shown)
            raise Transient("the stream has ended")
        text = harmless_so_far(page.text)
        rest = None if page.plain else shown.rest_of(text)
        if rest is None or not rest.strip():
            return
        there = spot(message.chat)
        try:
            with _doubting(shown):
                await self._calls.make(
                    there, APPEND, channel=there.channel, ts=message.id, markdown_text=rest
                )
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            log.info("stream.ended", error=str(error))
            await self._leave_open_nothing(message, shown, error.code)
            raise Transient("the stream has ended", code=error.code) from error
        shown.sent = text

    async def finish(
        self, message: MessageRef, page: Page, shown: Shown, below: Sequence[Block]
    ) -> bool:
        """End a stream with the last of its text; False if that has to be shown otherwise.

        Either way it streams no more.
        """
        rest = None if page.plain else shown.rest_of(harmless(page.text))
        if rest is None:
            await self.end(message, shown)
            return False
        try:
            await self._stop(
                message, shown, markdown_text=_worth_sending(rest), blocks=below or None
            )
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            log.info("stream.not_stopped", error=str(error))
            await self._leave_open_nothing(message, shown, error.code)
            return False
        self._streams.stands(message, grows=False)
        await self._status.clear(message.chat)
        return True

    async def _leave_open_nothing(
        self, message: MessageRef, shown: Shown, code: int | str | None = None
    ) -> None:
        """End a stream that is of no use any more. code: why, where Slack said so."""
        shown.sure = False
        if code != NOT_STREAMING:
            with as_another_call():
                await self.end(message, shown)
        self._streams.stands(message, grows=True)

    async def end(self, message: MessageRef, shown: Shown) -> None:
        """Stop a stream as it stands; one that was stopped, or never was, is success."""
        try:
            await self._stop(message, shown)
        except (Gone, Unauthorised):
            raise
        except Permanent as error:
            log.debug("stream.not_stopped", error=str(error))
        self._streams.stands(message, grows=True)

    async def _stop(self, message: MessageRef, shown: Shown, **last: object) -> None:
        there = spot(message.chat)
        rests = self._status.is_processing(message.chat) and bool(last)
        with _doubting(shown):
            await self._calls.make(
                there,
                STOP,
                channel=there.channel,
                ts=message.id,
                metadata=metadata(shown.key) if shown.key else None,
                session_status=ACTIVE if rests else None,
                **last,
            )
        if rests:
            self._status.rested(message.chat)


def _worth_sending(text: str) -> str | None:
    """Blank space alone may count as no text, and nobody sees it at an end."""
    return text if text.strip() else None


@contextmanager
def _doubting(shown: Shown) -> Iterator[None]:
    """Whether the text of a call that broke off has arrived, nobody knows."""
    try:
        yield
    except Transient as error:
        shown.sure = shown.sure and not error.happened
        raise


@contextmanager
def as_another_call() -> Iterator[None]:
    """The right was claimed to a call of another method, which is not what has to wait."""
    try:
        yield
    except RateLimited as error:
        raise Transient(error.message, code=error.code, retry_after=error.retry_after) from error


def named(chat: ChatRef, ts: object) -> MessageRef:
    """The message an answer of Slack's is about."""
    if not isinstance(ts, str) or not ts:
        raise Unreachable("Slack told no timestamp of the message", happened=True)
    return MessageRef(chat, ts)
