"""A transcript without a database, and a host to lend it."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from bridge.errors import Gone, Unreachable
from bridge.events import Button
from bridge.lent import Entry, EntryFile, MenuItem, Transcript, Vault
from bridge.testing.vault import MemoryVault


class MemoryTranscript:
    """`bridge.lent.Transcript` in memory.

    failing: while true every call raises `Unreachable`, like a database that does not answer.
    """

    def __init__(self) -> None:
        self.failing = False
        self._chats: set[str] = set()
        self._entries: dict[int, Entry] = {}
        self._ids: dict[str, int] = {}

    def forget(self, chat: str) -> None:
        """Lose a chat and its messages, as after a restore of an old database."""
        self._chats.discard(chat)
        self._entries = {n: e for n, e in self._entries.items() if e.chat != chat}

    async def open_chat(self, chat: str) -> None:
        self._answer()
        self._chats.add(chat)

    async def knows(self, chat: str) -> bool:
        self._answer()
        return chat in self._chats

    async def append(  # noqa: PLR0913 - as `Transcript` has it
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
        self._answer()
        known = self._ids.get(key)
        if known is None or known not in self._entries:
            known = self._ids[key] = max(self._entries, default=0) + 1
            self._entries[known] = Entry(known, chat, author, "", datetime.now(UTC), key=key)
        content = {"text": text, "buttons": tuple(buttons), "files": tuple(files)}
        return self._change(known, final=final, rates=rates, **content)

    async def revise(
        self,
        entry_id: int,
        text: str,
        *,
        buttons: Sequence[Button] = (),
        final: bool = True,
        rates: bool = False,
    ) -> Entry:
        self._answer()
        content = {"text": text, "buttons": tuple(buttons), "final": final, "rates": rates}
        if entry_id in self._entries and self._entries[entry_id].text != text:
            content["rating"] = ""
        return self._change(entry_id, **content)

    async def rate(self, entry_id: int, rating: str) -> Entry:
        self._answer()
        return self._change(entry_id, rating=rating)

    def _change(self, entry_id: int, **values: Any) -> Entry:
        if entry_id not in self._entries:
            raise Gone("no such message")
        self._entries[entry_id] = replace(self._entries[entry_id], **values)
        return self._entries[entry_id]

    async def tail(self, chat: str, *, limit: int, before: int | None = None) -> list[Entry]:
        self._answer()
        older = [
            entry
            for entry in self._entries.values()
            if entry.chat == chat and (before is None or entry.id < before)
        ]
        return older[-limit:]

    async def files(self, chat: str) -> set[str]:
        self._answer()
        entries = [entry for entry in self._entries.values() if entry.chat == chat]
        return {file.id for entry in entries for file in entry.files}

    def _answer(self) -> None:
        if self.failing:
            raise Unreachable("the database does not answer")


class FakeNews:
    """What replicas tell each other, in one process. peers: all of them, this one too."""

    def __init__(self, peers: "list[FakeNews] | None" = None) -> None:
        self.spreads = peers is not None
        self._peers = peers if peers is not None else []
        self._peers.append(self)
        self._heard: Callable[[str], None] = lambda _: None

    def listen(self, heard: Callable[[str], None]) -> None:
        """Hear what the others tell."""
        self._heard = heard

    async def tell(self, text: str) -> None:
        """Let the others hear it."""
        for peer in self._peers:
            if peer is not self:
                peer._heard(text)


@dataclass(slots=True)
class FakeHost:
    """`bridge.lent.Host` for one account; its secrets live as long as it does."""

    transcript: Transcript = field(default_factory=MemoryTranscript)
    vault: Vault = field(default_factory=MemoryVault)
    public_url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    menus: Mapping[str, Sequence[MenuItem]] = field(default_factory=dict)
    moves: list[tuple[str, str]] = field(default_factory=list)
    news: FakeNews = field(default_factory=FakeNews)
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="coze-bridge-test-")))
    edit_window: float = 300.0

    async def chat_moved(self, old: str, new: str) -> None:
        """Note the move."""
        self.moves.append((old, new))

    async def secret(self, name: str) -> str:
        """Return a random secret, the same for the same name."""
        return self.secrets.setdefault(name, secrets.token_urlsafe(16))
