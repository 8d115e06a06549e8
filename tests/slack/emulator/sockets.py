"""Socket Mode: WebSockets the app opened, each payload to one of them at random.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import itertools
import json
import random
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.slack.emulator.deliveries import Deliveries, Delivery, Failed
from tests.slack.emulator.params import Json

MOST = 10  # connections of one app
HEARTBEAT = 10.0  # seconds between the pings of this side


class Lost(Exception):
    """The connection was gone before the acknowledgement came."""


@dataclass(slots=True, eq=False)
class Connection:
    """One WebSocket. retiring: it was told to go, and gets nothing any more."""

    id: str
    socket: web.WebSocketResponse
    request: web.Request
    retiring: bool = False
    carried: int = 0
    unanswered: dict[str, "asyncio.Future[object]"] = field(default_factory=dict)

    async def tell(self, frame: Json) -> None:
        await self.socket.send_str(json.dumps(frame, ensure_ascii=False))

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Say that it will be closed. `warning`: soon; it is still used until then."""
        self.retiring = self.retiring or reason != "warning"
        await self.tell(
            {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
        )

    def drop(self) -> None:
        """Break it, without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()

    def lose(self) -> None:
        for waiting in self.unanswered.values():
            if not waiting.done():
                waiting.set_exception(Lost())


class Sockets:
    """The connections of the app.

    opened: how many there ever were. strange: what came that acknowledged nothing.
    """

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._serial = itertools.count(1)
        self._dice = random.Random("which connection")
        self._sent: dict[str, Delivery] = {}
        self.deliveries: Deliveries
        self.connections: list[Connection] = []
        self.opened = 0
        self.strange: list[str] = []
        self.heartbeat = HEARTBEAT
        self._wakers: list[asyncio.Event] = []

    @property
    def usable(self) -> list[Connection]:
        return [each for each in self.connections if not each.retiring]

    def ticket(self) -> str:
        """What the next connection identifies itself with."""
        ticket = f"ticket-{next(self._serial)}"
        self._tickets.add(ticket)
        return ticket

    async def refresh(self) -> None:
        """Ask every connection to make way for a new one, as Slack does every few hours."""
        for connection in self.usable:
            await connection.disconnect()

    def drop(self) -> None:
        """Break every connection."""
        for connection in list(self.connections):
            connection.drop()

    async def carry(self, delivery: Delivery) -> Failed | None:
        """Send to one connection, as soon as there is one, and wait for its acknowledgement."""
        while not self.usable:
            await self._changed()
        connection = self._dice.choice(self.usable)
        before = self.deliveries.started(delivery)
        envelope = f"envelope-{next(self._serial)}"
        self._sent[envelope] = delivery
        waiting = asyncio.get_running_loop().create_future()
        connection.unanswered[envelope] = waiting
        try:
            async with asyncio.timeout(self.deliveries.patience):
                await connection.tell(_envelope(delivery, envelope, before))
                connection.carried += 1
                self.deliveries.changed()
                await waiting
        except TimeoutError:
            return Failed("timeout")
        except (Lost, ConnectionError):
            connection.retiring = True
            return Failed("connection_lost", counts=False)
        finally:
            connection.unanswered.pop(envelope, None)
            waiting.cancel()
        return None

    async def _changed(self) -> None:
        change = asyncio.Event()
        self._wakers.append(change)
        try:
            await change.wait()
        finally:
            self._wakers.remove(change)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(heartbeat=self.heartbeat)
        await socket.prepare(request)
        connection = Connection(ticket, socket, request)
        if len(self.connections) >= MOST:
            await connection.disconnect("too_many_websockets")
            await socket.close()
            return socket
        await self._serve(connection)
        return socket

    async def _serve(self, connection: Connection) -> None:
        await connection.tell(self._hello(len(self.connections) + 1))
        self.connections.append(connection)
        self.opened += 1
        self._wake()
        try:
            async for message in connection.socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._acked(connection, message.data)
        finally:
            self.connections.remove(connection)
            connection.lose()
            self._wake()

    def _wake(self) -> None:
        for change in self._wakers:
            change.set()
        self.deliveries.changed()

    def _hello(self, count: int) -> Json:
        return {
            "type": "hello",
            "num_connections": count,
            "connection_info": {"app_id": self._app_id},
            "debug_info": {"host": "applink-1", "approximate_connection_time": 18060},
        }

    def _acked(self, connection: Connection, data: str) -> None:
        """An acknowledgement counts even when it is late."""
        frame = _read(data)
        envelope = str(frame.get("envelope_id", ""))
        delivery = self._sent.pop(envelope, None)
        if delivery is None:
            self.strange.append(data)
            self.deliveries.changed()
            return
        delivery.ack(self.deliveries.now(), frame.get("payload"))
        waiting = connection.unanswered.get(envelope)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        self.deliveries.changed()


def _read(data: str) -> Json:
    try:
        frame = json.loads(data)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _envelope(delivery: Delivery, envelope: str, before: int) -> Json:
    frame: Json = {
        "envelope_id": envelope,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        frame |= {"retry_attempt": before, "retry_reason": delivery.reason if before else ""}
    return frame
