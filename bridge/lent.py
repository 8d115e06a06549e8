"""What the bridge lends to an adapter when it is built."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from bridge.events import Button


@dataclass(frozen=True, slots=True)
class EntryFile:
    """A file of an `Entry`; the adapter itself keeps what is in it.

    id: the adapter's own. size: bytes. mime: what a reader may be shown it as; empty where it
    is only to be saved.
    """

    id: str
    name: str
    size: int
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in a `Transcript`. `id` grows with every append in an account.

    key: what it was appended under. rates, rating: whether its reader may say what they think of
    it, and the word they said; empty if none.
    """

    id: int
    chat: str
    author: Literal["user", "bot"]
    text: str
    at: datetime
    buttons: tuple[Button, ...] = ()
    final: bool = True
    key: str = ""
    files: tuple[EntryFile, ...] = ()
    rates: bool = False
    rating: str = ""


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

    async def append(  # noqa: PLR0913 - by name, and each is a part of the message
        self,
        chat: str,
        author: Literal["user", "bot"],
        text: str,
        *,
        key: str,
        buttons: Sequence[Button] = (),
        final: bool = True,
        files: Sequence[EntryFile] = (),
        rates: bool = False,
    ) -> Entry:
        """Add a message; with a key that was used before, change that message instead."""

    async def revise(
        self,
        entry_id: int,
        text: str,
        *,
        buttons: Sequence[Button] = (),
        final: bool = True,
        rates: bool = False,
    ) -> Entry:
        """Change a message; other words have not been rated yet. Raises `Gone` if there is none."""

    async def rate(self, entry_id: int, rating: str) -> Entry:
        """Keep what its reader thinks of a message, a word of at most 8. Raises like `revise`."""

    async def tail(self, chat: str, *, limit: int, before: int | None = None) -> list[Entry]:
        """Read the newest `limit` messages, older than the id `before` if given, oldest first."""

    async def files(self, chat: str) -> Collection[str]:
        """Tell the ids of the files that there still is a message for."""


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
    def folder(self) -> Path:
        """Where the account may keep files, beside the database; not made yet."""

    @property
    def edit_window(self) -> float:
        """Seconds in which a changed question is asked again; 0 if none is."""

    @property
    def vault(self) -> Vault:
        """Raises `Misconfigured` while `database.secret_key` is not set."""

    async def secret(self, name: str) -> str:
        """Return a random secret of this account, made on first use and stored."""

    async def chat_moved(self, old: str, new: str) -> None:
        """Let everything stored about a chat follow it to its new id.

        Harmless when it happened before. Raises `Transient`; then acknowledge nothing.
        """
