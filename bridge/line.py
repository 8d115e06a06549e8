"""One chat of one adapter: calls are paced, counted and timed, and never repeated here."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime

from bridge.adapter import Around, Capabilities, Outgoing
from bridge.errors import BridgeError, Permanent, RateLimited, Rejected
from bridge.events import ChatKind, ChatRef, Enclosure, Inbound, MessageRef, Page
from bridge.flow.lull import Lull
from bridge.flow.pacing import Pacing, Priority
from bridge.flow.together import Together
from bridge.limits import Limit, Pace, Quota
from bridge.logs import get
from bridge.metrics import CALLS
from bridge.tracing import span
from bridge.verbs import Verbs

log = get(__name__)

PROBES_PER_SECOND = 100  # questions of an account about single messages; they send nothing
HOLD = 5.0  # seconds to leave a chat alone after a refusal that did not say how long
Sleep = Callable[[float], Awaitable[None]]


class Line:
    """Raises what the adapter raises. A Retry-After holds back this chat alone.

    edits: whether a message can be changed once it was sent.
    lull: for how long an answer may grow unread, because nothing can be shown of it.
    guard: called before each call; what it raises keeps us from making it.
    outgoing: makes a file of ours ready to be sent.
    together: see `Lull`.
    """

    def __init__(
        self,
        verbs: Verbs,
        chat: ChatRef,
        pacer: Pacing,
        guard: Callable[[], None] = lambda: None,
        outgoing: Callable[[ChatRef, Enclosure], Outgoing] | None = None,
        together: Together | None = None,
    ) -> None:
        self._guard = guard
        self._outgoing = outgoing
        self._verbs = verbs
        self._adapter = verbs.adapter
        self._chat = chat
        self._pacer = pacer
        caps = verbs.adapter.caps
        pace = caps.pace(chat.kind)
        self.edits = math.isfinite(pace)
        # Topics and people of one chat share its pace, so the thread is no part of the key.
        self._pace = Pace((chat.account, chat.chat), pace if self.edits else 0.0)
        self.lull = Lull(pace, together)
        self._draft_pace = Pace((chat.account, chat.chat, "draft"), caps.edit_interval)
        self._account = _account_quota(chat, caps)
        self._quotas = (*self._account, *_group_quota(chat, caps))
        self._granted: tuple[Limit, ...] = ()  # a right that was claimed and not used yet

    async def claim(
        self, priority: Priority, message_id: str | None = None, *, final: bool = False
    ) -> float:
        """Take the right to one call and return 0, or return the seconds to wait.

        message_id: of the message to be changed, None for a new one; final: for the last time.
        A right that was not used yet is kept, or exchanged for that to another kind of call.
        """
        limits = self._limits(message_id, final=final)
        # Budgets may have changed meanwhile, as others came and went; it is the same kind of call.
        if [each.key for each in self._granted] == [each.key for each in limits]:
            return 0.0
        self.give_back()
        return await self._claim(limits, priority)

    async def claim_draft(self) -> float:
        """Like `claim`, for the next draft; drafts have a pace of their own."""
        self.give_back()
        return await self._claim((self._draft_pace,), Priority.EDIT)

    def give_back(self) -> None:
        """Undo the last claim if no call was made: there was nothing to call for."""
        if granted := self._spend():
            self._pacer.give_back(granted)

    async def _claim(self, limits: tuple[Limit, ...], priority: Priority) -> float:
        seconds = await self._pacer.grant(limits, priority)
        if seconds <= 0:
            self._granted = limits
        return seconds

    def _limits(self, message_id: str | None, *, final: bool) -> tuple[Limit, ...]:
        if meters := self._verbs.meters:
            return tuple(meters.limits(self._chat, message_id, final=final))
        return (self._pace, *self._quotas)

    def _spend(self) -> tuple[Limit, ...]:
        granted, self._granted = self._granted, ()
        return granted

    def _show(self) -> tuple[Limit, ...]:
        """What a call draws on that shows something, and is about to be made."""
        self.lull.shown()
        return self._spend()

    def move(self, chat: str) -> None:
        """The chat goes on under another id."""
        self._chat = replace(self._chat, chat=chat, reply_to="")
        self._pace = Pace((self._chat.account, chat), self._pace.interval)

    async def send(self, page: Page, key: str) -> str:
        """Post a page, or the file that it is, and return the new message's id."""
        if page.file is not None:
            caption = page.text if page.text != page.file.name else ""
            return await self._send_file(page.file, caption, key)
        with self._watched("send", self._show()):
            return (await self._adapter.send(self._chat, page, key=key)).id

    async def _send_file(self, file: Enclosure, caption: str, key: str) -> str:
        sender = self._verbs.sends_files
        if sender is None or self._outgoing is None:
            raise Rejected("no files here")
        outgoing = replace(self._outgoing(self._chat, file), caption=caption)
        with self._watched("send_file", self._spend()):
            return (await sender.send_file(self._chat, outgoing, key=key)).id

    async def edit(self, message_id: str, page: Page) -> None:
        """Change a message into `page`."""
        with self._watched("edit", self._show()):
            await self._adapter.edit(MessageRef(self._chat, message_id), page)

    def is_spent(self, message_id: str) -> bool:
        """Whether a message should grow no further."""
        expires = self._verbs.expires
        return expires is not None and expires.is_spent(MessageRef(self._chat, message_id))

    @property
    def recalls(self) -> bool:
        """Whether the platform can be asked what it has got."""
        return self._verbs.recalls is not None

    async def recall(self, key: str, since: datetime, known: Collection[str]) -> str | None:
        """Find what was posted under a key; None if nothing was, or nobody can tell."""
        if not (recalls := self._verbs.recalls):
            return None
        with self._watched("recall", ()):
            found = await recalls.recall(self._chat, key, since=since, known=known)
        return found.id if found else None

    @property
    def probes(self) -> bool:
        """Whether the platform can be asked about single messages."""
        return self._verbs.probes is not None

    async def search(
        self, event: Inbound, around: Around, sleep: Sleep, *, by: float
    ) -> str | None:
        """Find what answers `event` without our having heard of it; see `Probes`."""
        moved = event.chat.chat != self._chat.chat  # then its messages are numbered anew
        if moved or not (probes := self._verbs.probes):
            return None
        return await probes.search(event, around, lambda: self._probing(sleep), by=by)

    @asynccontextmanager
    async def _probing(self, sleep: Sleep) -> AsyncIterator[None]:
        account = self._chat.account
        # A pace of its own, without an interval: what a question is refused holds back no answer.
        limits = Pace((account, "probe"), 0.0), Quota((account, "probes"), PROBES_PER_SECOND, 1.0)
        while (seconds := await self._pacer.grant(limits, Priority.FINAL)) > 0:
            await sleep(seconds)
        with self._watched("probe", limits):
            yield

    @property
    def drafts(self) -> bool:
        """Whether an answer grows here as a draft."""
        return self._verbs.shows_drafts is not None and self._verbs.shows_drafts.drafts(self._chat)

    async def draft(self, page: Page, key: str) -> None:
        """Show a page as being written."""
        if not (shows := self._verbs.shows_drafts):
            raise Permanent("no drafts here")
        self._show()
        with self._watched("draft", (self._draft_pace,)):
            await shows.draft(self._chat, page, key=key)

    async def retract(self, message_id: str) -> None:
        """Remove a message where the platform lets us, else leave a dot in its place."""
        message = MessageRef(self._chat, message_id)
        with self._watched("retract", self._spend()):
            if retracts := self._verbs.retracts:
                await retracts.retract(message)
            else:
                await self._adapter.edit(message, Page("·", final=True))

    async def typing(self) -> float:
        """Give a sign of life if the platform has one; never raises.

        Returns 0, or the seconds for which the pace does not allow it.
        """
        limits: tuple[Limit, ...] = (self._pace, *self._account)
        if not (shows := self._verbs.shows_typing):
            return 0.0
        try:
            if (seconds := await self._pacer.grant(limits, Priority.TYPING)) > 0:
                return seconds
            with self._watched("typing", limits):
                await shows.typing(self._chat)
        except Exception as error:  # noqa: BLE001  no sign of life is worth an answer
            log.debug("typing.failed", account=self._chat.account, error=repr(error))
        return 0.0

    @contextmanager
    def _watched(self, verb: str, claimed: Sequence[Limit]) -> Iterator[None]:
        """Count a call. claimed: what it draws on; a Retry-After holds back the first of it."""
        outcome = "bug"
        try:
            self._guard()
            with span(verb, platform=self._chat.platform):
                yield
            outcome = "ok"
        except RateLimited as error:
            outcome = type(error).__name__
            held = claimed[0] if claimed else self._pace
            self._pacer.hold(held.key, error.retry_after or HOLD)
            raise
        except BridgeError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._pacer.answered(claimed)
            CALLS.labels(self._chat.platform, verb, outcome).inc()


def _account_quota(chat: ChatRef, caps: Capabilities) -> tuple[Quota, ...]:
    """What the account may send in a second."""
    if math.isinf(caps.calls_per_second):
        return ()
    return (Quota((chat.account,), int(caps.calls_per_second), 1.0),)


def _group_quota(chat: ChatRef, caps: Capabilities) -> tuple[Quota, ...]:
    """What a group may get in a minute."""
    if chat.kind is ChatKind.PRIVATE or math.isinf(caps.group_calls_per_minute):
        return ()
    key = (chat.account, chat.chat, "minute")
    return (Quota(key, int(caps.group_calls_per_minute), 60.0),)
