"""What is on the readers' screens right now, and who is reading.

Texts grow many times a second; readers differ in speed. So nothing is queued: a `Subscriber`
knows how much of each message its reader has, and its next frame brings it to the newest text,
whatever happened in between. A frame is serialised once for all who stand at the same point.
"""

import asyncio
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Literal

from bridge.events import Button, Wanted
from bridge.lent import Entry, EntryFile

TYPING_LASTS = 6.0  # seconds a page shows the sign after the last call
_CAN_GIVE = frozenset([Wanted.WORDS, Wanted.LOCATION])  # a browser knows no telephone number
MOST_READERS = 20  # open pages of one visitor; a browser's own limit for one server is six
_CLIENTS_KEPT = 50  # a page that missed the answer to its POST asks again within so many messages

# A page outlives this process, so a handle must not come again in the next one.
_handles = (f"{secrets.token_hex(4)}-{number}" for number in count(1))


@dataclass(eq=False, slots=True)
class Item:
    """One message while it changes.

    id: the transcript's; None until the first commit. `handle` names it from the start.
    client: the id its author's page gave it, so that the page knows its own words again.
    """

    author: Literal["user", "bot"]
    text: str
    at: float
    id: int | None = None
    handle: str = ""
    client: str = ""
    buttons: tuple[Button, ...] = ()
    final: bool = True
    files: tuple[EntryFile, ...] = ()
    rates: bool = False
    rating: str = ""
    withdrawn: bool = False
    _frames: dict[int | None, bytes] = field(default_factory=dict)

    def facts(self) -> dict[str, object]:
        """All but the text, as the page reads it."""
        facts: dict[str, object] = {"author": self.author, "at": self.at, "final": self.final}
        optional = {
            "id": self.id,
            "key": self.handle,
            "client": self.client,
            "buttons": [_button(each) for each in self.buttons if each.wants in _CAN_GIVE],
            "files": [asdict(file) for file in self.files],
            "rates": self.rates and self.final,
            "rating": self.rating,
            "withdrawn": self.withdrawn,
        }
        return facts | {name: value for name, value in optional.items() if value}

    def frame(self, standing: int | None) -> bytes:
        """Bring a reader up to date who has the first `standing` characters; None: nothing."""
        made = self._frames.get(standing)
        if made is None:
            made = self._frames[standing] = sse("upsert", self.facts() | self._text(standing))
        return made

    def _text(self, standing: int | None) -> dict[str, object]:
        if standing is None:
            return {"text": self.text}
        kept = len(self.text[:standing].encode("utf-16-le")) // 2
        return {"keep": kept, "append": self.text[standing:]}

    def changed(self) -> None:
        """Forget the frames that showed it as it was."""
        self._frames.clear()


