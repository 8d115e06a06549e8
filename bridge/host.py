"""What the bridge lends to an adapter (`bridge.lent.Host`), kept in the database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import Misconfigured
from bridge.lent import MenuItem, News
from bridge.menus import menus
from bridge.store import Store
from bridge.store.moves import move_chat
from bridge.store.secrets import secret
from bridge.store.transcripts import StoredTranscript
from bridge.store.vault import StoredVault
from bridge.upstream import Shortcut

if TYPE_CHECKING:
    from bridge.store.seal import Sealer  # loads all of cryptography


class Silence:
    """`News` where there are no other replicas."""

    spreads = False

    def listen(self, heard: Callable[[str], None]) -> None:
        """Nobody will tell anything."""

    async def tell(self, text: str) -> None:
        """Nobody is there to hear it."""


class StoreHost:
    """One account's share of the database, and what it should know.

    sealer: None without `database.secret_key`. shortcuts: of the agent that answers there.
    folder, edit_window: as in `Host`.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something the account is lent
        self,
        store: Store,
        *,
        platform: str,
        account: str,
        public_url: str,
        now: Callable[[], datetime],
        sealer: "Sealer | None" = None,
        shortcuts: Callable[[], Sequence[Shortcut]] = tuple,
        news: News | None = None,
        folder: Path = Path("coze-bridge.files"),
        edit_window: float = 0.0,
    ) -> None:
        self._store = store
        self._platform = platform
        self._account = account
        self._public_url = public_url
        self._shortcuts = shortcuts
        self._news = news or Silence()
        self._folder = folder
        self._edit_window = edit_window
        self._transcript = StoredTranscript(store, account, now)
        self._vault = StoredVault(store, sealer, account, now) if sealer else None

    @property
    def transcript(self) -> StoredTranscript:
        return self._transcript

    @property
    def vault(self) -> StoredVault:
        if self._vault is None:
            raise Misconfigured(
                [f"database.secret_key: missing; adapters.{self._account} needs it"]
            )
        return self._vault

    @property
    def news(self) -> News:
        return self._news

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def edit_window(self) -> float:
        return self._edit_window

    @property
    def public_url(self) -> str:
        return self._public_url

    @property
    def menus(self) -> Mapping[str, Sequence[MenuItem]]:
        return menus(self._shortcuts())

    async def chat_moved(self, old: str, new: str) -> None:
        await self._store.write(move_chat(self._platform, self._account, old, new))

    async def secret(self, name: str) -> str:
        return await self._store.write(secret(f"{self._account}/{name}"))
