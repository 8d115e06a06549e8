"""What the bridge asks of a platform.

An adapter is one account on one platform. It normalises what comes in, hands it to the
`Sink`, and shows pages. It decides nothing else: pacing, retries, order and splitting belong
to the core. What it is lent is in `lent.py`. It raises only `bridge.errors`; library exceptions
stop in its `faults.py`.

Optional verbs are small protocols. Implement one and it is used:

- `ShowsTyping`: a sign of life while the agent thinks.
- `ShowsDrafts`: shows an answer while it grows in a way of the platform's own.
- `Retracts`: takes a message back that turned out to be one too many.
- `ReceivesAlone`: of several replicas, one may receive.
- `Listens`: it asks for messages by itself, and may go deaf.
- `Adjusts`: takes over changed settings while it runs.
- `Meters`: tells the budgets of each call, where `Capabilities` are too coarse for them.
- `ShowsMenus`: offers the commands there are.
- `Expires`: its messages can grow for a limited time only.
- `Recalls`: finds a message that was posted without our having heard of it.
- `Probes`: the same, where messages are numbered and can only be asked about one by one.
- `BringsFiles`: what people send can be read.
- `SendsFiles`: pictures, documents and voice of ours arrive as such.
- `bridge.web.server.ServesHttp` (matched by shape, nothing to import): `routes()`, aiohttp
  routes for a webhook or a page on the built-in server.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, runtime_checkable

from bridge.events import Attachment, ChatKind, ChatRef, Enclosure, Inbound, MessageRef, Page
from bridge.lent import MenuItem
from bridge.limits import Limit

DRAFT_LASTS = 20.0
"""Seconds; Telegram takes a draft away after 30 (https://core.telegram.org/api/bots/ai)."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between platforms, as facts the core can compute with.

    max_text: the longest message, in UTF-16 units if `utf16`, else in code points.
    edit_interval, edit_interval_group: seconds to leave between two edits in a private chat
        and in a group; `math.inf` where the platform cannot edit.
    max_spans: the most stretches of markup (bold, links, code …) in one message.
    calls_per_second: of the whole account, sends and edits together; `math.inf` for no limit.
    group_calls_per_minute: in one group, likewise.
    buttons: how many buttons fit under a message; 0 where there are none.
    command_sign: what people write before a command, where the platform keeps "/" for itself.
    appends: a message grows by appending, so while it does it is shown only as far as it will
        never change: no half-finished Markdown, and nothing closed for the looks of it.
    max_download: bytes of the largest file that can be fetched from there.
    """

    max_text: int
    edit_interval: float
    edit_interval_group: float
    utf16: bool = False
    max_spans: float = float("inf")
    calls_per_second: float = float("inf")
    group_calls_per_minute: float = float("inf")
    buttons: int = 0
    command_sign: str = "/"
    appends: bool = False
    max_download: float = float("inf")

    def pace(self, kind: ChatKind) -> float:
        """Seconds to leave between two edits in a chat of this kind."""
        return self.edit_interval if kind is ChatKind.PRIVATE else self.edit_interval_group


class Sink(Protocol):
    """Where an adapter puts what it received."""

    async def __call__(self, event: Inbound) -> None:
        """Return once `event` is committed: only then may it be acknowledged.

        An event that was put before is dropped in silence. Raises `Transient` when the commit
        failed: do not acknowledge, so that the platform delivers again.
        """


class Adapter(Protocol):
    """One platform account."""

    @property
    def caps(self) -> Capabilities: ...

    async def open(self) -> None:
        """Acquire connections. Called once, before anything else. Raises `Unauthorised`."""

    async def close(self) -> None:
        """Release what `open` acquired. Called once, after the last `send` and `edit`."""

    async def run(self, sink: Sink) -> None:
        """Receive until cancelled, calling `sink` before acknowledging each event.

        Raises `Transient` where a fresh start may help (the supervisor backs off and calls
        again), `Unauthorised` where it will not.
        """

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        """Post a new message.

        key: the same for a repeated attempt at the same message; a platform that can tell
        repeats apart must answer with the first message's id.
        Raises `RateLimited` with `retry_after`, `Rejected` for markup that was refused, `Gone`
        if the bot was removed, `Transient(happened=True)` if the message may be there already.
        """

    async def edit(self, message: MessageRef, page: Page) -> None:
        """Make an existing message show `page`; showing it already is success.

        Raises like `send`; `Gone` also if the message was deleted.
        """

    def trouble(self) -> str | None:
        """Why nothing has been received lately, in a few words; None while all is well.

        Read by /readyz; must not block.
        """


@runtime_checkable
class ShowsTyping(Protocol):
    """The platform can show that somebody is typing, for a few seconds."""

    async def typing(self, chat: ChatRef) -> None:
        """Show it now. Called again every 4 s while the user waits. Raises like `send`."""


@runtime_checkable
class ShowsDrafts(Protocol):
    """The platform can show a text that is being written without making a message of it."""

    def drafts(self, chat: ChatRef) -> bool:
        """Tell whether answers in this chat grow as drafts instead of edited messages."""

    async def draft(self, chat: ChatRef, page: Page, *, key: str) -> None:
        """Show `page` as being written, in place of what was shown under the same key.

        It vanishes when a message is sent to the chat, and by itself after a while; it is shown
        again before `DRAFT_LASTS` is over. Raises `RateLimited`, `Transient`; `Permanent` where
        there are no drafts after all: then the answer goes on as an edited message.
        """


@runtime_checkable
class Retracts(Protocol):
    """The platform lets us take a message back."""

    async def retract(self, message: MessageRef) -> None:
        """Remove it; one that is gone already is success. Raises like `edit`.

        Called when a finished answer needs fewer messages than its stream showed.
        """


@runtime_checkable
class ReceivesAlone(Protocol):
    """The platform hands out messages to one receiver at a time."""

    @property
    def receives_alone(self) -> bool:
        """Whether, of several replicas of the bridge, only one may run this account."""


@runtime_checkable
class Listens(Protocol):
    """Messages come by a poll or a connection of ours, which may break without a word."""

    @property
    def listens(self) -> bool:
        """Whether to begin anew where `trouble` does not pass, by cancelling `run`.

        False where the platform calls us: then its trouble is not ours to mend.
        """


@runtime_checkable
class Adjusts(Protocol):
    """Some of its settings may change while it runs."""

    @property
    def adjustable(self) -> Collection[str]:
        """The names of those keys in its table."""

    def adjust(self, settings: Any) -> None:
        """Take these keys over, and only them, from settings of its own model; waits for nothing.

        It holds from the next answer on.
        """


@runtime_checkable
class Meters(Protocol):
    """Different calls draw on different budgets. Its `Capabilities` need not tell any."""

    def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
        """Tell what the next call for a page draws on; it is made only once all of it is free.

        message_id: of the message that would be changed; None for a new one.
        final: it would be the page's last change.
        The first limit is a `Pace` of its own for each place where answers grow: by it those
        who share a `Quota` are told apart, and it is held back by a Retry-After. Keys of
        different accounts must differ. Costs no waiting; asked before every call.
        """


@runtime_checkable
class ShowsMenus(Protocol):
    """The platform can offer commands, in a list behind a button or the like."""

    async def menus(self, menus: Mapping[str, Sequence["MenuItem"]]) -> None:
        """Offer these commands, by language as in `Host.menus`, and no others.

        Called when the bridge starts and whenever they changed; waits until the platform can be
        reached, which may be never. Raises `Transient`, then it is called again.
        """


@runtime_checkable
class Expires(Protocol):
    """A message can grow for a limited time only."""

    def is_spent(self, message: MessageRef) -> bool:
        """Tell whether the message should grow no further: what follows goes into a new one."""


@runtime_checkable
class Recalls(Protocol):
    """The platform can be asked what it has got."""

    async def recall(
        self, chat: ChatRef, key: str, *, since: datetime, known: Collection[str]
    ) -> MessageRef | None:
        """Find the message that `send` posted under `key`; None if there is none.

        Asked before a message is posted that may be there already, because the process died,
        or the connection broke, between a post and its answer.
        since: it is not older than that; known: ids of messages there that are none of it.
        Raises like `send`.
        """


Turnstile: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]
"""Lets one call through once the budgets allow it."""


@dataclass(frozen=True, slots=True)
class Around:
    """What an account has heard and said around a question, as far as it is stored.

    before, since: ids of events that came before the question, and later ones; not all of them.
    posted: messages of ours, each as chat and id; all that are young in the question's chat, and
        some of other chats.
    above: ids of ours in the question's chat that are older than what is looked for: earlier
        answers of the conversation, and earlier pages of this one.
    open: how many messages wait for an answer, of whichever account.
    alone: nothing else is being answered in that chat.
    """

    before: tuple[str, ...] = ()
    since: tuple[str, ...] = ()
    posted: frozenset[tuple[str, str]] = frozenset()
    above: frozenset[str] = frozenset()
    open: int = 1
    alone: bool = True


@runtime_checkable
class Probes(Protocol):
    """The platform numbers its messages, and tells of each whether it is ours."""

    async def search(
        self, event: Inbound, around: Around, turnstile: Turnstile, *, by: float
    ) -> str | None:
        """Find the id of a message that answers `event` and of which we never heard.

        Asked in the same case as `Recalls.recall`, of an adapter that has no such verb. None
        where there is none, or the platform's word would not make it certain whose it is.
        Changes nothing. turnstile: entered around each call. by: when whoever posted it was dead,
        or its connection broken, on the event loop's clock. Raises like `send`.
        """


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is being read, once and piece by piece; it is never held whole.

    size: bytes, where the far side tells. mime: what it says the file is; nobody vouches for it.
    """

    content: AsyncIterator[bytes]
    size: int | None = None
    mime: str = ""


@runtime_checkable
class BringsFiles(Protocol):
    """The platform keeps the files that people send."""

    def fetch(self, chat: ChatRef, attachment: Attachment) -> AbstractAsyncContextManager[Download]:
        """Read an attachment; the connection is released whichever way the context is left.

        Entering raises `Rejected` for one that the platform does not hand out (too large),
        `Gone` for one that is there no more, `Transient`, `Unauthorised`; reading, `Unreachable`.
        """


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file of ours, ready to be sent.

    url: where the platform may fetch it by itself; empty where it cannot.
    open: reads it, as often as need be, after looking whether it is safe to. Entering raises
        `Rejected` (too large, not what it claims to be, at a place nobody may read), `Transient`.
    caption: words to show beside it, neutral Markdown; cut off where a platform has less room.
    """

    enclosure: Enclosure
    url: str
    open: Callable[[], AbstractAsyncContextManager[Download]]
    caption: str = ""


@runtime_checkable
class SendsFiles(Protocol):
    """The platform takes files."""

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        """Post a file as what it is: a picture, a voice message, a document. Raises like `send`.

        What the platform does not take as its kind goes as a document. `Rejected` leaves the
        reader with the link that stands in the answer's text.
        """