class Subscriber:
    """One open page. Its writer awaits `frames()`; everybody else only leaves marks."""

    def __init__(self) -> None:
        self._standing: dict[Item, int] = {}
        self._dirty: dict[Item, None] = {}
        self._typing = False
        self._woken = asyncio.Event()
        self.over = False

    def mark(self, item: Item, unchanged: int) -> None:
        """`item` changed behind its first `unchanged` characters."""
        if item in self._standing:
            self._standing[item] = min(self._standing[item], unchanged)
        self._dirty[item] = None
        self._typing = self._typing and item.author == "user"
        self._woken.set()

    def mark_typing(self) -> None:
        """Somebody is typing."""
        self._typing = True
        self._woken.set()

    def has(self, item: Item) -> None:
        """The reader was just given the whole of `item`."""
        self._standing[item] = len(item.text)
        self._dirty.pop(item, None)

    def end(self) -> None:
        """No more frames: the page may connect again."""
        self.over = True
        self._woken.set()

    async def frames(self, timeout: float) -> bytes:  # noqa: ASYNC109 - not an error but a beat
        """Wait for marks and return what brings the reader up to date; b"" after `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                await self._woken.wait()
        except TimeoutError:
            return b""
        self._woken.clear()
        return self._newest()

    def _newest(self) -> bytes:
        dirty, self._dirty = self._dirty, {}
        parts = [item.frame(self._standing.get(item)) for item in dirty]
        for item in dirty:
            if item.final or item.withdrawn:
                self._standing.pop(item, None)
            else:
                self._standing[item] = len(item.text)
        if self._typing:
            self._typing = False
            parts.append(sse("typing", {"seconds": TYPING_LASTS}))
        return b"".join(parts)


class LiveChat:
    """The messages of one chat that are changing, and its readers."""

    def __init__(self) -> None:
        self.subscribers: dict[Subscriber, None] = {}  # the oldest first
        self.items: dict[Item, None] = {}
        self._clients: dict[int, str] = {}
        self._typing_until = 0.0

    @property
    def is_idle(self) -> bool:
        """Nothing here that is not in the transcript."""
        return not self.subscribers and not self.items

    def join(self) -> Subscriber:
        """Let one more page read. The oldest, most likely left behind long ago, makes room."""
        while len(self.subscribers) >= MOST_READERS:
            self.leave(next(iter(self.subscribers)))
        reader = Subscriber()
        self.subscribers[reader] = None
        return reader

    def leave(self, reader: Subscriber) -> None:
        """Let a page go, if it is still here."""
        reader.end()
        self.subscribers.pop(reader, None)

    def heard(self, entry: Entry, client: str) -> None:
        """Show a visitor's message, and remember for a while what their page called it."""
        self._clients[entry.id] = client
        while len(self._clients) > _CLIENTS_KEPT:
            del self._clients[next(iter(self._clients))]
        self.push(self._stored(entry))

    def begin(self, item: Item) -> Item:
        """Show a message that has no id yet."""
        item.handle = next(_handles)
        self.items[item] = None
        self.push(item)
        return item

    def find(self, entry_id: int) -> Item | None:
        """Return the message if it is changing."""
        return next((item for item in self.items if item.id == entry_id), None)

    def update(self, item: Item, now: Item) -> None:
        """Show the message as `now` has it."""
        unchanged = common_prefix(item.text, now.text)
        if unchanged < max(len(item.text), len(now.text)):
            item.rating = ""  # nobody has rated these words yet
        item.text, item.buttons, item.final = now.text, now.buttons, now.final
        item.rates = now.rates
        self.push(item, unchanged)

    def settle(self, item: Item, entry: Entry) -> None:
        """The transcript has it: take its id, and let go of it once it is final.

        A repeated send finds the id taken by the first attempt, which it replaces.
        """
        first = self.find(entry.id)
        if first is not None and first is not item:
            del self.items[first]
        if item.id != entry.id:
            item.id = entry.id
            self.push(item, len(item.text))
        if item.final:
            self.items.pop(item, None)

    def told(self, entry: Entry) -> None:
        """Show a message as another replica has stored it."""
        item = self.find(entry.id)
        if item is None:
            item = self._stored(entry)
            self.items[item] = None
            self.push(item)
        else:
            self.update(item, from_entry(entry))
            item.files, item.rating = entry.files, entry.rating
        if item.final:
            self.items.pop(item, None)

    def withdraw(self, item: Item) -> None:
        """Take a message away that could not be stored."""
        item.withdrawn = True
        self.items.pop(item, None)
        self.push(item, len(item.text))

    def push(self, item: Item, unchanged: int = 0) -> None:
        """Let every reader know. `unchanged`: how many leading characters are as before."""
        item.changed()
        for subscriber in self.subscribers:
            subscriber.mark(item, unchanged)
        if item.author == "bot":
            self._typing_until = 0.0

    def push_typing(self, now: float) -> None:
        """Show the sign for `TYPING_LASTS` seconds from `now` (any monotonic clock)."""
        self._typing_until = now + TYPING_LASTS
        for subscriber in self.subscribers:
            subscriber.mark_typing()

    def snapshot(
        self, reader: Subscriber, entries: Iterable[Entry], *, more: bool, now: float
    ) -> bytes:
        """Return all a new reader needs: stored messages, overlaid with what is changing.

        No await between this and the first `frames()` is needed: a message that changed since
        `entries` were read is either still live, or already marked for `reader`.
        """
        live = {item.id: item for item in self.items if item.id is not None}
        stored = [
            live.pop(entry.id) if entry.id in live else self._stored(entry) for entry in entries
        ]
        oldest = stored[0].id if stored and stored[0].id else 0
        newer = [item for item in self.items if item.id is None or item.id in live]
        shown = stored + [item for item in newer if item.id is None or item.id > oldest]
        for item in shown:
            if item in self.items:
                reader.has(item)
        typing = max(0.0, round(self._typing_until - now, 1))
        return sse(
            "snapshot", {"entries": [whole(item) for item in shown], "more": more, "typing": typing}
        )

    def _stored(self, entry: Entry) -> Item:
        return from_entry(entry, self._clients.get(entry.id, ""))


def from_entry(entry: Entry, client: str = "") -> Item:
    """Return a transcript entry as a message."""
    return Item(
        author=entry.author,
        text=entry.text,
        at=entry.at.timestamp(),
        id=entry.id,
        client=client,
        buttons=entry.buttons,
        final=entry.final,
        files=entry.files,
        rates=entry.rates,
        rating=entry.rating,
    )


def _button(button: Button) -> dict[str, str]:
    facts = {"label": button.label, "says": button.says}
    return facts | ({"wants": button.wants.value} if button.wants else {})


def whole(item: Item) -> dict[str, object]:
    """Return a message with all its text, as the page reads it."""
    return item.facts() | {"text": item.text}


def sse(event: str, data: object) -> bytes:
    """Frame one server-sent event."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event}\ndata: {body}\n\n".encode()


def common_prefix(old: str, new: str) -> int:
    """Count the leading characters both share.

    By bisection over slices: streamed texts mostly grow at the end, and may be 32,000 long.
    """
    if new.startswith(old):
        return len(old)
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
