"""The network between two, in this process, which can stop carrying anything."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from types import TracebackType
from typing import Self, TypeAlias

from sqlalchemy.engine import make_url
from yarl import URL

CHUNK = 65536
Ends: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """A TCP proxy. While it is cut nothing passes, nothing is closed and nobody is told.

    What was sent meanwhile arrives once it is mended, as TCP repeats what was lost.

    heard: when callers sent what, seconds of `time.monotonic`.
    """

    def __init__(self, onward: Callable[[], Awaitable[Ends]]) -> None:
        self._onward = onward
        self._whole = asyncio.Event()
        self._whole.set()
        self._passing: set[asyncio.Task[None]] = set()
        self.heard: list[tuple[float, bytes]] = []
        self.port = 0

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def _meet(self, caller: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(caller, answer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _serve(self, caller: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with closing(answer), suppress(ConnectionError):
            await self._whole.wait()
            reader, writer = await self._onward()
            with closing(writer):
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(caller, writer, heard=True))
                    both.create_task(self._pass(reader, answer, heard=False))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, heard: bool
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK):
                if heard:
                    self.heard.append((time.monotonic(), chunk))
                await self._whole.wait()
                writer.write(chunk)
                await writer.drain()
        await self._whole.wait()
        writer.close()


def wire_to_database(url: str) -> Wire:
    """To the server of a PostgreSQL URL, wherever that listens."""
    target = make_url(url)
    folder = target.query.get("host")
    if isinstance(folder, str):
        path = f"{folder}/.s.PGSQL.{target.port or 5432}"
        return Wire(lambda: asyncio.open_unix_connection(path))
    return Wire(lambda: asyncio.open_connection(target.host, target.port or 5432))


def database_over(wire: Wire, url: str) -> str:
    """The URL of the same database by way of a wire."""
    there = make_url(url).difference_update_query(["host"])
    return there.set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)


def wire_to_http(url: str) -> Wire:
    """To an HTTP server."""
    target = URL(url)
    return Wire(lambda: asyncio.open_connection(target.host, target.port))


def http_over(wire: Wire, url: str) -> str:
    """The same address by way of a wire."""
    return str(URL(url).with_host("127.0.0.1").with_port(wire.port))
