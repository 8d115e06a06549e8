"""The keys of a Slack table, and which of them need another."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints

from bridge.platform import AdapterSettings, Platform


def _bot_token(value: SecretStr) -> SecretStr:
    return _prefixed(value, "xoxb-", "bot user OAuth token")


def _app_token(value: SecretStr) -> SecretStr:
    return _prefixed(value, "xapp-", "app-level token")


def _prefixed(value: SecretStr, prefix: str, name: str) -> SecretStr:
    """Catch the commonest slip, one of Slack's tokens in the place of another."""
    text = value.get_secret_value().strip()
    if text and not text.startswith(prefix):
        raise ValueError(f"must be the {name}, which starts with {prefix}")
    return SecretStr(text)


def _client_id(value: str) -> str:
    if value and not re.fullmatch(r"\d+\.\d+", value.strip()):
        raise ValueError("must be the client ID, two numbers with a dot, under Basic Information")
    return value.strip()


def _list(value: object) -> object:
    """Accept a list as one text, separated by commas, as Slack writes it."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _api_base_url(value: str) -> str:
    if not re.match(r"https?://[^/]", value):
        raise ValueError("must be an address that starts with https:// or http://")
    return value.rstrip("/") + "/"  # slack_sdk appends method names to it


def _place(value: str) -> str:
    if not re.fullmatch(r"[TE][A-Z0-9]+", value):
        raise ValueError("must be the ID of a workspace, T…, or of an organisation, E…")
    return value


def _redirect_url(value: str) -> str:
    if value and not re.match(r"https?://[^/]+/", value):
        raise ValueError("must be an address that starts with https:// and has a path")
    return value


SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "reactions:read",
    "reactions:write",
    "users:read",
)
"""What the app may do where it is installed (https://docs.slack.dev/reference/scopes)."""

_Place = Annotated[str, AfterValidator(_place)]
_Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class SlackSettings(AdapterSettings):
    """One app, in one workspace by its bot token, or wherever people install it by OAuth.

    app_token: for socket mode; signing_secret: for http mode.
    client_id, client_secret: of OAuth, in the place of `bot_token`. scopes: what it asks for.
    workspaces: which may install it, by their IDs; any if there is none.
    redirect_url: where Slack sends people back to, if it is not below `server.public_url`.
    stream: `auto` is Slack's own streaming where it is allowed, else edits.
    stream_life: seconds after which a stream is ended and the answer goes on in the next
        message; Slack ends it by itself after about 300 (python-slack-sdk #1859).
    feedback: thumbs up and down under an answer, if its agent takes feedback.
    external_users: hear people of other organisations too (Slack Connect).
    suggested_prompts: what an empty conversation offers to begin with; Slack shows four.
    """

    its_own = ("bot_token", "app_token")

    bot_token: Annotated[SecretStr, AfterValidator(_bot_token)] = SecretStr("")
    app_token: Annotated[SecretStr, AfterValidator(_app_token)] = SecretStr("")
    signing_secret: SecretStr = SecretStr("")
    client_id: Annotated[str, AfterValidator(_client_id)] = ""
    client_secret: SecretStr = SecretStr("")
    scopes: Annotated[tuple[str, ...], BeforeValidator(_list), Field(min_length=1)] = SCOPES
    workspaces: Annotated[tuple[_Place, ...], BeforeValidator(_list)] = ()
    redirect_url: Annotated[str, AfterValidator(_redirect_url)] = ""
    mode: Literal["socket", "http"] = "socket"
    api_base_url: Annotated[str, AfterValidator(_api_base_url)] = "https://slack.com/api/"
    stream: Literal["auto", "edit", "final"] = "auto"
    stream_life: Annotated[float, Field(gt=0)] = 240.0
    feedback: bool = True
    external_users: bool = False
    suggested_prompts: Annotated[tuple[_Prompt, ...], Field(max_length=4)] = ()

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """Each mode has a secret of its own; a bot's token comes from here or by OAuth."""
        if self.client_id or self.client_secret.get_secret_value():
            yield from self._oauth_conflicts(public_url)
        elif self.workspaces:
            yield "workspaces", "is for an app that others install, which needs client_id"
        elif not self.bot_token.get_secret_value():
            yield "bot_token", "missing; it stands under OAuth & Permissions in the app's settings"
        if self.mode == "socket" and not self.app_token.get_secret_value():
            yield "app_token", "missing; socket mode needs one with the scope connections:write"
        if self.mode == "http" and not self.signing_secret.get_secret_value():
            yield "signing_secret", "missing; http mode proves by it that a request is Slack's"

    def _oauth_conflicts(self, public_url: str) -> Iterable[tuple[str, str]]:
        if not self.client_id:
            yield "client_id", "missing; it stands beside the secret under Basic Information"
        if not self.client_secret.get_secret_value():
            yield "client_secret", "missing; it stands below the client ID"
        if self.bot_token.get_secret_value():
            yield "bot_token", "given together with client_id; keep one"
        if not public_url and not self.redirect_url:
            yield "client_id", "needs server.public_url, where Slack sends people back to"

    def keeps_secrets(self) -> bool:
        """The tokens of whoever installs the app."""
        return bool(self.client_id)


PLATFORM = Platform(
    settings=SlackSettings,
    adapter="adapters.slack.adapter:SlackAdapter",
    examine="adapters.slack.examine:examine",
    interview="adapters.slack.interview:INTERVIEW",
)
