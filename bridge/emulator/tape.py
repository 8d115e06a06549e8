"""What a running chat writes and a connection reads, each at its own speed."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

from bridge.emulator.scenario import Cut

Piece: TypeAlias = bytes | Cut


class Tape:
    """Frames on their way from a chat to a connection, if there still is one.

    The chat never waits for the connection: Coze goes on when its reader has left.
    """

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._muted = False

    def put(self, frame: bytes) -> None:
        """Write a frame, unless the stream was cut or hushed."""
        if not self._muted:
            self._pieces.put_nowait(frame)

    def end(self) -> None:
        """End the stream; a hushed one stays open."""
        if not self._muted:
            self._pieces.put_nowait(None)

    def cut(self, cut: Cut) -> None:
        """End the stream in a bad way. What is written later is lost."""
        if not self._muted:
            self._pieces.put_nowait(cut)
        self._muted = True

    def hush(self) -> None:
        """Lose everything that is written later, and do not even end."""
        self._muted = True

    async def read(self) -> AsyncIterator[Piece]:
        """Yield frames until the end; a `Cut` is the last piece."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
            if isinstance(piece, Cut):
                return
