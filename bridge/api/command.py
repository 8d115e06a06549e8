"""The command itself: ask, tell, and know whether the answer was yes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.api import pages, telling
from bridge.api.asking import Words, understood
from bridge.api.index import Endpoint, bare, find, matching
from bridge.config import CozeSettings
from bridge.coze.envelope import Reply, opened
from bridge.coze.exchange import Ask, Exchange, Live
from bridge.coze.opening import client_settings, open_credentials
from bridge.coze.wire import Json, parse
from bridge.errors import BridgeError, Misconfigured, Permanent, Unreachable


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the answer is wanted.

    paginate: all pages as one answer. for_script: one line of JSON. output: the file for bytes
    such as speech. user: whose token is used, where each
    person has one.
    """

    paginate: bool = False
    for_script: bool = False
    output: Path | None = None
    user: str = ""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where lines go, at once. Secrets that an answer repeats are left out of it."""

    write: Callable[[str], None]
    secrets: Sequence[str]

    def line(self, text: str) -> None:
        """Write one line."""
        self.write(self.clean(text))

    def clean(self, text: str) -> str:
        """Return a text without the secrets in it."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Clean what Coze says in errors, too."""
        try:
            yield
        except BridgeError as error:
            error.message = self.clean(error.message)
            raise


def listing(words: Sequence[str], *, for_script: bool) -> Iterator[str]:
    """List the endpoints in which every word occurs; their parameters too, where few are left."""
    found = matching(words)
    if not found:
        raise Misconfigured([f"{' '.join(words)}: no endpoint of Coze; --list alone shows all"])
    if for_script:
        yield from map(telling.endpoint_json, found)
    elif words:
        yield from map(telling.endpoint_details, found)
    else:
        yield from map(telling.endpoint_line, found)


async def call(
    coze: CozeSettings, words: Words, wishes: Wishes, write: Callable[[str], None]
) -> None:
    """Call an endpoint and write its answer.

    Raises `Misconfigured` before anything is sent, `BridgeError` after an answer that says no,
    which is written all the same.
    """
    ask = understood(words)
    endpoint = find(ask.method, ask.path)
    _judge(ask, endpoint, wishes)
    if wishes.user and not (coze.oauth and coze.oauth.per_user):
        raise Misconfigured(["--user: needs coze.oauth.per_user = true; else all share a token"])
    async with open_credentials(coze) as everybody:
        credentials = everybody.of(wishes.user) if wishes.user else everybody
        exchange = Exchange(coze.base_url, credentials, client_settings(coze))
        async with aclosing(exchange):
            terminal = Terminal(write, exchange.tokens)
            with terminal.errors():
                if wishes.paginate and endpoint is not None:
                    await _all_pages(exchange, ask, endpoint, wishes, terminal)
                else:
                    await _once(exchange, ask, wishes, terminal)


def _judge(ask: Ask, endpoint: Endpoint | None, wishes: Wishes) -> None:
    if wishes.paginate and not (endpoint and pages.is_paged(_names(endpoint))):
        raise Misconfigured([f"--paginate: {ask.method} {ask.path} has no pages"])
    if endpoint and endpoint.binary and wishes.output is None:
        raise Misconfigured(["--output: missing; this endpoint gives bytes, name a file for them"])


def _names(endpoint: Endpoint) -> list[str]:
    return bare([*endpoint.query, *endpoint.body])


async def _once(exchange: Exchange, ask: Ask, wishes: Wishes, terminal: Terminal) -> None:
    async with exchange.send(ask) as answer:
        if isinstance(answer, Reply):
            _told(answer, wishes, terminal)
        elif answer.is_stream:
            await _stream(answer, wishes, terminal)
        else:
            await _save(answer, wishes, terminal)


async def _all_pages(
    exchange: Exchange, ask: Ask, endpoint: Endpoint, wishes: Wishes, terminal: Terminal
) -> None:
    known = (bare(endpoint.query), bare(endpoint.body))
    found: list[Json] = []
    page: Ask | None = pages.first(ask, known[0])
    while page is not None:
        async with exchange.send(page) as answer:
            if not isinstance(answer, Reply):
                raise Unreachable(f"a page of type {answer.kind}, which is no JSON")
            found.append(_success(answer, wishes, terminal))
        page = pages.following(page, known, found)
    terminal.line(telling.answer(pages.joined(found), for_script=wishes.for_script))


def _told(answer: Reply, wishes: Wishes, terminal: Terminal) -> None:
    envelope = _success(answer, wishes, terminal)
    terminal.line(telling.answer(envelope, for_script=wishes.for_script))


def _success(answer: Reply, wishes: Wishes, terminal: Terminal) -> Json:
    """Return a success. What is none is written, and then raised."""
    try:
        return opened(answer).envelope
    except BridgeError:
        if refusal := parse(answer.body):
            terminal.line(telling.answer(refusal, for_script=wishes.for_script))
        raise


async def _stream(answer: Live, wishes: Wishes, terminal: Terminal) -> None:
    count, failure = 0, ""
    async for frame in answer.frames():
        terminal.line(telling.event(frame, for_script=wishes.for_script))
        count += 1
        if telling.failed(frame):
            failure = frame.event
    if not count:
        raise Unreachable("a stream without an event", logid=answer.logid)
    if failure:
        raise Permanent(f"the stream says {failure}", logid=answer.logid)


async def _save(answer: Live, wishes: Wishes, terminal: Terminal) -> None:
    if wishes.output is None:
        raise Misconfigured([f"--output: the answer is {answer.kind}; name a file for it"])
    size = 0
    with wishes.output.open("wb") as file:
        async for chunk in answer.bytes():
            file.write(chunk)
            size += len(chunk)
    saved = {"code": 0, "file": str(wishes.output), "bytes": size, "type": answer.kind}
    terminal.line(telling.answer(saved, for_script=wishes.for_script))
