"""A word to all replicas at once: "stop what this lane is answering"."""

import asyncio
from collections.abc import Callable

import psycopg
from psycopg import sql

from bridge.errors import Unreachable
from bridge.flow.retry import backoff
from bridge.logs import get

log = get(__name__)

CHANNEL = "coze_bridge_stop"
ALIVE = 5.0  # seconds between two looks at whether the connection still is one


class Calling:
    """LISTEN and NOTIFY. What is lost while the connection is away was no promise."""

    def __init__(self, url: str, heard: Callable[[str], object]) -> None:
        self._url = url
        self._heard = heard

    async def listen(self) -> None:
        """Hear, until cancelled; connects again whenever that is needed."""
        attempt = 0
        while True:
            try:
                await self._listen()
                attempt = 0
            except psycopg.Error as error:
                attempt += 1
                log.warning("calling.lost", error=str(error))
            await asyncio.sleep(backoff(attempt))

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while True:
                async for notice in connection.notifies(timeout=ALIVE):
                    self._heard(notice.payload)
                await connection.execute("SELECT 1")

    async def tell(self, lane: str) -> None:
        """Say it. Raises `Unreachable`."""
        try:
            async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as there:
                await there.execute("SELECT pg_notify(%s, %s)", (CHANNEL, lane))
        except psycopg.Error as error:
            raise Unreachable(f"database: {error}") from error
