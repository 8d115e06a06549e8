"""Where visitors hand things in: messages, changed ones, and what they think of an answer."""

from datetime import UTC, datetime

from aiohttp import web

from adapters.web import normalise
from adapters.web.chats import Chats
from adapters.web.faults import Refused, bad_request
from adapters.web.normalise import Posted, event_of, key_of
from adapters.web.reception import Reception, answer
from adapters.web.shelf import Kept, Shelf
from bridge.adapter import Sink
from bridge.errors import Transient
from bridge.lent import Entry, EntryFile


class Desk:
    """Takes things in: into the transcript, into the sink, and only then says yes.

    edit_window: seconds in which a message can be changed; 0 for never.
    sink: where messages go while the adapter runs; None answers 503.
    """

    def __init__(
        self,
        account: str,
        chats: Chats,
        reception: Reception,
        shelf: Shelf,
        edit_window: float = 0.0,
    ) -> None:
        self._account = account
        self._chats = chats
        self._reception = reception
        self._shelf = shelf
        self._edit_window = edit_window
        self.sink: Sink | None = None

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Take a message, or other words for one."""
        visitor = await self._reception.writer(request)
        message = normalise.posted(await self._reception.body(request))
        sink = self._open_sink()
        if message.edits:
            entry = await self._changed(visitor.chat, message)
            await sink(normalise.edited(self._account, message, entry, datetime.now(UTC)))
            await self._show(entry)
        else:
            entry, files = await self._appended(visitor.chat, message)
            await sink(normalise.inbound(self._account, message, entry, files))
            self._chats.live(visitor.chat).heard(entry, message.id)
            await self._chats.tell(visitor.chat, entry.id)
            self._chats.tidy(visitor.chat)
        return answer({"id": entry.id}, status=202)

    async def rate(self, request: web.Request) -> web.StreamResponse:
        """Take what somebody thinks of an answer, changed and withdrawn too."""
        visitor = await self._reception.writer(request)
        rated = normalise.rated(await self._reception.body(request))
        sink = self._open_sink()
        entry = await self._chats.entry(visitor.chat, rated.about)
        if entry is None or not entry.rates:
            raise Refused(404, "unknown_message", "There is no such answer to rate.")
        await sink(normalise.feedback(self._account, rated, entry, datetime.now(UTC)))
        await self._show(await self._chats.transcript.rate(entry.id, rated.kept))
        return answer({"id": entry.id}, status=202)

    def _open_sink(self) -> Sink:
        if self.sink is None:
            raise Transient("not accepting messages")
        return self.sink

    async def _appended(self, chat: str, message: Posted) -> tuple[Entry, list[Kept]]:
        files = [await self._file(chat, file_id) for file_id in message.files]
        entry = await self._chats.transcript.append(
            chat,
            "user",
            message.text,
            key=key_of(chat, message.id),
            files=[entry_file(file) for file in files],
        )
        return entry, files

    async def _file(self, chat: str, file_id: str) -> Kept:
        found = await self._shelf.find(chat, file_id)
        if found is None:
            raise bad_request("A file of this message is not there; attach it again.")
        return found

    async def _changed(self, chat: str, message: Posted) -> Entry:
        """Put other words in a message's place. Raises `Refused` (404, 409)."""
        entry = await self._chats.entry(chat, message.edits)
        if entry is None or entry.author != "user" or event_of(entry) is None:
            raise Refused(404, "unknown_message", "There is no such message of yours.")
        age = (datetime.now(UTC) - entry.at).total_seconds()
        if age > self._edit_window:
            raise Refused(409, "too_late", "This message can no longer be changed.")
        return await self._chats.transcript.revise(entry.id, message.text)

    async def _show(self, entry: Entry) -> None:
        """Let every reader see a message as it is now."""
        self._chats.live(entry.chat).told(entry)
        self._chats.tidy(entry.chat)
        await self._chats.tell(entry.chat, entry.id)


def entry_file(file: Kept) -> EntryFile:
    """Return what the transcript remembers of a file."""
    return EntryFile(file.id, file.name, file.size, file.shows)
