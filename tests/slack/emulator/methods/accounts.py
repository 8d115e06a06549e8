"""Who we are, who they are, and how the app is connected and installed."""

import base64
import binascii

from aiohttp import web

from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.errors import Refused
from tests.slack.emulator.params import Json


async def auth_test(ask: Ask) -> Json:
    installation = ask.installation
    team, enterprise = installation.team, installation.enterprise
    home = team or installation.bot.team
    body: Json = {
        "url": f"https://{home.domain}.slack.com/",
        "team": home.name if team else (enterprise.name if enterprise else ""),
        "user": installation.bot.name,
        "team_id": team.id if team else (enterprise.id if enterprise else ""),
        "user_id": installation.bot.id,
        "bot_id": installation.bot.bot_id,
        "is_enterprise_install": team is None,
    }
    return body | ({"enterprise_id": enterprise.id} if enterprise else {})


async def auth_revoke(ask: Ask) -> Json:
    if ask.args.flag("test"):
        return {"revoked": False}
    assert ask.token is not None
    ask.token.ended = "token_revoked"
    return {"revoked": True}


async def team_info(ask: Ask) -> Json:
    team_id = ask.args.text("team")
    for team in ask.emulator.workspaces.values():
        if ask.installation.covers(team) and team_id in ("", team.id):
            return {"team": team.shown()}
    raise Refused("team_not_found")


async def users_info(ask: Ask) -> Json:
    user = ask.emulator.people.get(ask.args.needed("user"))
    bots = {bot.id: bot for bot in ask.emulator.bots}
    found = user or bots.get(ask.args.text("user"))
    if found is None:
        raise Refused("user_not_found")
    return {"user": found.shown(locale=ask.args.flag("include_locale"))}


async def bots_info(ask: Ask) -> Json:
    wanted = ask.args.text("bot")
    for user in [*ask.emulator.bots, *ask.emulator.people.values()]:
        if user.bot_id and user.bot_id == wanted:
            body: Json = {"id": user.bot_id, "name": user.name, "user_id": user.id}
            return {"bot": body | {"app_id": ask.emulator.app_id, "deleted": False}}
    raise Refused("bot_not_found")


async def connections_open(ask: Ask) -> Json:
    if ask.emulator.mode != "socket":
        raise Refused("socket_mode_not_enabled")
    address = ask.emulator.url.replace("http", "ws", 1)
    return {"url": f"{address}/link/?ticket={ask.emulator.sockets.ticket()}&app_id=emulated"}


async def oauth_access(ask: Ask) -> Json:
    args = ask.args
    if args.text("client_id") != ask.emulator.client_id:
        raise Refused("invalid_client_id")
    if args.text("client_secret") != ask.emulator.client_secret:
        raise Refused("bad_client_secret")
    match args.text("grant_type"):
        case "refresh_token":
            return ask.emulator.installs.refresh(args.text("refresh_token"))
        case "" | "authorization_code":
            return ask.emulator.installs.exchange(args.text("code"), args.text("redirect_uri"))
        case _:
            raise Refused("invalid_grant_type")


def basic(request: web.Request) -> Json:
    """The client's id and secret, where they came in the Authorization header."""
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": client_id, "client_secret": secret}


METHODS: dict[str, Method] = {
    "auth.test": Method(auth_test),
    "auth.revoke": Method(auth_revoke),
    "team.info": Method(team_info, ("team:read",)),
    "users.info": Method(users_info, ("users:read",)),
    "bots.info": Method(bots_info, ("users:read",)),
    "apps.connections.open": Method(connections_open, ("connections:write",), "app"),
    "oauth.v2.access": Method(oauth_access, (), ""),
}
