"""A terminal as a platform: one message in, its answer out, for `demo --say`.

Paper cannot be edited, so only text is written that two snapshots agree on: the last words of a
growing answer may still change (an open `**` is closed for display), the rest does not.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile

from adapters.console.settings import ConsoleSettings
from bridge.adapter import Capabilities, Sink
from bridge.errors import Gone
from bridge.events import ChatRef, Inbound, MessageRef, Page, User
from bridge.lent import Host

_CAPS = Capabilities(max_text=1_000_000, edit_interval=0.03, edit_interval_group=0.03)


class ConsoleAdapter:
    """One conversation with whoever sits at the terminal."""

    def __init__(self, account: str, settings: ConsoleSettings, host: Host) -> None:
        self._chat = ChatRef("console", account, "here")
        self._sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()
        self._write: Callable[[str], None] | None = None
        self._seen = self._written = ""
        self._done = asyncio.Event()

    @property
    def caps(self) -> Capabilities:
        return _CAPS

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def run(self, sink: Sink) -> None:
        """Receiving is `ask`; this only lends it the sink."""
        self._sink.set_result(sink)
        await asyncio.Event().wait()

    def trouble(self) -> str | None:
        return None

    async def ask(self, text: str, write: Callable[[str], None]) -> None:
        """Send one message and write its answer as it grows; return when it is whole."""
        self._write = write
        event = Inbound(
            event_id=secrets.token_hex(8),
            chat=self._chat,
            user=User("you"),
            text=text,
            sent_at=datetime.now(UTC),
        )
        sink = await self._sink
        await sink(event)
        await self._done.wait()

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        self._show(page)
        return MessageRef(chat, "1")

    async def edit(self, message: MessageRef, page: Page) -> None:
        self._show(page)

    def _show(self, page: Page) -> None:
        if self._write is None:
            raise Gone("nobody is at the terminal")
        agreed = page.text if page.final else _common(self._seen, page.text)
        if agreed.startswith(self._written):
            self._write(agreed[len(self._written) :])
            self._written = agreed
        elif page.final:
            self._write(f"\n{page.text}")  # the agent took words back: here is the whole answer
        self._seen = page.text
        if page.final:
            self._done.set()


def _common(a: str, b: str) -> str:
    return a[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))]
