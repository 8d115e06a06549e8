"""A word from one replica to all the others, over LISTEN and NOTIFY."""

import asyncio
import json
import secrets
from collections.abc import Callable

import psycopg
from psycopg import sql

from bridge.errors import Unreachable
from bridge.flow.retry import backoff
from bridge.logs import get

log = get(__name__)

CHANNEL = "coze_bridge"
ALIVE = 5.0  # seconds between two looks at whether the connection still is one


class Calling:
    """What is said while a connection is away is lost: nothing may depend on its being heard."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = secrets.token_hex(8)  # one's own words come back as well
        self._heard: dict[str, Callable[[str], object]] = {}
        self._speaker: psycopg.AsyncConnection | None = None
        self._speaking = asyncio.Lock()

    def on(self, topic: str, heard: Callable[[str], object]) -> None:
        """Call `heard` with what the others say about a topic."""
        self._heard[topic] = heard

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
                    self._take(notice.payload)
                await connection.execute("SELECT 1")

    def _take(self, payload: str) -> None:
        try:
            name, topic, text = json.loads(payload)
        except ValueError:
            log.warning("calling.unreadable")  # from another version, say
            return
        if name != self._name and topic in self._heard:
            self._heard[topic](text)

    async def tell(self, topic: str, text: str) -> None:
        """Say something of at most 7,000 bytes. Raises `Unreachable`."""
        payload = json.dumps([self._name, topic, text], ensure_ascii=False)
        async with self._speaking:
            try:
                speaker = await self._connected()
                await speaker.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
            except psycopg.Error as error:
                await self._hang_up()
                raise Unreachable(f"database: {error}") from error

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._speaker is None or self._speaker.closed:
            self._speaker = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        return self._speaker

    async def close(self) -> None:
        """Say no more."""
        async with self._speaking:
            await self._hang_up()

    async def _hang_up(self) -> None:
        speaker, self._speaker = self._speaker, None
        if speaker is not None:
            await speaker.close()
