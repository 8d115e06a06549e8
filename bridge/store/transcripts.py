"""The messages of platforms that have no memory of their own (`bridge.lent.Transcript`)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, case, select, update

from bridge.errors import Gone
from bridge.events import Button
from bridge.lent import Entry, EntryFile
from bridge.store.codec import BUTTONS, ENTRY_FILES
from bridge.store.run import Store
from bridge.store.tables import transcript, transcript_chats
from bridge.store.upsert import insert, insert_once


class StoredTranscript:
    """The transcript of one account."""

    def __init__(self, store: Store, account: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._account = account
        self._now = now

    async def open_chat(self, chat: str) -> None:
        def job(connection: Connection) -> None:
            row = {"account": self._account, "chat": chat, "created_at": self._now()}
            insert_once(connection, transcript_chats, **row)

        await self._store.write(job)

    async def knows(self, chat: str) -> bool:
        def job(connection: Connection) -> bool:
            here = transcript_chats.c.account == self._account
            statement = select(transcript_chats.c.chat).where(here, transcript_chats.c.chat == chat)
            return connection.execute(statement).first() is not None

        return await self._store.read(job)

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
        content = _content(text, buttons, final=final, rates=rates)
        content["files"] = ENTRY_FILES.dump(tuple(files))

        def job(connection: Connection) -> Entry:
            statement = insert(connection.dialect.name, transcript).values(
                account=self._account,
                chat=chat,
                author=author,
                key=key,
                at=self._now(),
                **content,
            )
            kept = statement.on_conflict_do_update(
                index_elements=["account", "chat", "key"], set_=content
            ).returning(transcript)
            return _entry(connection.execute(kept).one())

        return await self._store.write(job)

    async def revise(
        self,
        entry_id: int,
        text: str,
        *,
        buttons: Sequence[Button] = (),
        final: bool = True,
        rates: bool = False,
    ) -> Entry:
        content = _content(text, buttons, final=final, rates=rates)
        content["rating"] = case((transcript.c.text != text, ""), else_=transcript.c.rating)
        return await self._change(entry_id, content)

    async def rate(self, entry_id: int, rating: str) -> Entry:
        return await self._change(entry_id, {"rating": rating})

    async def _change(self, entry_id: int, values: dict[str, Any]) -> Entry:
        def job(connection: Connection) -> Entry:
            row = connection.execute(
                update(transcript)
                .where(transcript.c.account == self._account, transcript.c.id == entry_id)
                .values(**values)
                .returning(transcript)
            ).first()
            if row is None:
                raise Gone(f"message {entry_id} of {self._account}")
            return _entry(row)

        return await self._store.write(job)

    async def tail(self, chat: str, *, limit: int, before: int | None = None) -> list[Entry]:
        def job(connection: Connection) -> list[Entry]:
            statement = select(transcript).where(
                transcript.c.account == self._account, transcript.c.chat == chat
            )
            if before is not None:
                statement = statement.where(transcript.c.id < before)
            newest = statement.order_by(transcript.c.id.desc()).limit(limit)
            return [_entry(row) for row in connection.execute(newest)][::-1]

        return await self._store.read(job)

    async def files(self, chat: str) -> frozenset[str]:
        def job(connection: Connection) -> frozenset[str]:
            here = (transcript.c.account == self._account, transcript.c.chat == chat)
            statement = select(transcript.c.files).where(*here, transcript.c.files != "[]")
            told = connection.execute(statement).scalars()
            return frozenset(file.id for each in told for file in ENTRY_FILES.load(each))

        return await self._store.read(job)


def _content(text: str, buttons: Sequence[Button], *, final: bool, rates: bool) -> dict[str, Any]:
    return {"text": text, "buttons": BUTTONS.dump(tuple(buttons)), "final": final, "rates": rates}


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        chat=row.chat,
        author=row.author,
        text=row.text,
        at=row.at,
        buttons=BUTTONS.load(row.buttons),
        final=row.final,
        key=row.key,
        files=ENTRY_FILES.load(row.files),
        rates=row.rates,
        rating=row.rating,
    )
