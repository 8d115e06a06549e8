"""Tokens of workspaces that installed the app: given out for a code, exchanged before they end.

https://docs.slack.dev/authentication/installing-with-oauth and …/using-token-rotation
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import SecretStr, TypeAdapter
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.faults import as_bridge_errors
from adapters.slack.raw import number
from bridge.errors import Permanent
from bridge.foreign import Json, fields, text


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves that a call comes from the app."""

    client_id: str
    client_secret: SecretStr


@dataclass(frozen=True, slots=True)
class Installation:
    """What Slack gave out for one place.

    team: empty where it is for all workspaces of an organisation; enterprise: else empty.
    name: of the workspace or the organisation. by: who installed it.
    refresh_token, expires: of a token that rotates; empty and None otherwise.
    """

    team: str
    enterprise: str
    name: str
    app: str
    by: str
    token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires: datetime | None = None

    @property
    def place(self) -> str:
        """What it is found by: a team's id or an organisation's."""
        return self.enterprise or self.team

    def dump(self) -> str:
        """As text to be kept; for a vault only."""
        return _STORED.dump_json(self).decode()

    @staticmethod
    def load(kept: str) -> "Installation":
        """Read what `dump` wrote."""
        return _STORED.validate_json(kept)


_STORED = TypeAdapter(Installation)


async def exchange(
    client: AsyncWebClient, app: Credentials, code: str, redirect_uri: str, now: datetime
) -> Installation:
    """Turn the code of a person who agreed into an installation.

    Raises `Permanent` for a code that is no good (any more), `Unauthorised` for credentials
    that are not the app's, `Transient`.
    """
    told = await _ask(client, app, code=code, redirect_uri=redirect_uri)
    organisation = bool(told.get("is_enterprise_install"))
    where = fields(told.get("enterprise" if organisation else "team"))
    place = text(where.get("id"))
    if not place:
        raise Permanent("Slack did not say where the app was installed")
    token, refresh_token, expires = _granted(told, now)
    return Installation(
        team="" if organisation else place,
        enterprise=place if organisation else "",
        name=text(where.get("name")),
        app=text(told.get("app_id")),
        by=text(fields(told.get("authed_user")).get("id")),
        token=token,
        refresh_token=refresh_token,
        expires=expires,
    )


async def renewed(
    client: AsyncWebClient, app: Credentials, old: Installation, now: datetime
) -> Installation:
    """Exchange a token for the next. The refresh token is good for one time, so keep the result.

    Raises like `exchange`; after `Transient(happened=True)` the refresh token may be used up.
    """
    told = await _ask(client, app, grant_type="refresh_token", refresh_token=old.refresh_token)
    token, refresh_token, expires = _granted(told, now)
    return replace(old, token=token, refresh_token=refresh_token, expires=expires)


async def give_back(client: AsyncWebClient) -> None:
    """End the client's token, and with it the installation. Raises like `exchange`."""
    with as_bridge_errors():
        await client.auth_revoke()


async def _ask(client: AsyncWebClient, app: Credentials, **args: str) -> Json:
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret.get_secret_value()}
    with as_bridge_errors():
        # Not `oauth_v2_access`, which signs in by what aiohttp has deprecated.
        answer = await client.api_call("oauth.v2.access", data=secrets | args)
    return fields(answer.data)


def _granted(told: Json, now: datetime) -> tuple[str, str, datetime | None]:
    """The token, what it is refreshed with, and when it ends."""
    token, seconds = text(told.get("access_token")), number(told.get("expires_in"))
    if not token or told.get("token_type", "bot") != "bot":
        raise Permanent("Slack gave no bot token; the app must ask for scopes of a bot")
    if seconds is None:  # it does not rotate
        return token, "", None
    return token, text(told.get("refresh_token")), now + timedelta(seconds=seconds)
