"""The emulator on a port: routing, faults around every call, and the life of the server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.telegram.emulator import conformance, control, params
from tests.telegram.emulator.ask import Ask, Done
from tests.telegram.emulator.emulator import Emulator
from tests.telegram.emulator.errors import (
    LOGGED_OUT,
    NO_METHOD,
    NOT_FOUND,
    UNAUTHORISED,
    Refused,
    bad,
)
from tests.telegram.emulator.faults import Drop, Fault
from tests.telegram.emulator.files import LARGEST_UPLOAD
from tests.telegram.emulator.journal import Call
from tests.telegram.emulator.methods import METHODS
from tests.telegram.emulator.params import Parameters

_NAMES = {name.lower(): name for name in METHODS}


@asynccontextmanager
async def serve(
    emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Emulator]:
    """Serve until the context is left; whoever waits for updates then is cut off.

    The state stays in `emulator`. Raises `OSError` if the port is taken.
    """
    server = _Server(emulator, host, port)
    emulator.port = server
    await server.start()
    try:
        yield emulator
    finally:
        emulator.port = None
        await server.close()


class _Server:
    """Starts and stops as often as outages need it, always on the same port."""

    def __init__(self, emulator: Emulator, host: str, port: int) -> None:
        self._emulator = emulator
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._deliveries: asyncio.Task[None] | None = None
        self._resting: asyncio.Task[None] | None = None
        self._underway: set[asyncio.Task[web.Response]] = set()

    def rest(self, seconds: float) -> None:
        """Stop, and start again later."""
        if self._resting is None or self._resting.done():
            self._resting = asyncio.create_task(self._rest(seconds), name="outage")

    async def _rest(self, seconds: float) -> None:
        await self.stop()
        await asyncio.sleep(seconds)
        await self.start()

    async def close(self) -> None:
        """Stop for good."""
        if self._resting is not None:
            self._resting.cancel()
            await asyncio.wait([self._resting])
        await self.stop()

    async def start(self) -> None:
        """Raises `OSError` if the port is taken. Does nothing if it is started."""
        if self._runner is not None:
            return
        runner = web.AppRunner(
            application(self._emulator, self._underway),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.01,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._emulator.url = f"http://{self._host}:{self._port}"
        self._deliveries = asyncio.create_task(self._emulator.webhook.run(), name="webhook")
        self._set_up(up=True)

    def _set_up(self, *, up: bool) -> None:
        self._emulator.is_up = up
        self._emulator.changed()

    async def stop(self) -> None:
        """Close the port and every connection. Raises what the deliveries ended with."""
        runner, self._runner = self._runner, None
        deliveries, self._deliveries = self._deliveries, None
        if runner is not None:
            await runner.cleanup()
        self._set_up(up=False)
        ending = [*self._underway, *([deliveries] if deliveries else [])]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        if deliveries is not None and not deliveries.cancelled():
            deliveries.result()


def application(emulator: Emulator, underway: set[asyncio.Task[web.Response]]) -> web.Application:
    """Build the app: the Bot API, the files, and ours below /_emulator.

    underway: where calls live that outlast their connection.
    """
    app = web.Application(client_max_size=LARGEST_UPLOAD + 1024 * 1024)

    async def call(request: web.Request) -> web.StreamResponse:
        return await _call(request, emulator, underway)

    async def download(request: web.Request) -> web.StreamResponse:
        return _download(request, emulator)

    app.router.add_route("*", "/bot{token}/{method}", call)
    app.router.add_get("/file/bot{token}/{path:.+}", download)
    control.add_routes(app, emulator)
    return app


async def _call(
    request: web.Request, emulator: Emulator, underway: set[asyncio.Task[web.Response]]
) -> web.StreamResponse:
    call = emulator.journal.begin(_name(request.match_info["method"]))
    try:
        given = await _read(request, emulator, call)
    except Refused as refused:
        return _refuse(emulator, call, refused)
    fault = emulator.faults.about(call.method, call.chat)
    deed = _act(request, Ask(emulator, given, call), fault)
    if not fault.takes_time or call.method == "getUpdates":
        return await deed
    # Telegram does what it was asked, whether or not the client still waits to hear of it.
    task = asyncio.create_task(deed, name=f"call {call.number}")
    underway.add(task)
    task.add_done_callback(underway.discard)
    return await asyncio.shield(task)


async def _act(request: web.Request, ask: Ask, fault: Fault) -> web.Response:
    """Do it, with what goes wrong before and after."""
    try:
        if (response := await _before(request, fault)) is None:
            result = await _done(ask)
            response = _json(200, _success(result))
        if fault.drop is Drop.AFTER:
            response = _cut(request)
    except Refused as refused:
        return _refuse(ask.emulator, ask.call, refused)
    except asyncio.CancelledError:
        _log(ask.emulator, ask.call, 0, "the client hung up")
        raise
    dropped = request.transport is None or request.transport.is_closing()
    _log(ask.emulator, ask.call, 0 if dropped else response.status)
    return response


def _refuse(emulator: Emulator, call: Call, refused: Refused) -> web.Response:
    call.retry_after = refused.parameters.get("retry_after")
    _log(emulator, call, refused.code, refused.description)
    return _json(refused.code, refused.envelope)


def _log(emulator: Emulator, call: Call, status: int, description: str = "") -> None:
    emulator.journal.end(call, status, description)
    emulator.changed()


def _name(given: str) -> str:
    """One spelling for the log, whatever the client's."""
    return _NAMES.get(given.lower(), given)


