"""Files of ours on their way out: fetched, spoken, or at hand, only once somebody reads them."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from bridge.adapter import Download, Outgoing
from bridge.errors import RateLimited, Rejected, Unreachable
from bridge.events import ChatRef, Enclosure, EnclosureKind
from bridge.ogg import joined
from bridge.text.spoken import pieces
from bridge.upstream import Agent

AT_ONCE = 1024  # bytes that Coze reads aloud in one call
MOST_PIECES = 8  # of one answer; what is longer is not read to its end, and stands there as text
LARGEST_SPEECH = 16_000_000  # bytes of one answer
OGG = "audio/ogg"


class Fetches(Protocol):
    """Reads what a link leads to, if that is safe."""

    def fetch(self, url: str, kind: EnclosureKind) -> AbstractAsyncContextManager[Download]:
        """Raises `Rejected`, `Unreachable`."""


class Sending:
    """Makes a file of ours ready. Reading it raises `Rejected`, or `Transient`.

    agent_of: who answers on an account, and lends its voice. reachable: whether a platform may
    be told the address of a host, to fetch from there by itself.
    """

    def __init__(
        self,
        fetcher: Fetches,
        *,
        agents: Mapping[str, Agent],
        agent_of: Mapping[str, str],
        reachable: Callable[[str], bool],
    ) -> None:
        self._fetcher = fetcher
        self._agents = agents
        self._agent_of = agent_of
        self._reachable = reachable

    def __call__(self, chat: ChatRef, file: Enclosure) -> Outgoing:
        """What an adapter gets to send."""
        if file.url:
            host = urlsplit(file.url).hostname or ""
            url = file.url if self._reachable(host) else ""
            return Outgoing(file, url, partial(self._fetcher.fetch, file.url, file.kind))
        if file.data:
            return Outgoing(file, "", partial(_at_hand, file.data))
        agent = self._agents[self._agent_of[chat.account]]
        return Outgoing(file, "", partial(_spoken, agent, file))


@asynccontextmanager
async def _at_hand(content: bytes) -> AsyncIterator[Download]:
    yield Download(_once(content), len(content), OGG)


@asynccontextmanager
async def _spoken(agent: Agent, file: Enclosure) -> AsyncIterator[Download]:
    """Read a text aloud, piece by piece, as one recording."""
    texts = pieces(file.speech, AT_ONCE)[:MOST_PIECES]
    with _translated():
        recordings: list[bytes] = []
        for text in texts:
            room = LARGEST_SPEECH - sum(map(len, recordings))
            recordings.append(await _recording(agent, text, file.voice, room))
        note = _joined(recordings)
    yield Download(_once(note), len(note), OGG)


async def _recording(agent: Agent, text: str, voice: str, room: int) -> bytes:
    content = bytearray()
    async with agent.speak(text, voice) as sound:
        async for piece in sound:
            content += piece
            if len(content) > room:
                raise Rejected("a voice that does not end")
    return bytes(content)


def _joined(recordings: Iterable[bytes]) -> bytes:
    try:
        return joined(list(recordings))
    except ValueError as error:
        raise Rejected(f"no voice: {error}") from error


@contextmanager
def _translated() -> Iterator[None]:
    """Coze may be too busy to speak, which is no reason to leave the chat alone."""
    try:
        yield
    except RateLimited as error:
        raise Unreachable(error.message, code=error.code, retry_after=error.retry_after) from error


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
