"""The emulator as a web application: routing, tokens, and faults around every call."""

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from tests.platforms.faults import Drop, before, cut, outlasting
from tests.platforms.journal import Call
from tests.platforms.port import Underway
from tests.slack.emulator import control, params, transfer
from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.errors import Refused, too_many
from tests.slack.emulator.faults import Fault
from tests.slack.emulator.methods import METHODS
from tests.slack.emulator.methods.accounts import basic
from tests.slack.emulator.params import Arguments, Json
from tests.slack.emulator.tokens import Token

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator

LARGEST_UPLOAD = 64 * 1024 * 1024  # bytes; ours, to keep the tests small


def application(emulator: "Emulator", underway: Underway) -> web.Application:
    """Build the app: the Web API, the sockets, what people's payloads link to, and ours.

    underway: where calls live that outlast their connection.
    """
    app = web.Application(client_max_size=LARGEST_UPLOAD)

    async def call(request: web.Request) -> web.StreamResponse:
        return await _call(request, emulator, underway)

    async def link(request: web.Request) -> web.StreamResponse:
        return await emulator.sockets.handle(request)

    async def respond(request: web.Request) -> web.StreamResponse:
        return await _respond(request, emulator)

    app.router.add_route("*", "/api/{method}", call)
    app.router.add_get("/link/", link)
    app.router.add_post("/response/{number}", respond)
    transfer.add_routes(app, emulator)
    control.add_routes(app, emulator)
    return app


async def _call(
    request: web.Request, emulator: "Emulator", underway: Underway
) -> web.StreamResponse:
    call = emulator.journal.begin(request.match_info["method"])
    try:
        method, ask = await _read(request, emulator, call)
    except Refused as refused:
        return _refuse(emulator, call, refused)
    fault = emulator.faults.about(call.method, call.chat)
    deed = _act(request, method, ask, fault)
    return await outlasting(deed, fault, underway)


async def _read(request: web.Request, emulator: "Emulator", call: Call) -> tuple[Method, Ask]:
    """Everything before the call is one: arguments, token, method, scope. Raises `Refused`."""
    args = await params.read(request)
    call.params = args.values
    call.chat = args.text("channel") or args.text("channel_id") or None
    method = METHODS.get(call.method)
    token = _token(request, emulator, args, method)
    if method is None:
        raise Refused("unknown_method", more={"req_method": call.method})
    if not method.token:
        args = Arguments(args.values | basic(request))
    elif token is not None:
        _check(token, method, call.method)
    ask = Ask(emulator, args, call, token)
    call.place = _place(ask)
    return method, ask


def _token(
    request: web.Request, emulator: "Emulator", args: Arguments, method: Method | None
) -> Token | None:
    if method is not None and not method.token:
        return None
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    given = value.strip() if kind.lower() == "bearer" else args.text("token")
    return emulator.tokens.check(given)


def _check(token: Token, method: Method, name: str) -> None:
    if token.is_app != (method.token == "app"):
        raise Refused("not_allowed_token_type")
    token.check_scope(*method.scopes)
    installation = token.installation
    if installation is not None and name in installation.bot.team.lacks:
        raise Refused("unknown_method", more={"req_method": name})


def _place(ask: Ask) -> str:
    """Whose budget a call is paid from: a workspace's, in an organisation the channel's own."""
    if ask.token is None or ask.token.installation is None:
        return ask.emulator.app_id
    if ask.installation.team is not None:
        return ask.installation.team.id
    channel = ask.emulator.channels.get(str(ask.call.chat))
    return channel.team.id if channel else ask.installation.bot.team.id


async def _act(request: web.Request, method: Method, ask: Ask, fault: Fault) -> web.Response:
    """Do it, with what goes wrong before and after."""
    try:
        if (response := await before(request, fault)) is None:
            response = await _done(method, ask)
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


async def _done(method: Method, ask: Ask) -> web.Response:
    call = ask.call
    if wait := ask.emulator.throttle.claim(call.method, call.place, str(call.chat)):
        raise too_many(wait)
    result = await method.handler(ask)
    scopes = ",".join(sorted(ask.token.scopes)) if ask.token else ""
    return _json({"ok": True} | result, headers={"X-OAuth-Scopes": scopes})


def _refuse(emulator: "Emulator", call: Call, refused: Refused) -> web.Response:
    call.retry_after = refused.retry_after
    _log(emulator, call, refused.status, refused.error)
    return _json(refused.envelope, status=refused.status, headers=refused.headers)


def _log(emulator: "Emulator", call: Call, status: int, description: str = "") -> None:
    emulator.journal.end(call, status, description)
    emulator.changed()


def _json(body: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=json.dumps(body, ensure_ascii=False).encode(),
        status=status,
        headers=headers,
        content_type="application/json",
    )


async def _respond(request: web.Request, emulator: "Emulator") -> web.Response:
    """A response_url."""
    call = emulator.journal.begin("response_url")
    try:
        body = (await params.read(request)).values
        call.params = body
        emulator.interactions.respond(request.match_info["number"], body)
    except Refused as refused:
        return _refuse(emulator, call, refused)
    _log(emulator, call, 200)
    return web.Response(text="ok")
