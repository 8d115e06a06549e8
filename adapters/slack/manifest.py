"""The app as Slack is told of it, and the link that makes one of it. Pure.

https://docs.slack.dev/reference/app-manifest
"""

import json
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from adapters.slack.addresses import events_path, install_path, redirect_path
from adapters.slack.settings import SlackSettings
from bridge.errors import Misconfigured

Manifest: TypeAlias = dict[str, Any]

NAME = "Coze Bridge"
LONGEST_NAME = 35
COMMAND = "/coze"
_DESCRIPTION = "Talk to an agent hosted on Coze"  # up to 140
_AGENT = "Answers in direct messages, in threads, and where it is mentioned."  # up to 300
_EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)
_NEW_APP = "https://api.slack.com/apps"


@dataclass(frozen=True, slots=True)
class App:
    """What differs between apps.

    events_url: where Slack sends events; empty in socket mode. redirect_url: where it sends
    people back to who install the app; empty where it has a bot token.
    """

    name: str
    scopes: tuple[str, ...]
    prompts: tuple[str, ...] = ()
    events_url: str = ""
    redirect_url: str = ""


def app(account: str, settings: SlackSettings, public_url: str, name: str = NAME) -> App:
    """What the configuration says of the app, whether or not it is finished.

    Raises `Misconfigured` where Slack would refuse it.
    """
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Misconfigured([f"--name: must have from 1 to {LONGEST_NAME} characters"])
    by_http, by_oauth = settings.mode == "http", bool(settings.client_id)
    redirect_url = settings.redirect_url or public_url + redirect_path(account)
    if by_http or (by_oauth and not settings.redirect_url):
        _require_https(public_url)
    return App(
        name=name,
        scopes=settings.scopes,
        prompts=settings.suggested_prompts,
        events_url=public_url + events_path(account) if by_http else "",
        redirect_url=redirect_url if by_oauth else "",
    )


def _require_https(public_url: str) -> None:
    if not public_url:
        raise Misconfigured(["server.public_url: missing; it is where Slack reaches the bridge"])
    if not public_url.startswith("https://"):
        raise Misconfigured(["server.public_url: must start with https://, or Slack refuses it"])


def manifest(app: App) -> Manifest:
    """Everything Slack asks for when an app is made."""
    return {
        "display_information": {"name": app.name, "description": _DESCRIPTION},
        "features": _features(app),
        "oauth_config": _oauth(app),
        "settings": _settings(app),
    }


def link(made: Manifest) -> str:
    """A page of Slack's that makes an app of it."""
    compact = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    return f"{_NEW_APP}?{urlencode({'new_app': 1, 'manifest_json': compact}, quote_via=quote)}"


def next_steps(account: str, settings: SlackSettings, public_url: str) -> list[str]:
    """What is left to do by hand once there is an app, in order."""
    steps = []
    if settings.mode == "socket":
        steps.append("Basic Information, App-Level Tokens: one with connections:write is app_token")
    else:
        steps.append("Basic Information: the signing secret is signing_secret")
    if settings.client_id:
        steps.append("Manage Distribution: activate it, for workspaces other than your own")
        steps.append(f"Install it in each workspace: {public_url}{install_path(account)}")
    else:
        steps.append("Install App: the bot user OAuth token is bot_token")
    return steps


def _features(app: App) -> Manifest:
    command = {
        "command": COMMAND,
        "description": "Commands of the agent",
        "usage_hint": "help",
        "should_escape": False,
    }
    prompts = [{"title": prompt, "message": prompt} for prompt in app.prompts]
    return {
        "app_home": {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": app.name, "always_online": True},
        "slash_commands": [command | ({"url": app.events_url} if app.events_url else {})],
        "agent_view": {"agent_description": _AGENT}
        | ({"suggested_prompts": prompts} if prompts else {}),
    }


def _oauth(app: App) -> Manifest:
    redirects = {"redirect_urls": [app.redirect_url]} if app.redirect_url else {}
    return redirects | {"scopes": {"bot": list(app.scopes)}}


def _settings(app: App) -> Manifest:
    reached = {"request_url": app.events_url} if app.events_url else {}
    return {
        "event_subscriptions": reached | {"bot_events": list(_EVENTS)},
        "interactivity": {"is_enabled": True} | reached,
        # Only who installs by OAuth can install for a whole organisation.
        "org_deploy_enabled": bool(app.redirect_url),
        "socket_mode_enabled": not app.events_url,
        # It cannot be turned off again, so it is for the app's owner to turn on.
        "token_rotation_enabled": False,
    }
