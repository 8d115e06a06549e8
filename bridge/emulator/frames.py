"""Events as bytes: server-sent events in the dialect of one chat."""

import json
import random
from collections.abc import Collection

from bridge.emulator.scenario import Quirk
from bridge.emulator.state import Message
from bridge.emulator.views import Body, streamed_view

# Go's encoder escapes these two; JSON itself does not ask for it.
_SEPARATORS = {0x2028: "\\u2028", 0x2029: "\\u2029"}
_HOLE = "\x00hole\x00"
_HOLE_JSON = '"\\u0000hole\\u0000"'


class Frames:
    """Writes frames: `event:NAME`, `data:JSON`, and a blank line.

    space: one space after the colon, as `/v1/workflows/chat` writes. There is none in
    `/v3/chat`.
    """

    def __init__(
        self, quirks: Collection[Quirk], dice: random.Random, *, space: bool = False
    ) -> None:
        self.quirks = quirks
        self._dice = dice
        self._colon = ": " if space or Quirk.SPACE in quirks else ":"
        self._end = "\r\n" if Quirk.CRLF in quirks else "\n"
        self.raw = Quirk.RAW_SEPARATORS in quirks
        self._shuffled = Quirk.SHUFFLED_KEYS in quirks

    def frame(self, event: str, data: str) -> bytes:
        """Write one frame; `data` must be one line."""
        colon, end = self._colon, self._end
        return f"event{colon}{event}{end}data{colon}{data}{end}{end}".encode()

    def last(self, debug_url: str = "") -> bytes:
        """Write the frame that ends the stream.

        debug_url: what `/v1/workflows/chat` says instead of "[DONE]".
        """
        if Quirk.STREAM_DONE in self.quirks:
            end = self._end
            frame = f"event{self._colon}conversation.stream.done{end}{end}".encode()
        else:
            frame = self.frame("done", self._farewell(debug_url))
        return frame.rstrip() if Quirk.UNTERMINATED in self.quirks else frame

    def _farewell(self, debug_url: str) -> str:
        if debug_url:
            return self.json({"debug_url": debug_url})
        return "[DONE]" if Quirk.UNQUOTED_DONE in self.quirks else '"[DONE]"'

    def lines(self, text: str) -> bytes:
        """Write lines that are no event."""
        return text.replace("\n", self._end).encode()

    def event(self, event: str, body: Body) -> bytes:
        """Write one event with its object."""
        return self.frame(event, self.json(body))

    def json(self, body: Body) -> str:
        """Write an object as one line of JSON."""
        if self._shuffled:
            keys = list(body)
            self._dice.shuffle(keys)
            body = {key: body[key] for key in keys}
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return text if self.raw else text.translate(_SEPARATORS)


class Deltas:
    """Writes the increments of one message.

    All but the increment is the same in every frame, so it is serialised once.
    """

    def __init__(self, frames: Frames, message: Message) -> None:
        self._frames = frames
        self._message = message
        body = self._body(_HOLE, "")
        whole = frames.event("conversation.message.delta", body).decode()
        # Keys in another order each time leave nothing to prepare.
        if Quirk.SHUFFLED_KEYS in frames.quirks:
            self._around: tuple[bytes, bytes] | None = None
        else:
            head, tail = whole.split(_HOLE_JSON)
            self._around = head.encode(), tail.encode()

    def _body(self, text: str, reasoning: str) -> Body:
        message = self._message
        body = streamed_view(message, self._frames.quirks, whole=False)
        return body | {"content": text, "reasoning_content": reasoning}

    def text(self, text: str) -> bytes:
        """Write an increment of the text."""
        if self._around is None:
            return self._frames.event("conversation.message.delta", self._body(text, ""))
        head, tail = self._around
        increment = json.dumps(text, ensure_ascii=False)
        if not self._frames.raw:
            increment = increment.translate(_SEPARATORS)
        return head + increment.encode() + tail

    def reasoning(self, text: str) -> bytes:
        """Write an increment of the reasoning, with empty content."""
        return self._frames.event("conversation.message.delta", self._body("", text))

    def null(self) -> bytes:
        """Write an increment with null content, and one without content."""
        body: Body = self._body("", "") | {"content": None, "reasoning_content": None}
        without = {key: value for key, value in body.items() if key != "content"}
        event = "conversation.message.delta"
        return self._frames.event(event, body) + self._frames.event(event, without)
