"""The files of a question that were dealt with: a run that comes again does nothing twice."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bridge.store.fence import holds_fence
from bridge.store.run import Store
from bridge.store.tables import files
from bridge.store.turns import Turn
from bridge.store.upsert import put

SPEECH = "text"
"""The kind of a file of which only what is said in it goes on."""

_OF = select(files).where(files.c.turn == bindparam("turn"))


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What became of one file.

    kind: of `bridge.upstream.PartKind`, or `SPEECH`; empty for one that was refused.
    content: its id at Coze, or what is said in it. refused: why; empty if it was not.
    """

    kind: str = ""
    content: str = ""
    refused: str = ""


class StoredFiles:
    """Raises `Unreachable` (database), `Fenced`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, turn: int) -> dict[int, StoredFile]:
        """Those of a turn, by their numbers among all files of the question."""

        def job(connection: Connection) -> dict[int, StoredFile]:
            rows = connection.execute(_OF, {"turn": turn})
            return {row.number: StoredFile(row.kind, row.content, row.refused) for row in rows}

        return await self._store.read(job)

    async def keep(self, turn: Turn, number: int, file: StoredFile) -> None:
        """Remember what became of a file."""

        def job(connection: Connection) -> None:
            holds_fence(connection, turn)
            told = {"kind": file.kind, "content": file.content, "refused": file.refused}
            put(connection, files, turn=turn.id, number=number, **told)

        await self._store.write(job)