async def _read(request: web.Request, emulator: Emulator, call: Call) -> Parameters:
    """Everything before the call is one: token, method, parameters. Raises `Refused`."""
    _authenticate(request, emulator)
    given = await params.read(request)
    call.params = given.values
    call.chat = given.chat_id
    if call.method in emulator.lacks or not _exists(emulator, call.method):
        raise NO_METHOD
    if emulator.strict:
        emulator.violations += conformance.violations(call.method, given.values, given.uploads)
    return given


def _exists(emulator: Emulator, method: str) -> bool:
    return method in METHODS or (emulator.strict and conformance.knows(method))


def _authenticate(request: web.Request, emulator: Emulator) -> None:
    token = request.match_info["token"]
    number, colon, secret = token.partition(":")
    if not (number.isdigit() and colon and secret):
        raise NOT_FOUND
    if token != emulator.token:
        raise UNAUTHORISED
    if emulator.logged_out:
        raise LOGGED_OUT


async def _before(request: web.Request, fault: Fault) -> web.Response | None:
    """What a fault does before anything happens. Raises `Refused` if it refuses."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.gate is not None:
        await fault.gate.pass_through()
    if fault.drop is Drop.BEFORE:
        return _cut(request)
    if fault.refusal is not None:
        raise fault.refusal
    if fault.html:
        return web.Response(text=fault.html, status=fault.code or 502, content_type="text/html")
    return None


async def _done(ask: Ask) -> object:
    handler = METHODS.get(ask.call.method)
    if handler is None:
        ask.emulator.violations.append(f"{ask.call.method}: the emulator cannot do this")
        raise bad("this emulator does not know the method")
    return await handler(ask)


def _success(result: object) -> dict[str, object]:
    if not isinstance(result, Done):
        return {"ok": True, "result": result}
    return {"ok": True, "result": result.result, "description": result.description}


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(
        body=json.dumps(body, ensure_ascii=False).encode(),
        status=status,
        content_type="application/json",
    )


def _cut(request: web.Request) -> web.Response:
    """Break the connection; what is returned never leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _download(request: web.Request, emulator: Emulator) -> web.Response:
    call = emulator.journal.begin("download")
    file = emulator.files.at(request.match_info["path"])
    if request.match_info["token"] != emulator.token or file is None:
        refused = NOT_FOUND
        emulator.journal.end(call, refused.code, refused.description)
        return _json(refused.code, refused.envelope)
    emulator.journal.end(call, 200)
    return web.Response(body=file.data, content_type="application/octet-stream")
