"""HTTP to Coze: bodies out, envelopes and frames in, tokens, retries, connections.

Streams, small calls and files have a pool each, so that a cancel gets through however many
answers are running, and however slowly files move.
"""

import asyncio
import contextlib
import copy
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import httpx
import stamina
from httpx_aiohttp import HttpxAiohttpClient
from stamina.instrumentation import StructlogOnRetryHook, set_on_retry_hooks

from bridge.coze.arriving import Sound, Stream, body_of
from bridge.coze.auth import Credentials
from bridge.coze.envelope import Reply, Success, opened
from bridge.coze.faults import calling, never_connected
from bridge.coze.form import Form
from bridge.coze.streams import Streams
from bridge.errors import (
    BridgeError,
    Misconfigured,
    Occupied,
    Transient,
    Unauthorised,
    Unreachable,
)

T = TypeVar("T")

# Repetitions are logged, and not counted under a name that does not say whose they are.
set_on_retry_hooks([StructlogOnRetryHook])

MAX_REPLY = 16 * 1024 * 1024
"""Bytes read of an answer to a small call; message lists carry whole plugin responses."""

_SMALL_CALLS = 50  # connections
_TRANSFERS = 20  # connections; Coze takes 10 to 20 uploads a second
_KEEP_ALIVE = 15.0  # seconds; well below the 60 s after which servers commonly hang up


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How patient and how greedy the client is. Times are seconds.

    connect_timeout: to get a connection, also out of a full pool.
    idle_timeout: silence within a stream; a workflow inside a chat is silent for a minute.
    call_timeout: a small call, from its first byte to the last.
    max_concurrent_turns: streams at once.
    attempts, retry_wait: of calls that can be repeated; the wait doubles.
    """

    connect_timeout: float = 10.0
    idle_timeout: float = 120.0
    call_timeout: float = 30.0
    max_concurrent_turns: int = 1000
    attempts: int = 3
    retry_wait: float = 0.5


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send. Coze judges its type by the name."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `query` leaves out what is None.

    body: JSON; `file` or `form` go instead of it. A form can be sent once.
    """

    method: str
    path: str
    query: Mapping[str, str | int | None]
    body: Mapping[str, object] | None = None
    file: Upload | None = None
    form: Form | None = None


class Transport:
    """Sends requests with the bearer token of the moment."""

    def __init__(self, base_url: str, credentials: Credentials, settings: ClientSettings) -> None:
        """Open nothing yet. Raises `Misconfigured` for a base_url that is no http address."""
        url = address(base_url)
        self._credentials = credentials
        self._settings = settings
        tls = httpx.create_ssl_context()
        self._streams = Streams(
            url,
            tls,
            most=settings.max_concurrent_turns,
            wait=settings.connect_timeout,
            connect=settings.connect_timeout,
            silence=settings.idle_timeout,
            keep_alive=_KEEP_ALIVE,
        )
        self._calls = pool(url, settings, _SMALL_CALLS, tls)
        # A file that waits for its turn has not failed: others are slow, not Coze.
        self._transfers = pool(url, settings, _TRANSFERS, tls, queueing=settings.idle_timeout)

    def of(self, uid: str) -> "Transport":
        """Return a view that sends with one person's credentials. Not to be closed itself."""
        credentials = self._credentials.of(uid)
        if credentials is self._credentials:
            return self
        view = copy.copy(self)  # the pools are shared
        view._credentials = credentials
        return view

    async def aclose(self) -> None:
        """Close every connection."""
        await self._streams.aclose()
        await self._calls.aclose()
        await self._transfers.aclose()

    async def stream(self, request: Request) -> Stream:
        """Send a request that is answered by a stream, and judge the response's beginning.

        Tried once more, at once, only where there was no connection. The caller owns the
        stream. Raises by code.
        """
        return await self._connected(request, self._open)

    async def sound(self, request: Request) -> Sound:
        """Send a request that is answered by a file, like `stream`."""
        return await self._connected(request, self._listen)

    async def send_file(self, request: Request, form: Form) -> Success:
        """Send a file, and return what that brought. Raises by code.

        Never repeated here, for the file is read once; `Transient` where a repetition by the
        caller, with a fresh reading, may help. It may take as long as it goes on.
        """
        token = await self._credentials.token()
        try:
            return await self._send_form(replace(request, form=form), form, token)
        except Unauthorised as error:
            if await self._credentials.refused(token):
                raise Transient("the token had expired", code=error.code) from error
            raise
        except BridgeError as error:
            if (source := form.failed()) is not None:
                raise source from error
            raise

    async def call(self, request: Request, *, again: bool = True) -> Success:
        """Make a small call and return what it brought. Raises by code.

        again: repeat it after transient errors; for what does no harm when it is done twice.
        """
        attempts = stamina.retry_context(
            on=_is_worth_repeating,
            attempts=self._settings.attempts if again else 1,
            timeout=None,
            wait_initial=self._settings.retry_wait,
            wait_jitter=self._settings.retry_wait,
        )
        async for attempt in attempts:
            with attempt:
                return await self._with_token(request, self._ask)
        raise AssertionError("stamina raises the last error")

    async def _connected(self, request: Request, send: Callable[[Request, str], Awaitable[T]]) -> T:
        try:
            return await self._with_token(request, send)
        except Unreachable as error:
            if not never_connected(error):
                raise
        return await self._with_token(request, send)

    async def _with_token(
        self, request: Request, send: Callable[[Request, str], Awaitable[T]]
    ) -> T:
        """Send; once more if the token was refused and there is a fresh one.

        Safe for every request: Coze refuses a token before it does anything.
        """
        token = await self._credentials.token()
        try:
            return await send(request, token)
        except Unauthorised:
            if not await self._credentials.refused(token):
                raise
        return await send(request, await self._credentials.token())

    async def _open(self, request: Request, token: str) -> Stream:
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "text/event-stream",
            "accept-encoding": "identity",  # a compressor holds text back
        }
        with calling():
            query = {name: str(it) for name, it in request.query.items() if it is not None}
            response = await self._streams.post(request.path, query, request.body, headers)
        stream = Stream(response, self._settings.idle_timeout)
        try:
            await stream.judge()
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _listen(self, request: Request, token: str) -> Sound:
        headers = {"authorization": f"Bearer {token}", "accept-encoding": "identity"}
        with calling():
            response = await self._transfers.send(
                _build(self._transfers, request, headers), stream=True
            )
        sound = Sound(response)
        try:
            await sound.judge()
        except BaseException:
            await sound.aclose()
            raise
        return sound

    async def _ask(self, request: Request, token: str) -> Success:
        with calling():
            async with asyncio.timeout(self._settings.call_timeout):
                reply = await _read(self._calls, request, token)
        return opened(reply)

    async def _send_form(self, request: Request, form: Form, token: str) -> Success:
        """Give up when nothing of the file has moved for a while, and no answer came."""
        patience = self._settings.idle_timeout
        with calling():
            async with asyncio.timeout(patience) as limit:
                now = asyncio.get_running_loop().time
                form.moved = lambda: limit.reschedule(now() + patience)
                reply = await _read(self._transfers, request, token)
        return opened(reply)


