"""What stands in the way on Slack's side, for `coze-bridge check`. Nothing is registered.

Which events an app is subscribed to, and whether a signing secret is right, no token can ask.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.addresses import events_path
from adapters.slack.faults import as_bridge_errors
from adapters.slack.settings import SlackSettings
from adapters.slack.tokens import Credentials, exchange
from adapters.slack.workspaces import make_client, open_session
from bridge.errors import BridgeError, RateLimited, Transient, Unauthorised
from bridge.foreign import text
from bridge.platform import Finding, Surroundings

T = TypeVar("T")

_AGAIN = "copy it from the app's settings again, or install the app again"
_CURES: Mapping[str, str] = {
    "account_inactive": "the app was removed from the workspace, or the workspace is gone; "
    "install the app again",
    "missing_scope": "give it the scope under Basic Information, App-Level Tokens, or make one",
    "not_allowed_token_type": "this is one of Slack's other tokens; xoxb- is bot_token, xapp- is "
    "app_token",
    "token_expired": "the app rotates its tokens, for which it must be installed by OAuth "
    "(client_id)",
    "token_revoked": "install the app again, and copy the new token",
    "socket_mode_not_enabled": "turn on Socket Mode in the app's settings, or choose mode = "
    '"http"',
    "invalid_client_id": "copy it from Basic Information again",
    "bad_client_secret": "copy it from Basic Information again, below the client ID",
}
_NO_SUCH_CODE = "coze-bridge-check"  # what Slack answers to it tells whether it knows the app
_APP_IS_KNOWN = frozenset({"invalid_code", "code_already_used", "bad_redirect_uri"})


async def examine(account: str, settings: SlackSettings, around: Surroundings) -> list[Finding]:
    """Look at the tokens and what they may do."""
    key = f"adapters.{account}"
    try:
        async with open_session(settings.api_base_url) as session:
            connect = partial(make_client, base_url=settings.api_base_url, session=session)
            found = [each async for each in _tokens(key, settings, around, connect)]
    except Transient as error:
        cure = f"is api_base_url right ({settings.api_base_url}), and may this machine reach it?"
        return [Finding("wrong", f"{key}: {error}; {cure}")]
    if settings.mode == "http":
        url = (around.public_url.rstrip("/") or "https://<the bridge>") + events_path(account)
        cure = f"in the app's settings, every request URL must be {url}"
        found.append(Finding("note", f"{key}: Slack does not tell its request URL; {cure}"))
    return found


async def _tokens(
    key: str,
    settings: SlackSettings,
    around: Surroundings,
    connect: Callable[[SecretStr | None], AsyncWebClient],
) -> AsyncIterator[Finding]:
    if settings.client_id:
        yield await _app(key, settings, connect(None))
    else:
        for finding in await _bot(key, settings, connect(settings.bot_token)):
            yield finding
    # Slack answers this about once a minute, so it is left to a bridge that runs.
    if settings.mode == "socket" and not around.is_running:
        client = connect(settings.app_token)
        token = settings.app_token.get_secret_value()
        opening = partial(client.apps_connections_open, app_token=token)
        told = await _asked(f"{key}.app_token", opening)
        opens = Finding("ok", f"{key}.app_token: opens connections")
        yield told if isinstance(told, Finding) else opens


async def _bot(key: str, settings: SlackSettings, client: AsyncWebClient) -> list[Finding]:
    told = await _asked(f"{key}.bot_token", client.auth_test)
    if isinstance(told, Finding):
        return [told]
    place = text(told.get("team")) or text(told.get("team_id"))
    found = [Finding("ok", f"{key}: {text(told.get('user'))} in {place}")]
    granted = _scopes(told)
    missing = [scope for scope in settings.scopes if scope not in granted]
    if granted and missing:
        cure = (
            "add them under OAuth & Permissions and install the app again; "
            "`coze-bridge slack manifest` has them all"
        )
        lacks = f"the token lacks {', '.join(missing)}"
        found.append(Finding("wrong", f"{key}.bot_token: {lacks}; {cure}"))
    return found


async def _app(key: str, settings: SlackSettings, client: AsyncWebClient) -> Finding:
    """See whether Slack knows the app by its secret: it looks at that before the code."""
    app = Credentials(settings.client_id, settings.client_secret)
    trying = partial(exchange, client, app, _NO_SUCH_CODE, "", datetime.now(UTC))
    told = await _asked(f"{key}.client_id", trying)
    if isinstance(told, Finding) and told.verdict != "ok":
        return told
    return Finding("ok", f"{key}: Slack knows the app {settings.client_id}")


async def _asked(key: str, call: Callable[[], Awaitable[T]]) -> T | Finding:
    """Slack's answer, or what is to be said of the key. Raises `Transient`."""
    try:
        with as_bridge_errors():
            return await call()
    except RateLimited as error:
        return Finding("note", f"{key}: {error}, so nobody could see; check again in a minute")
    except Transient:
        raise
    except BridgeError as error:
        word = str(error.code or "")
        if word in _APP_IS_KNOWN:
            return Finding("ok", key)
        return Finding("wrong", f"{key}: {error}; {_cure(error, word)}")


def _cure(error: BridgeError, word: str) -> str:
    if word in _CURES:
        return _CURES[word]
    return _AGAIN if isinstance(error, Unauthorised) else "see docs/slack.md"


def _scopes(told: AsyncSlackResponse) -> frozenset[str]:
    """What a token may do; empty where Slack does not tell."""
    headers = {str(name).lower(): str(value) for name, value in told.headers.items()}
    scopes = headers.get("x-oauth-scopes", "").split(",")
    return frozenset(filter(None, map(str.strip, scopes)))
