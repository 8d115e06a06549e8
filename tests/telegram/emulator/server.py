"""The emulator as a web application: routing, and faults around every call."""

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from tests.platforms.faults import Drop, before, cut, outlasting
from tests.platforms.journal import Call
from tests.platforms.port import Underway
from tests.telegram.emulator import conformance, control, params
from tests.telegram.emulator.ask import Ask, Done
from tests.telegram.emulator.errors import (
    LOGGED_OUT,
    NO_METHOD,
    NOT_FOUND,
    UNAUTHORISED,
    Refused,
    bad,
)
from tests.telegram.emulator.faults import Fault
from tests.telegram.emulator.files import LARGEST_UPLOAD, File
from tests.telegram.emulator.methods import METHODS
from tests.telegram.emulator.params import Parameters

if TYPE_CHECKING:
    from tests.telegram.emulator.emulator import Emulator

_NAMES = {name.lower(): name for name in METHODS}


def application(emulator: "Emulator", underway: Underway) -> web.Application:
    """Build the app: the Bot API, the files, and ours below /_emulator.

    underway: where calls live that outlast their connection.
    """
    app = web.Application(client_max_size=LARGEST_UPLOAD + 1024 * 1024)

    async def call(request: web.Request) -> web.StreamResponse:
        return await _call(request, emulator, underway)

    async def download(request: web.Request) -> web.StreamResponse:
        return await _download(request, emulator)

    app.router.add_route("*", "/bot{token}/{method}", call)
    app.router.add_get("/file/bot{token}/{path:.+}", download)
    control.add_routes(app, emulator)
    return app


async def _call(
    request: web.Request, emulator: "Emulator", underway: Underway
) -> web.StreamResponse:
    call = emulator.journal.begin(_name(request.match_info["method"]))
    try:
        given = await _read(request, emulator, call)
    except Refused as refused:
        return _refuse(emulator, call, refused)
    fault = emulator.faults.about(call.method, call.chat)
    deed = _act(request, Ask(emulator, given, call), fault)
    if call.method == "getUpdates":  # what a poller hung up on stays for the next one
        return await deed
    return await outlasting(deed, fault, underway)


async def _act(request: web.Request, ask: Ask, fault: Fault) -> web.Response:
    """Do it, with what goes wrong before and after."""
    try:
        if (response := await before(request, fault)) is None:
            result = await _done(ask)
            response = _json(200, _success(result))
        if fault.drop is Drop.AFTER:
            response = cut(request)
    except Refused as refused:
        return _refuse(ask.emulator, ask.call, refused)
    except asyncio.CancelledError:
        _log(ask.emulator, ask.call, 0, "the client hung up")
        raise
    dropped = request.transport is None or request.transport.is_closing()
    _log(ask.emulator, ask.call, 0 if dropped else response.status)
    return response


def _refuse(emulator: "Emulator", call: Call, refused: Refused) -> web.Response:
    call.retry_after = refused.parameters.get("retry_after")
    _log(emulator, call, refused.code, refused.description)
    return _json(refused.code, refused.envelope)


def _log(emulator: "Emulator", call: Call, status: int, description: str = "") -> None:
    emulator.journal.end(call, status, description)
    emulator.changed()


def _name(given: str) -> str:
    """One spelling for the log, whatever the client's."""
    return _NAMES.get(given.lower(), given)


async def _read(request: web.Request, emulator: "Emulator", call: Call) -> Parameters:
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


def _exists(emulator: "Emulator", method: str) -> bool:
    return method in METHODS or (emulator.strict and conformance.knows(method))


def _authenticate(request: web.Request, emulator: "Emulator") -> None:
    token = request.match_info["token"]
    number, colon, secret = token.partition(":")
    if not (number.isdigit() and colon and secret):
        raise NOT_FOUND
    if token != emulator.token:
        raise UNAUTHORISED
    if emulator.logged_out:
        raise LOGGED_OUT


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


async def _download(request: web.Request, emulator: "Emulator") -> web.StreamResponse:
    """Hand a file out; a connection that drops afterwards drops in the middle of it."""
    call = emulator.journal.begin("download")
    fault = emulator.faults.about("download", None)
    try:
        response = await before(request, fault)
        file = _file(request, emulator)
    except Refused as refused:
        emulator.journal.end(call, refused.code, refused.description)
        return _json(refused.code, refused.envelope)
    emulator.journal.end(call, 200 if response is None else response.status)
    if response is not None:
        return response
    if fault.drop is Drop.AFTER:
        return await _half(request, file)
    return web.Response(body=file.data, content_type="application/octet-stream")


def _file(request: web.Request, emulator: "Emulator") -> File:
    """Raises `Refused`."""
    file = emulator.files.at(request.match_info["path"])
    if request.match_info["token"] != emulator.token or file is None:
        raise NOT_FOUND
    return file


async def _half(request: web.Request, file: File) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(file.data))})
    await response.prepare(request)
    await response.write(file.data[: len(file.data) // 2])
    return cut(request)