def address(base_url: str) -> httpx.URL:
    """Read where Coze is. Raises `Misconfigured` for what is no http address."""
    with contextlib.suppress(httpx.InvalidURL):
        url = httpx.URL(base_url.strip())
        if url.scheme in ("http", "https") and url.host:
            return url
    raise Misconfigured([f"coze.base_url: not an http(s) address: {base_url!r}"])


def pool(
    url: httpx.URL,
    settings: ClientSettings,
    connections: int,
    tls: ssl.SSLContext | None = None,
    *,
    queueing: float | None = None,
) -> httpx.AsyncClient:
    """Make a client that holds at most so many connections.

    tls: shared, for it is costly. queueing: seconds to wait for one of them, if not as long as
        for a new one.
    """
    return HttpxAiohttpClient(
        base_url=url,
        verify=tls or httpx.create_ssl_context(),
        headers={"user-agent": "coze-bridge"},
        limits=httpx.Limits(max_connections=connections, keepalive_expiry=_KEEP_ALIVE),
        timeout=httpx.Timeout(
            settings.idle_timeout,
            connect=settings.connect_timeout,
            pool=queueing or settings.connect_timeout,
        ),
    )


async def _read(client: httpx.AsyncClient, request: Request, token: str) -> Reply:
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    response = await client.send(_build(client, request, headers), stream=True)
    try:
        body = await body_of(response.aiter_bytes(), MAX_REPLY)
    finally:
        await response.aclose()
    return Reply(response.status_code, response.headers, body)


def _build(
    client: httpx.AsyncClient, request: Request, headers: Mapping[str, str]
) -> httpx.Request:
    query = {name: value for name, value in request.query.items() if value is not None}
    build = partial(client.build_request, request.method, request.path, params=query)
    if request.form is not None:
        return build(content=request.form, headers={**headers, **request.form.headers})
    file = request.file
    return build(
        json=request.body,
        files={"file": (file.name, file.content)} if file else None,  # the part's name at Coze
        headers=headers,
    )


def _is_worth_repeating(error: Exception) -> bool | float:
    """Tell stamina whether to repeat a call, or after how many seconds.

    A long Retry-After is left to the caller, who knows who is waiting.
    """
    if not isinstance(error, Transient) or isinstance(error, Occupied):
        return False
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= 5.0 else False
    return True
