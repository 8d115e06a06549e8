"""What the bridge asks of a platform, and what it lends to one.

An adapter is one account on one platform. It normalises what comes in, hands it to the
`Sink`, and shows pages. It decides nothing else: pacing, retries, order and splitting belong
to the core. It raises only `bridge.errors`; library exceptions stop in its `faults.py`.

Optional verbs are small protocols. Implement one and it is used:

- `ShowsTyping`: a sign of life while the agent thinks.
- `ShowsDrafts`: shows an answer while it grows in a way of the platform's own.
- `Retracts`: takes a message back that turned out to be one too many.
- `ReceivesAlone`: of several replicas, one may receive.
- `Meters`: tells the budgets of each call, where `Capabilities` are too coarse for them.
- `ShowsMenus`: offers the commands there are.
- `Expires`: its messages can grow for a limited time only.
- `Recalls`: finds a message that was posted without our having heard of it.
- `bridge.web.server.ServesHttp` (matched by shape, nothing to import): `routes()`, aiohttp
  routes for a webhook or a page on the built-in server.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from bridge.events import Button, ChatKind, ChatRef, Inbound, MessageRef, Page
from bridge.limits import Limit

DRAFT_LASTS = 20.0
"""Seconds; Telegram takes a draft away after 30 (https://core.telegram.org/api/bots/ai)."""


class AdapterSettings(BaseModel):
    """The keys every `[adapters.<account>]` table has. Each adapter extends it with its own.

    platform: which adapter serves the table; the table's own name where it is left out.
    agent: the `[agents.<name>]` table that answers here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    platform: str = ""
    agent: str = "default"

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """Tell which keys do not fit together: pairs of a key and what to do about it.

        Asked once, after every key was accepted on its own.
        local: only this machine can reach the built-in server; public_url: how it is reached
        from outside, empty if nobody said.
        """
        return ()

    def keeps_secrets(self) -> bool:
        """Tell whether the account needs `Host.vault`, and so a key in the configuration."""
        return False


@dataclass(frozen=True, slots=True)
class Outline:
    """What a platform's own commands (`adapters/commands.py`) are told of a configuration.

    It may not be finished.

    public_url: empty if nobody said. accounts: the tables of this platform; keys that are
    missing, or were refused, are at their defaults.
    """

    public_url: str
    accounts: Mapping[str, AdapterSettings]


@dataclass(frozen=True, slots=True)
class Platform:
    """How a platform introduces itself to `adapters/registry.py`.

    settings: the model of its `[adapters.<account>]` table; importing it must be cheap.
    adapter: "package.module:Class", imported only when an account uses it and called with
        `(account: str, settings, host: Host)`; None for a platform whose settings are known
        but which this version cannot connect to yet.
    examine: "package.module:function", an `Examine`; None where there is nothing to look at.
    """

    settings: type[AdapterSettings]
    adapter: str | None
    examine: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `coze-bridge check` looked at.

    verdict: "note" for what need not be wrong. text: begins with the key, or the part, and names
    the cure where it is not "ok".
    """

    verdict: Literal["ok", "note", "wrong"]
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an `Examine` is told of the installation.

    public_url: empty if nobody said. is_running: a bridge works with this configuration just
    now, so nothing may be done that would take its events away.
    """

    public_url: str = ""
    is_running: bool = False


class Examine(Protocol):
    """Looks at what an account needs on the side of its platform."""

    async def __call__(
        self, account: str, settings: Any, around: Surroundings
    ) -> Sequence[Finding]:
        """Look, and change nothing: no event is acknowledged, nothing is registered.

        settings: of the platform's own model. Raises `bridge.errors`.
        """


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


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in a `Transcript`. `id` grows with every append in an account."""

    id: int
    chat: str
    author: Literal["user", "bot"]
    text: str
    at: datetime
    buttons: tuple[Button, ...] = ()
    final: bool = True


class Transcript(Protocol):
    """The memory of a platform that has none of its own, such as the web page.

    Telegram and Slack keep their messages; an adapter that *is* its platform lets the bridge
    keep them. Every method belongs to the account it was lent to and returns after commit.
    Raises `Transient` when the database does not answer.
    """

    async def open_chat(self, chat: str) -> None:
        """Make the chat known; does nothing if it is."""

    async def knows(self, chat: str) -> bool:
        """Tell whether the chat was opened before, by this process or an earlier one."""

    async def append(
        self,
        chat: str,
        author: Literal["user", "bot"],
        text: str,
        *,
        key: str,
        buttons: Sequence[Button] = (),
        final: bool = True,
    ) -> Entry:
        """Add a message; with a key that was used before, change that message instead."""

    async def revise(
        self, entry_id: int, text: str, *, buttons: Sequence[Button] = (), final: bool = True
    ) -> Entry:
        """Change a message. Raises `Gone` if there is none."""

    async def tail(self, chat: str, *, limit: int, before: int | None = None) -> list[Entry]:
        """Read the newest `limit` messages, older than the id `before` if given, oldest first."""


class Vault(Protocol):
    """What must outlive the process and be readable to nobody else, such as others' tokens.

    Values are sealed with a key from the configuration; names are not. Every method belongs to
    the account it was lent to and returns after commit. Raises `Transient` when the database
    does not answer.
    """

    async def put(self, name: str, value: str, *, expires: datetime | None = None) -> None:
        """Keep a value, in place of an older one. From `expires` on it is as if removed."""

    async def get(self, name: str) -> str | None:
        """Return the value; None if there is none. Raises `Unauthorised` if no key opens it."""

    async def take(self, name: str) -> str | None:
        """Return the value and remove it: of many who take it at once, one gets it.

        Raises like `get`.
        """

    async def remove(self, name: str) -> None:
        """Remove the value; one that is not there is success."""

    async def names(self, prefix: str) -> list[str]:
        """List what there is whose name begins so."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A command that a platform may offer in a menu: `/word`, and what it is for."""

    word: str
    description: str


class News(Protocol):
    """A word between the replicas of one account. Who is away does not hear it."""

    @property
    def spreads(self) -> bool:
        """Whether there may be others at all."""

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with what others tell, from now on."""

    async def tell(self, text: str) -> None:
        """Let the others know something of at most 4,000 bytes. Raises nothing."""


class Host(Protocol):
    """What the bridge lends to an adapter when it is built."""

    @property
    def transcript(self) -> Transcript: ...

    @property
    def news(self) -> News: ...

    @property
    def menus(self) -> Mapping[str, Sequence[MenuItem]]:
        """The commands by language (ISO 639-1); under the empty one, for all others.

        As of now: an agent that is published anew may have others (see `ShowsMenus`).
        """

    @property
    def public_url(self) -> str:
        """Where the built-in server is reached from outside; empty if nobody said."""

    @property
    def vault(self) -> Vault:
        """Raises `Misconfigured` while `database.secret_key` is not set."""

    async def secret(self, name: str) -> str:
        """Return a random secret of this account, made on first use and stored."""

    async def chat_moved(self, old: str, new: str) -> None:
        """Let everything stored about a chat follow it to its new id.

        Harmless when it happened before. Raises `Transient`; then acknowledge nothing.
        """
