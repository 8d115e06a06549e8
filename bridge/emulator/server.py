"""The emulator on a port: routing, authentication, and the life of the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler as Plain
from aiohttp.typedefs import Middleware

from bridge.emulator.call import LARGEST_BODY, Call, Handler, Route, error_response, json_response
from bridge.emulator.emulator import Emulator
from bridge.emulator.routes import (
    audio,
    bots,
    chat,
    control,
    conversations,
    examples,
    files,
    messages,
    tokens,
    variables,
    workflows,
)
from bridge.emulator.scenario import Drop, Trouble
from bridge.emulator.state import Refused
from bridge.emulator.streams import closed

# These look at their scenario themselves: some choose it by the question, all stream.
_STREAMS = ("/v3/chat", "/v1/workflows/chat", "/v3/chat/submit_tool_outputs")
_ROUTES: tuple[Route, ...] = (
    *chat.ROUTES,
    *workflows.ROUTES,
    *conversations.ROUTES,
    *messages.ROUTES,
    *variables.ROUTES,
    *bots.ROUTES,
    *files.ROUTES,
    *audio.ROUTES,
)


@asynccontextmanager
async def serve(
    emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Emulator]:
    """Serve until the context is left; connections are closed then, whatever they wait for.

    The state stays in `emulator`: serving it again, on the same port, is an outage that is
    over, and chats that had not ended play on. Raises `OSError` if the port is taken.
    """
    # Handlers end with their connection; chats do not, they belong to the stage.
    runner = web.AppRunner(
        application(emulator), access_log=None, handler_cancellation=True, shutdown_timeout=0.01
    )
    async with emulator.stage.open():
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            emulator.url = _url(host, runner)
            yield emulator
        finally:
            await runner.cleanup()


def _url(host: str, runner: web.AppRunner) -> str:
    port = runner.addresses[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def application(emulator: Emulator) -> web.Application:
    """Build the app: Coze's endpoints, and ours below /_emulator."""
    app = web.Application(middlewares=[_misses(emulator)], client_max_size=LARGEST_BODY)
    for route in (*_ROUTES, *examples.routes_beside(_ROUTES)):
        app.router.add_route(route.method, route.path, _endpoint(emulator, route.handler))
    app.router.add_post("/api/permission/oauth2/token", _token(emulator))
    app.router.add_post("/api/permission/oauth2/account/{account_id}/token", _token(emulator))
    _add_control(app, emulator)
    return app


def _add_control(app: web.Application, emulator: Emulator) -> None:
    async def log(_: web.Request) -> web.Response:
        return control.log(emulator)

    async def state(_: web.Request) -> web.Response:
        return control.state(emulator)

    async def file(request: web.Request) -> web.Response:
        return control.file(request, emulator)

    async def picture(_: web.Request) -> web.Response:
        return control.picture()

    async def install(request: web.Request) -> web.Response:
        return await control.install(request, emulator)

    async def uninstall(_: web.Request) -> web.Response:
        return control.uninstall(emulator)

    app.router.add_get("/_emulator/log", log)
    app.router.add_get("/_emulator/state", state)
    app.router.add_get("/_emulator/files/{file_id}", file)
    app.router.add_get("/_emulator/bridge.png", picture)
    app.router.add_post("/_emulator/scenario", install)
    app.router.add_delete("/_emulator/scenario", uninstall)


def _token(emulator: Emulator) -> Plain:
    async def handle(request: web.Request) -> web.StreamResponse:
        logid = emulator.ids.logid(emulator.clock())
        return await tokens.token(request, emulator, logid)

    return handle


def _endpoint(emulator: Emulator, handler: Handler) -> Plain:
    async def handle(request: web.Request) -> web.StreamResponse:
        logid = emulator.ids.logid(emulator.clock())
        caller = emulator.keyring.identify(request.headers.get("Authorization", ""))
        if caller is None:
            return error_response(_unknown_caller(request), logid)
        try:
            return await _answered(Call(request, emulator, caller, logid), handler)
        except Refused as error:
            return error_response(error.trouble, logid)

    return handle


async def _answered(call: Call, handler: Handler) -> web.StreamResponse:
    """Let a scenario come first, where the endpoint does not ask for one itself."""
    if call.request.path in _STREAMS:
        return await handler(call)
    scenario = call.emulator.playbook.about(call.request.path, call.emulator.clock())
    if scenario.drop is Drop.UNASKED:
        return closed(call.request)
    if scenario.refuse is not None:
        raise Refused(scenario.refuse)
    response = await handler(call)
    if scenario.slow_headers:
        await asyncio.sleep(scenario.slow_headers)
    return closed(call.request) if scenario.drop is not None else response


def _unknown_caller(request: web.Request) -> Trouble:
    """Published measurements: /v3/chat says it with HTTP 200, the others with 401."""
    if request.path == "/v3/chat":
        return Trouble(4101, "The token you entered is incorrect. Please check and try again.")
    return Trouble(700012006, "access token invalid", 401)


def _misses(emulator: Emulator) -> Middleware:
    """Count calls, and answer with Coze's JSON where aiohttp would answer with text."""

    @web.middleware
    async def middleware(request: web.Request, handler: Plain) -> web.StreamResponse:
        emulator.calls[f"{request.method} {request.path}"] += 1
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return _error(emulator, 4000, "The requested API does not exist", 404)
        except web.HTTPRequestEntityTooLarge:
            return _error(emulator, 4000, "The request body is larger than 15 MB", 413)

    return middleware


def _error(emulator: Emulator, code: int, msg: str, status: int) -> web.Response:
    logid = emulator.ids.logid(emulator.clock())
    return json_response({"code": code, "msg": msg}, logid, status=status)
