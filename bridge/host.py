"""What the bridge lends to an adapter (`bridge.adapter.Host`), kept in the database."""

from collections.abc import Callable
from datetime import datetime

from bridge.store import Store
from bridge.store.secrets import secret
from bridge.store.transcripts import StoredTranscript


class StoreHost:
    """One account's share of the database."""

    def __init__(
        self, store: Store, account: str, public_url: str, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._account = account
        self._public_url = public_url
        self._transcript = StoredTranscript(store, account, now)

    @property
    def transcript(self) -> StoredTranscript:
        return self._transcript

    @property
    def public_url(self) -> str:
        return self._public_url

    async def secret(self, name: str) -> str:
        return await self._store.write(secret(f"{self._account}/{name}"))
