"""A word from one replica to all the others, over LISTEN and NOTIFY."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import psycopg
from psycopg import sql

from bridge.engine.cluster.faults import as_unreachable
from bridge.errors import Unreachable
from bridge.flow.retry import backoff
from bridge.logs import get
from bridge.store.postgres import ABANDONED

log = get(__name__)

CHANNEL = "coze_bridge"
CALM = 10.0  # seconds a connection must have lasted for earlier ones to be forgotten
ALIVE = 5.0  # seconds between two looks at whether the connection still is one
LAST_WORDS = 1.0  # seconds for what is just being said when there is no more to say


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
            began = time.monotonic()
            try:
                with as_unreachable():
                    await self._listen()
            except Unreachable as error:
                attempt = 1 if time.monotonic() - began > CALM else attempt + 1
                log.warning("calling.lost", error=str(error))
            await asyncio.sleep(backoff(attempt))

    async def _listen(self) -> NoReturn:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(ABANDONED)
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while True:
                async for notice in connection.notifies(timeout=ALIVE):
                    self._take(notice.payload)
                await connection.execute("SELECT 1")

    def _take(self, payload: str) -> None:
        try:
            name, topic, text = map(str, json.loads(payload))
        except (ValueError, TypeError):
            log.warning("calling.unreadable")  # from another version, say
            return
        if name == self._name or topic not in self._heard:
            return
        try:
            self._heard[topic](text)
        except Exception:
            log.exception("calling.bug", topic=topic)  # whoever hears must not deafen the others

    async def tell(self, topic: str, text: str) -> None:
        """Say something of at most 7,000 bytes. Raises `Unreachable`."""
        payload = json.dumps([self._name, topic, text], ensure_ascii=False)
        async with self._speaking:
            used = self._speaker is not None
            try:
                await self._say(payload)
            except Unreachable:
                if not used:
                    raise
                await self._say(payload)  # the server was restarted since; twice does no harm

    async def _say(self, payload: str) -> None:
        try:
            with as_unreachable():
                speaker = await self._connected()
                await speaker.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        except BaseException:
            await self._hang_up()
            raise

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._speaker is None or self._speaker.closed:
            self._speaker = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        return self._speaker

    async def close(self) -> None:
        """Say no more. What is just being said, perhaps to nobody, is left to whoever says it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS), self._speaking:
                await self._hang_up()

    async def _hang_up(self) -> None:
        speaker, self._speaker = self._speaker, None
        if speaker is not None:
            await speaker.close()
