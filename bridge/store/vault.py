"""Sealed values by name (`bridge.lent.Vault`), such as the tokens of other people's workspaces.

Names and times can be read in the database; values cannot.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from bridge.errors import Unauthorised
from bridge.store.run import Job, Store
from bridge.store.tables import vault
from bridge.store.upsert import put

if TYPE_CHECKING:
    from bridge.store.seal import Sealer  # loads all of cryptography


class StoredVault:
    """The vault of one account."""

    def __init__(
        self, store: Store, sealer: "Sealer", account: str, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._account = account
        self._now = now

    async def put(self, name: str, value: str, *, expires: datetime | None = None) -> None:
        sealed = self._sealer.seal(self._label(name), value)
        now = self._now()

        def job(connection: Connection) -> None:
            # Here, because nothing else need ever come by: what nobody took goes as well.
            mine = vault.c.account == self._account
            connection.execute(delete(vault).where(mine, vault.c.expires_at <= now))
            row = {"account": self._account, "name": name}
            put(connection, vault, **row, value=sealed, expires_at=expires)

        await self._store.write(job)

    async def get(self, name: str) -> str | None:
        def job(connection: Connection) -> str | None:
            row = connection.execute(
                select(vault.c.value).where(self._here(), vault.c.name == name)
            ).first()
            return row.value if row else None

        return self._opened(name, await self._store.read(job))

    async def take(self, name: str) -> str | None:
        def job(connection: Connection) -> str | None:
            statement = (
                delete(vault).where(self._here(), vault.c.name == name).returning(vault.c.value)
            )
            row = connection.execute(statement).first()
            return row.value if row else None

        return self._opened(name, await self._store.write(job))

    async def remove(self, name: str) -> None:
        def job(connection: Connection) -> None:
            connection.execute(delete(vault).where(self._here(), vault.c.name == name))

        await self._store.write(job)

    async def names(self, prefix: str) -> list[str]:
        def job(connection: Connection) -> list[str]:
            begins = func.substr(vault.c.name, 1, len(prefix)) == prefix
            statement = select(vault.c.name).where(self._here(), begins).order_by(vault.c.name)
            return list(connection.execute(statement).scalars())

        return await self._store.read(job)

    def _here(self) -> ColumnElement[bool]:
        """This account's, and not expired."""
        lasts = or_(vault.c.expires_at.is_(None), vault.c.expires_at > self._now())
        return and_(vault.c.account == self._account, lasts)

    def _opened(self, name: str, sealed: str | None) -> str | None:
        return None if sealed is None else self._sealer.open(self._label(name), sealed)

    def _label(self, name: str) -> str:
        return f"{self._account}/{name}"


def renew(sealer: "Sealer") -> Job[int]:
    """Seal everything with the newest key, so that an older one can be thrown away.

    Returns how many values none of the keys opens; they stay as they are.
    """

    def job(connection: Connection) -> int:
        unreadable = 0
        for row in connection.execute(select(vault)).all():
            try:
                fresh = sealer.renewed(row.value)
            except Unauthorised:
                unreadable += 1
                continue
            if fresh is not None:
                same = (vault.c.account == row.account, vault.c.name == row.name)
                # Unless another replica put something there meanwhile.
                unchanged = update(vault).where(*same, vault.c.value == row.value)
                connection.execute(unchanged.values(value=fresh))
        return unreadable

    return job
