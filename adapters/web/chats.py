"""The chats of one account: what is on screens, over what is stored."""

from adapters.web.live import Item, LiveChat, from_entry
from bridge.errors import Gone
from bridge.lent import Entry, News, Transcript

_REMEMBERED = 100_000  # chats known without asking the transcript; about 10 MB


class Chats:
    """Finds a chat's live side, and keeps it no longer than there is something in it."""

    def __init__(self, transcript: Transcript, news: News) -> None:
        self.transcript = transcript
        self.news = news
        self._live: dict[str, LiveChat] = {}
        self._known: set[str] = set()

    def live(self, chat: str) -> LiveChat:
        """Return the live side; put something into it before the next await."""
        return self._live.setdefault(chat, LiveChat())

    def seen(self, chat: str) -> LiveChat | None:
        """Return the live side if there is one."""
        return self._live.get(chat)

    def tidy(self, chat: str) -> None:
        """Forget a live side that has become empty."""
        live = self._live.get(chat)
        if live is not None and live.is_idle:
            del self._live[chat]

    def hang_up(self) -> None:
        """End every event stream."""
        for live in self._live.values():
            for subscriber in live.subscribers:
                subscriber.end()

    async def knows(self, chat: str) -> bool:
        """Tell whether somebody opened the chat; each message asks, so the answer is kept."""
        if chat in self._known:
            return True
        known = await self.transcript.knows(chat)
        if known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known.add(chat)
        return known

    async def must_know(self, chat: str) -> None:
        """Raise `Gone` for a chat nobody opened, as far as the transcript knows now."""
        if not await self.transcript.knows(chat):
            raise Gone("no such chat")

    async def newest(
        self, chat: str, limit: int, before: int | None = None
    ) -> tuple[list[Entry], bool]:
        """Read up to `limit` entries, oldest first, and whether there are older ones."""
        entries = await self.transcript.tail(chat, limit=limit + 1, before=before)
        return entries[-limit:], len(entries) > limit

    async def entry(self, chat: str, entry_id: int) -> Entry | None:
        """Read one message of a chat, if it has it."""
        found = await self.transcript.tail(chat, limit=1, before=entry_id + 1)
        return found[0] if found and found[0].id == entry_id else None

    async def take_up(self, chat: str, entry_id: int) -> Item:
        """Return a message that changes: live already, or stored, as after a restart.

        Raises `Gone` if the chat has none of that id.
        """
        item = self._find(chat, entry_id)
        if item is not None:
            return item
        entry = await self.entry(chat, entry_id)
        if entry is None:
            raise Gone("no such message")
        item = self._find(chat, entry_id) or from_entry(entry)
        self.live(chat).items[item] = None
        return item

    async def tell(self, chat: str, entry_id: int) -> None:
        """Let the readers at other replicas see what changed."""
        await self.news.tell(f"{entry_id} {chat}")

    async def refresh(self, chat: str, entry_id: int) -> None:
        """Show a message that another replica has changed, if anybody reads the chat here."""
        live = self._live.get(chat)
        if live is None or not live.subscribers:
            return
        entry = await self.entry(chat, entry_id)
        if entry is not None:
            live.told(entry)
            self.tidy(chat)

    def _find(self, chat: str, entry_id: int) -> Item | None:
        live = self._live.get(chat)
        return None if live is None else live.find(entry_id)
