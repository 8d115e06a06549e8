"""One chat of one adapter: calls are paced, counted and timed, and never repeated here."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bridge.adapter import Adapter, Capabilities, Retracts, ShowsDrafts, ShowsTyping
from bridge.errors import BridgeError, Permanent, RateLimited
from bridge.events import ChatKind, ChatRef, MessageRef, Page
from bridge.flow.pacing import Pace, Pacer, Priority, Quota
from bridge.logs import get
from bridge.metrics import CALLS

log = get(__name__)

HOLD = 5.0  # seconds to leave a chat alone after a refusal that did not say how long


class Line:
    """Raises what the adapter raises. A Retry-After holds back this chat alone.

    edits: whether a message can be changed once it was sent.
    """

    def __init__(self, adapter: Adapter, chat: ChatRef, pacer: Pacer) -> None:
        self._adapter = adapter
        self._chat = chat
        self._pacer = pacer
        caps = adapter.caps
        pace = caps.pace(chat.kind)
        self.edits = math.isfinite(pace)
        # Topics and people of one chat share its pace, so the thread is no part of the key.
        self._pace = Pace((chat.account, chat.chat), pace if self.edits else 0.0)
        self._draft_pace = Pace((chat.account, chat.chat, "draft"), caps.edit_interval)
        self._account = _account_quota(chat, caps)
        self._quotas = (*self._account, *_group_quota(chat, caps))

    def claim(self, priority: Priority) -> float:
        """Take the right to one call and return 0, or return the seconds to wait."""
        return self._pacer.claim((self._pace, *self._quotas), priority)

    def give_back(self) -> None:
        """Undo the last claim: there was nothing to call for."""
        self._pacer.give_back((self._pace, *self._quotas))

    def move(self, chat: str) -> None:
        """The chat goes on under another id."""
        self._chat = replace(self._chat, chat=chat, reply_to="")
        self._pace = Pace((self._chat.account, chat), self._pace.interval)

    async def send(self, page: Page, key: str) -> str:
        """Post a page and return the new message's id."""
        with self._watched("send"):
            return (await self._adapter.send(self._chat, page, key=key)).id

    async def edit(self, message_id: str, page: Page) -> None:
        """Change a message into `page`."""
        with self._watched("edit"):
            await self._adapter.edit(MessageRef(self._chat, message_id), page)

    @property
    def drafts(self) -> bool:
        """Whether an answer grows here as a draft."""
        return isinstance(self._adapter, ShowsDrafts) and self._adapter.drafts(self._chat)

    def claim_draft(self) -> float:
        """Like `claim`, for the next draft; drafts have a pace of their own."""
        return self._pacer.claim((self._draft_pace,), Priority.EDIT)

    def give_back_draft(self) -> None:
        """Undo the last claim of a draft."""
        self._pacer.give_back((self._draft_pace,))

    async def draft(self, page: Page, key: str) -> None:
        """Show a page as being written."""
        if not isinstance(self._adapter, ShowsDrafts):
            raise Permanent("no drafts here")
        with self._watched("draft", (), self._draft_pace):
            await self._adapter.draft(self._chat, page, key=key)

    async def retract(self, message_id: str) -> None:
        """Remove a message where the platform lets us, else leave a dot in its place."""
        message = MessageRef(self._chat, message_id)
        with self._watched("retract"):
            if isinstance(self._adapter, Retracts):
                await self._adapter.retract(message)
            else:
                await self._adapter.edit(message, Page("·", final=True))

    async def typing(self) -> None:
        """Give a sign of life if the platform has one and the pace allows it; never raises."""
        limits: tuple[Pace | Quota, ...] = (self._pace, *self._account)
        if not isinstance(self._adapter, ShowsTyping):
            return
        if self._pacer.claim(limits, Priority.TYPING) > 0:
            return
        try:
            with self._watched("typing", self._account):
                await self._adapter.typing(self._chat)
        except Exception as error:  # noqa: BLE001  no sign of life is worth an answer
            log.debug("typing.failed", account=self._chat.account, error=repr(error))

    @contextmanager
    def _watched(
        self, verb: str, quotas: Sequence[Quota] | None = None, pace: Pace | None = None
    ) -> Iterator[None]:
        """Count a call. quotas, pace: it was claimed under; the chat's own if not told."""
        outcome = "bug"
        try:
            yield
            outcome = "ok"
        except RateLimited as error:
            outcome = type(error).__name__
            self._pacer.hold((pace or self._pace).key, error.retry_after or HOLD)
            raise
        except BridgeError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._pacer.answered(self._quotas if quotas is None else quotas)
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
