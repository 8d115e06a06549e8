"""What the bridge lends to an adapter (`bridge.adapter.Host`), kept in the database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bridge.adapter import MenuItem
from bridge.phrases import MENU
from bridge.store import Store
from bridge.store.moves import move_chat
from bridge.store.secrets import secret
from bridge.store.transcripts import StoredTranscript


class StoreHost:
    """One account's share of the database."""

    def __init__(
        self,
        store: Store,
        *,
        platform: str,
        account: str,
        public_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._platform = platform
        self._account = account
        self._public_url = public_url
        self._transcript = StoredTranscript(store, account, now)

    @property
    def transcript(self) -> StoredTranscript:
        return self._transcript

    @property
    def public_url(self) -> str:
        return self._public_url

    @property
    def menus(self) -> Mapping[str, Sequence[MenuItem]]:
        return {
            language: [MenuItem(word, text) for word, text in menu.items()]
            for language, menu in MENU.items()
        }

    async def chat_moved(self, old: str, new: str) -> None:
        await self._store.write(move_chat(self._platform, self._account, old, new))

    async def secret(self, name: str) -> str:
        return await self._store.write(secret(f"{self._account}/{name}"))
