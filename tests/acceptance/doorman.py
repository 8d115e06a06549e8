"""A TCP proxy in front of Coze that can keep questions waiting before Coze has read them."""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65536
QUESTIONS = (b"POST /v3/chat?", b"POST /v1/workflows/chat ")


class Doorman:
    """Passes bytes on. While it is closed, questions wait at the door.

    waiting: how many stand there. One whose caller is gone goes away unread.
    """

    def __init__(self, coze_url: str) -> None:
        self._port = urlsplit(coze_url).port
        self._opened = asyncio.Event()
        self.waiting = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.open()
        self._server.close()

    def open(self) -> None:
        """Let everybody through, now and later."""
        self._opened.set()

    async def _serve(self, caller: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(_pass(reader, answer))
        try:
            while chunk := await caller.read(CHUNK):
                if chunk.startswith(QUESTIONS) and not self._opened.is_set():
                    chunk = await self._wait(caller, chunk)
                writer.write(chunk)
        except (ConnectionError, EOFError):
            pass
        finally:
            back.cancel()
            writer.close()
            answer.close()

    async def _wait(self, caller: asyncio.StreamReader, read: bytes) -> bytes:
        """Return all of the request once the door is open. Raises `EOFError`."""
        self.waiting += 1
        opened = asyncio.create_task(self._opened.wait())
        try:
            while not self._opened.is_set():
                more = asyncio.create_task(caller.read(CHUNK))
                await asyncio.wait([opened, more], return_when=asyncio.FIRST_COMPLETED)
                if more.done() and not (rest := more.result()):
                    raise EOFError
                read += rest if more.done() else b""
        finally:
            opened.cancel()
            self.waiting -= 1
        return read


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
    writer.close()
