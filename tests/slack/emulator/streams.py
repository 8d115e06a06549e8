"""A message that is being streamed: how long it lives and how much it takes.

Observed, not documented: about five minutes from its start even with traffic (python-slack-sdk
#1859), and 12,000 together, the JSON of its task cards among them (vercel/chat #617), counted in
bytes (openclaw #143882).
"""

from dataclasses import dataclass, field

from tests.slack.emulator import content
from tests.slack.emulator.content import Content
from tests.slack.emulator.errors import Refused, bad, explained
from tests.slack.emulator.params import Arguments, Json

LIFE = 300.0  # seconds
MOST = 12_000  # bytes
CHUNKS = {
    "markdown_text": ("text",),
    "task_update": ("id", "title"),
    "plan_update": ("title",),
    "blocks": ("blocks",),
}


@dataclass(slots=True)
class Stream:
    """The state of a stream. ended: "" while it is open, else "stopped", "by user", "expired".

    started: seconds since 1970.
    """

    started: float
    life: float = LIFE
    most: int = MOST
    ended: str = ""
    size: int = 0
    recipient: tuple[str, str] = ("", "")
    chunks: list[Json] = field(default_factory=list)
    appends: int = 0

    def is_open(self, now: float) -> bool:
        if not self.ended and now - self.started >= self.life:
            self.ended = "expired"
        return not self.ended

    def check_open(self, now: float) -> None:
        if not self.is_open(now):
            raise Refused("message_not_in_streaming_state")

    def add(self, more: list[Json]) -> None:
        """Take these chunks, or refuse and change nothing. Raises `Refused`."""
        cost = sum(_cost(chunk) for chunk in more)
        if self.size + cost > self.most:
            raise Refused("msg_too_long")
        self.size += cost
        self.chunks += more

    def content(self, blocks: tuple[Json, ...] = (), metadata: Json | None = None) -> Content:
        """What it shows now; blocks: those at its end."""
        text = "".join(str(c["text"]) for c in self.chunks if c["type"] == "markdown_text")
        others = tuple(c for c in self.chunks if c["type"] != "markdown_text")
        return Content("", text, blocks, others, metadata)


def _cost(chunk: Json) -> int:
    if chunk["type"] == "markdown_text":
        return len(str(chunk["text"]).encode())
    return content.size(chunk)


def read_chunks(args: Arguments, *, needed: bool) -> list[Json]:
    """What a call wants to add. Raises `Refused`."""
    text, chunks = args.text("markdown_text"), args.items("chunks")
    if text and chunks:
        raise explained("invalid_arguments", "either markdown_text or chunks")
    if needed and not (text or chunks):
        raise Refused("no_text")
    if len(text) > MOST:
        raise Refused("msg_too_long")
    for chunk in chunks:
        _check(chunk)
    return [{"type": "markdown_text", "text": text}] if text else chunks


def _check(chunk: Json) -> None:
    kind = chunk.get("type")
    if not isinstance(kind, str) or kind not in CHUNKS:
        raise Refused("invalid_chunks")
    for name in CHUNKS[kind]:
        if not chunk.get(name):
            raise bad(f"missing required field: {name} [json-pointer:/chunks]")
    blocks = chunk.get("blocks")
    if kind == "blocks":
        if not isinstance(blocks, list):
            raise Refused("invalid_chunks")
        content.checked(blocks)
