"""Socket Mode in connections of our own.

The library's client puts what arrives into a queue without an end, hands out each envelope as a
task of its own whatever became of the one before, closes its old connection before it opens the
next, and keeps a refused token to itself. Here a connection that is told to go finishes what it
was told while its successor is opened, and there are two, so that one is always there.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.bolt import Gate
from adapters.slack.envelopes import Conversation, read
from adapters.slack.faults import as_bridge_errors
from bridge.errors import BridgeError, Transient, Unauthorised, Unreachable
from bridge.foreign import text
from bridge.logs import get

log = get(__name__)

CONNECTIONS = 2
PATIENCE = 20.0  # seconds until a connection stands, or there is none
HEARTBEAT = 10.0  # seconds between pings; without an answer the connection is dead
LAST_WORDS = 5.0  # seconds a connection that was told to go has for its acknowledgements
SHORT_LIFE = 1.0  # seconds; a connection that did not live longer is not replaced at once
WAITS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between attempts to connect


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds; see the constants."""

    patience: float = PATIENCE
    heartbeat: float = HEARTBEAT
    last_words: float = LAST_WORDS
    short_life: float = SHORT_LIFE
    waits: Sequence[float] = WAITS


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where connections come from. client: calls with the app-level token."""

    client: AsyncWebClient
    session: aiohttp.ClientSession
    timing: Timing

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        """Open a connection that Slack has greeted. Raises `Unauthorised`, `BridgeError`."""
        with as_bridge_errors():
            async with asyncio.timeout(self.timing.patience):
                address = await self._address()
                socket = await self.session.ws_connect(address, heartbeat=self.timing.heartbeat)
                await _greeted(socket)
        return socket

    async def _address(self) -> str:
        opened = await self.client.apps_connections_open(app_token=self.client.token or "")
        return text(opened.get("url"))


async def _greeted(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Wait for `hello`. Raises `Unreachable` where Slack says something else."""
    try:
        frame = read(await socket.receive())
        if frame.get("type") == "hello":
            return
        reason = text(frame.get("reason")) or "no greeting"
        raise Unreachable(f"Slack refused the connection: {reason}", code=reason)
    except BaseException:
        await socket.close()
        raise


class Sockets:
    """All connections of one account."""

    def __init__(self, gate: Gate, exchange: Exchange, *, connections: int = CONNECTIONS) -> None:
        self._lines = [Line(gate, exchange) for _ in range(connections)]

    def trouble(self) -> str | None:
        """Why nothing can arrive; None while one connection stands."""
        troubles = [line.trouble for line in self._lines]
        return None if None in troubles else troubles[0]

    async def run(self) -> None:
        """Stay connected until cancelled, whatever happens. Raises `Unauthorised`."""
        running = [asyncio.create_task(line.run(), name="slack line") for line in self._lines]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _end(running)


class Line:
    """One connection after the other. trouble: None while one stands."""

    def __init__(self, gate: Gate, exchange: Exchange) -> None:
        self._gate = gate
        self._exchange = exchange
        self._leaving: set[asyncio.Task[None]] = set()
        self.trouble: str | None = "has not connected yet"

    async def run(self) -> None:
        """Stay connected until cancelled. Raises `Unauthorised`."""
        failures = 0
        try:
            while True:
                try:
                    await self._listen(await self._exchange.connect())
                    failures = 0  # only now: Slack greets one too many before it is told to go
                except Unauthorised:
                    raise
                except BridgeError as error:
                    await self._pause(failures, error)
                    failures += 1
        finally:
            self.trouble = "not connected any more"
            await _end(self._leaving)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Use a connection for as long as it lives. Raises `Unreachable` if that was not long."""
        self.trouble, since = None, time.monotonic()
        talk = Conversation(self._gate, socket)
        try:
            told_to_go = await talk.listen()
        except BaseException:
            await talk.end()
            raise
        self._let_go(talk)
        log.info("socket.closed", told_to_go=told_to_go)
        if not told_to_go:
            self.trouble = "the connection was lost"
        if time.monotonic() - since < self._exchange.timing.short_life:
            raise Unreachable("the connection did not last")

    def _let_go(self, talk: Conversation) -> None:
        """Let a connection finish while the next one is opened."""
        last_words = talk.finish(within=self._exchange.timing.last_words)
        task = asyncio.create_task(last_words, name="last words")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _pause(self, failures: int, error: BridgeError) -> None:
        """Wait before the next attempt: longer each time, and not all at the same moment."""
        self.trouble = f"not connected: {error}"
        waits = self._exchange.timing.waits
        wait = waits[min(failures, len(waits) - 1)] * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        told = error.retry_after if isinstance(error, Transient) else None
        wait = max(wait, told or 0.0)
        log.warning("socket.not_connected", error=str(error), again_in=wait)
        await asyncio.sleep(wait)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
