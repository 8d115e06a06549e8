"""Server-sent events out of raw bytes: pure, no waiting, no network.

The grammar of fields (one space after the colon or none, `data` over several lines, dispatch
at a blank line) is httpx-sse's `SSEDecoder`. What is done here is everything around it, because
`EventSource.aiter_sse` of httpx-sse 0.4.3 cannot be told to do it:

- a last event without its blank line is delivered, not dropped: Coze's own samples end so;
- a byte order mark is removed, it would hide the first event's name;
- the memory an event may take is limited;
- lines are cut out of bytes, then decoded, so no character is ever cut; and only at LF or CRLF.
  `httpx.Response.aiter_lines` also cuts at U+2028, U+0085 and others, which JSON may contain. A
  lone CR ends a line by the standard, but nobody sends it and JSON cannot contain it raw;
- `id:`, `retry:` and comment lines go no further. After an `id:` the decoder would make an event
  of every blank line;
- a name, one line of data and a blank line, which is what Coze sends hundreds of times an answer,
  are read without the decoder. `test_sse.py` holds the two against each other.
"""

from typing import NamedTuple

# Not exported by the package, but its only form that takes lines instead of a response;
# pyproject keeps httpx-sse below 0.5.
from httpx_sse._decoders import SSEDecoder

MAX_EVENT = 8 * 1024 * 1024
"""Bytes. A plugin's whole response may arrive in one event; request bodies end at 15 MB."""

_MARK = b"\xef\xbb\xbf"
_BLANK_LINE = b"\n\n"


class EventTooLarge(ValueError):
    """One event exceeds the limit, so the far side does not speak the protocol."""


class Frame(NamedTuple):
    """One event. `event` is "message" where the stream named none; `data` may be empty."""

    event: str
    data: str


class Frames:
    """Turns chunks into frames; how the bytes were cut into chunks makes no difference.

    limit: the bytes one event may take. Raises `EventTooLarge` beyond it.
    """

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._fields = SSEDecoder()
        self._cut: list[bytes] = []  # the pieces of a line that has not ended yet
        self._cut_size = 0
        self._event_size = 0
        self._at_start = True

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that this chunk completes."""
        frames: list[Frame] = []
        if self._at_start or self._cut or self._event_size:
            begun, blank, chunk = chunk.partition(_BLANK_LINE)
            frames += self._lines(begun + blank)
        plain = _plain(chunk) if len(chunk) <= self._limit else None
        if plain is not None:
            frames += plain
            chunk = chunk[chunk.rfind(_BLANK_LINE) + 2 :]
        return frames + self._lines(chunk)

    def end(self) -> list[Frame]:
        """Return the frame that the end of the stream completes, if there is one."""
        return self.feed(b"\n\n")

    def _lines(self, chunk: bytes) -> list[Frame]:
        """Take what may be cut anywhere, line by line."""
        *lines, rest = chunk.split(b"\n")
        if lines and self._cut:
            lines[0] = b"".join([*self._cut, lines[0]])
            self._cut.clear()
            self._cut_size = 0
        frames = [frame for line in lines if (frame := self._line(line))]
        if rest:
            self._hold(rest)
        return frames

    def _hold(self, piece: bytes) -> None:
        self._cut.append(piece)
        self._cut_size += len(piece)
        self._weigh(self._event_size + self._cut_size)

    def _line(self, line: bytes) -> Frame | None:
        line = line.removesuffix(b"\r")
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_MARK)
        if not line:
            return self._dispatch()
        if line.startswith((b"data", b"event")):
            self._event_size += len(line)
            self._weigh(self._event_size)
            self._fields.decode(line.decode("utf-8", "replace"))
        return None

    def _dispatch(self) -> Frame | None:
        self._event_size = 0
        event = self._fields.decode("")
        return None if event is None else Frame(event.event, event.data)

    def _weigh(self, size: int) -> None:
        if size > self._limit:
            raise EventTooLarge(f"an event of more than {self._limit} bytes")


def _plain(chunk: bytes) -> list[Frame] | None:
    """All frames that a chunk completes, if every one of them is plain and there is any."""
    end = chunk.rfind(_BLANK_LINE)
    if end < 0 or b"\r" in chunk:
        return None
    frames: list[Frame] = []
    for block in chunk[:end].decode("utf-8", "replace").split("\n\n"):
        name, colon, data = block.partition("\ndata:")
        if not (colon and name.startswith("event:")) or "\n" in name or "\n" in data:
            return None
        frames.append(Frame(name[6:].removeprefix(" ") or "message", data.removeprefix(" ")))
    return frames
