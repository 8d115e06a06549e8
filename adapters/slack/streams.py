"""What we know of our messages that may still change, and of the streams among them."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from adapters.slack.lately import Lately
from bridge.events import ChatRef, MessageRef

LIFE = 300.0  # seconds until Slack ends a stream by itself (python-slack-sdk #1859)
# Bytes, of the 10,600 to 12,000 that others measured (openclaw #143882, CopilotKit #6063): a page
# of English ends before, and in Chinese three times as much would be too long.
MOST = 10_000
_REMEMBERED = 3600.0  # seconds; longer than an answer takes
_PAUSE = 60.0  # seconds without an edit, after which an answer is taken for abandoned
_Messages: TypeAlias = Lately[tuple[str, str], MessageRef]
_MANY = 1_000  # workspaces, before those that went quiet are looked for


@dataclass(slots=True)
class Shown:
    """One message. key: what it was posted under; empty if nobody remembers.

    streaming: its stream is open, for all we know. sent: the text it was given so far; `sure`
    unless it cannot be told whether the last of it arrived. started: by the clock.
    """

    key: str = ""
    streaming: bool = False
    sent: str = ""
    sure: bool = True
    started: float = math.inf

    @property
    def is_full(self) -> bool:
        """Whether its stream takes little more, or none."""
        return len(self.sent.encode()) >= MOST

    def rest_of(self, text: str) -> str | None:
        """What the stream lacks of a text; None if appending cannot make it that text."""
        return text[len(self.sent) :] if self.sure and text.startswith(self.sent) else None


class Streams:
    """Bounded: what is forgotten is treated like a message from before a restart."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shown: Lately[tuple[str, str], Shown] = Lately(_REMEMBERED, most=20_000, clock=clock)
        self._open: dict[str, _Messages] = {}  # by workspace, as is the next
        self._growing: dict[str, _Messages] = {}

    def find(self, message: MessageRef) -> Shown | None:
        return self._shown.get(_key(message))

    def started(self, message: MessageRef, key: str, sent: str) -> None:
        """A message was begun as a stream."""
        shown = Shown(key, streaming=True, sent=sent, started=self._clock())
        self._shown.put(_key(message), shown)
        self._of(self._open, message, LIFE).put(_key(message), message)

    @contextmanager
    def beginning(self, chat: ChatRef, key: str) -> Iterator[None]:
        """A message is being posted that is going to be updated: it counts from now on."""
        unnamed = MessageRef(chat, key)
        growing = self._of(self._growing, unnamed, _PAUSE)
        growing.put(_key(unnamed), unnamed)
        try:
            yield
        finally:
            growing.pop(_key(unnamed))

    def stands(self, message: MessageRef, key: str = "", *, grows: bool) -> None:
        """A message is none that streams. grows: it is going to be updated."""
        known = self.find(message)
        self._shown.put(_key(message), Shown(key or (known.key if known else "")))
        self._of(self._open, message, LIFE).pop(_key(message))
        growing = self._of(self._growing, message, _PAUSE)
        if grows:
            growing.put(_key(message), message)
        else:
            growing.pop(_key(message))

    def gone(self, message: MessageRef) -> None:
        """A message is there no more."""
        self._shown.pop(_key(message))
        self._of(self._open, message, LIFE).pop(_key(message))
        self._of(self._growing, message, _PAUSE).pop(_key(message))

    def open_in(self, team: str) -> int:
        """How many streams still have to be stopped in a workspace."""
        return len(self._open.get(team, ()))

    def growing_in(self, team: str) -> int:
        """How many answers grow by updates in a workspace."""
        return len(self._growing.get(team, ()))

    def all_open(self) -> list[MessageRef]:
        return [message for streams in self._open.values() for message in streams.values()]

    def _of(self, kind: dict[str, _Messages], message: MessageRef, seconds: float) -> _Messages:
        if len(kind) > _MANY:
            for quiet in [team for team, known in kind.items() if not len(known)]:
                del kind[quiet]
        team = message.chat.chat.partition("/")[0]
        return kind.setdefault(team, Lately(seconds, clock=self._clock))


def _key(message: MessageRef) -> tuple[str, str]:
    return message.chat.chat, message.id
