"""What is said over one connection of Socket Mode: envelopes, and what acknowledges them."""

import asyncio
import json

import aiohttp
from slack_bolt.request.async_request import AsyncBoltRequest

from adapters.slack.bolt import Gate
from adapters.slack.raw import number
from bridge.foreign import Json, fields, text
from bridge.logs import get

log = get(__name__)

UNDERWAY = 500  # envelopes that are not acknowledged yet; with more, no further one is read
_CLOSED = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED})


class Conversation:
    """One connection from its greeting to its end. underway: see `UNDERWAY`."""

    def __init__(
        self,
        gate: Gate,
        socket: aiohttp.ClientWebSocketResponse,
        *,
        underway: int = UNDERWAY,
    ) -> None:
        self._gate = gate
        self._socket = socket
        self._room = asyncio.Semaphore(underway)
        self._underway: set[asyncio.Task[None]] = set()

    async def listen(self) -> bool:
        """Take in envelopes until the connection ends; tell whether it was told to go."""
        while True:
            message = await self._socket.receive()
            if message.type in _CLOSED or message.type is aiohttp.WSMsgType.ERROR:
                return False
            frame = read(message)
            if frame.get("type") == "disconnect":
                log.info("socket.disconnect", reason=text(frame.get("reason")))
                if frame.get("reason") != "warning":  # which says only that it will come
                    return True
            elif frame.get("envelope_id"):
                await self._take(frame)

    async def _take(self, frame: Json) -> None:
        """Begin with an envelope. Tasks begin in the order in which they are made."""
        await self._room.acquire()
        task = asyncio.create_task(self._answer(frame), name="envelope")
        self._underway.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._underway.discard(task)
        self._room.release()

    async def _answer(self, frame: Json) -> None:
        """Acknowledge what is kept; what is not comes again."""
        request = _request(frame)
        if request is None or (await self._gate.deliver(request)).status == 200:
            await self._acknowledge(text(frame.get("envelope_id")))

    async def _acknowledge(self, envelope: str) -> None:
        try:
            await self._socket.send_str(json.dumps({"envelope_id": envelope}))
        except ConnectionError as error:  # it comes again, and is dropped as known
            log.debug("socket.not_acknowledged", error=str(error))

    async def finish(self, *, within: float) -> None:
        """Acknowledge what is under way, for so many seconds, and close."""
        try:
            if self._underway:
                await asyncio.wait(set(self._underway), timeout=within)
        finally:
            await self.end()

    async def end(self) -> None:
        """Close at once."""
        underway = list(self._underway)
        for task in underway:
            task.cancel()
        await asyncio.gather(*underway, return_exceptions=True)
        await self._socket.close()


def read(message: aiohttp.WSMessage) -> Json:
    """A frame; empty where it is none."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        return fields(json.loads(message.data))
    except (ValueError, RecursionError):
        return {}


def _request(frame: Json) -> AsyncBoltRequest | None:
    """An envelope as Bolt reads it; None for one that nobody can read."""
    payload = fields(frame.get("payload"))
    retry = number(frame.get("retry_attempt"))
    headers = {"x-slack-retry-num": str(retry)} if retry else {}
    try:
        return AsyncBoltRequest(mode="socket_mode", body=dict(payload), headers={**headers})
    except Exception:  # it reads odd shapes as they come
        log.exception("delivery.malformed", kind=text(frame.get("type")))
        return None
