"""A server that plays responses byte for byte, whatever HTTP thinks of them.

For what a well-behaved server cannot be made to do: cut a character in two, hang up in the
middle of a frame, answer with a wrong content type. It plays one `Scene` per request, in order.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; header names in lower case, `body` decoded from JSON."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object


@dataclass(slots=True)
class Gate:
    """The server stops here until the test opens it; `reached` tells that it stands there."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        """Let the server go on."""
        self.opened.set()


Step: TypeAlias = bytes | Gate


@dataclass(frozen=True, slots=True)
class Scene:
    """What to send for one request, step by step.

    hang_up: reset the connection at the end, instead of leaving it open for the next request.
    """

    steps: tuple[Step, ...]
    hang_up: bool = False


def response(
    body: bytes, *, status: str = "200 OK", kind: str = "application/json", **headers: str
) -> Scene:
    """Compose a whole response; `_` in a header's name stands for `-`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Scene(("\r\n".join(lines).encode() + b"\r\n\r\n" + body,))


def reply(value: object, *, status: str = "200 OK", **headers: str) -> Scene:
    """Compose a JSON response."""
    return response(json.dumps(value).encode(), status=status, **headers)


def stream(
    *steps: Step, kind: str = "text/event-stream", hang_up: bool = False, end: bool = True
) -> Scene:
    """Compose a chunked response, one chunk for each piece of bytes.

    end: send the last chunk; without it the response stays open, or is cut by `hang_up`.
    """
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Tt-Logid: log-1\r\n"
    head += f"Content-Type: {kind}\r\n\r\n" if kind else "\r\n"
    chunks = [_chunk(step) if isinstance(step, bytes) else step for step in steps]
    return Scene((head.encode(), *chunks, *([b"0\r\n\r\n"] if end else [])), hang_up)


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@dataclass(slots=True)
class WireServer:
    """The scenes still to play, and what was asked.

    connections: opened so far; open_connections: open now.
    """

    url: str = ""
    scenes: deque[Scene] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def plays(self, *scenes: Scene) -> None:
        """Append scenes. A request without a scene is answered with HTTP 599."""
        self.scenes.extend(scenes)

    async def all_closed(self) -> None:
        """Wait until no connection is open."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.open_connections == 0)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        await self._count(+1)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._serve_one(reader, writer):
                    pass
        finally:
            writer.transport.abort()
            await self._count(-1)

    async def _count(self, change: int) -> None:
        async with self.changed:
            self.open_connections += change
            self.changed.notify_all()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.asked.append(await _read_request(reader))
        unforeseen = reply({"code": 599, "msg": "no scene left"}, status="599 Unforeseen")
        scene = self.scenes.popleft() if self.scenes else unforeseen
        for step in scene.steps:
            if isinstance(step, Gate):
                step.reached.set()
                if not await _opened_before_hangup(step, reader):
                    return False
            else:
                writer.write(step)
                await writer.drain()
        return not scene.hang_up


async def _opened_before_hangup(gate: Gate, reader: asyncio.StreamReader) -> bool:
    """Wait at a gate; False if the client went away meanwhile."""
    opened = asyncio.ensure_future(gate.opened.wait())
    gone = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait([opened, gone], return_when=asyncio.FIRST_COMPLETED)
        return opened.done()
    finally:
        opened.cancel()
        gone.cancel()
        await asyncio.gather(opened, gone, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Asked(method, parts.path, query, headers, json.loads(body) if body else None)


@contextlib.asynccontextmanager
async def wire_server() -> AsyncIterator[WireServer]:
    """Serve on a free port of 127.0.0.1."""
    server = WireServer()
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
