"""The app in workspaces: installing it, giving out tokens, turning them, taking them away."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from tests.slack.emulator.errors import Refused
from tests.slack.emulator.model import Enterprise, User, Workspace
from tests.slack.emulator.params import Json
from tests.slack.emulator.tokens import LIFE, SCOPES, Token

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator
    from tests.slack.emulator.people import Person


@dataclass(slots=True, eq=False)
class Installation:
    """The app in a workspace, or in a whole organisation (then `team` is None)."""

    id: str
    team: Workspace | None
    enterprise: Enterprise | None
    bot: User
    installer: str
    scopes: str
    active: bool = True
    tokens: list[Token] = field(default_factory=list)

    @property
    def token(self) -> str:
        """The newest token."""
        return self.tokens[-1].value

    def covers(self, team: Workspace) -> bool:
        if self.team is not None:
            return team is self.team
        return team.enterprise is self.enterprise

    def end(self, error: str = "account_inactive") -> None:
        """Every token dies."""
        self.active = False
        for token in self.tokens:
            token.ended = token.ended or error


@dataclass(frozen=True, slots=True)
class Code:
    """What the app may exchange for a token, once, for ten minutes."""

    installation: Installation
    redirect_uri: str
    date: float


@dataclass(frozen=True, slots=True)
class Landed:
    """What a person's browser showed at the end of an installation."""

    status: int
    body: str


class Installs:
    """Codes and refresh tokens. rotates: whether tokens end after twelve hours."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self._codes: dict[str, Code] = {}
        self._used: set[str] = set()
        self._refreshable: dict[str, Installation] = {}
        self.rotates = False

    def grant(self, installation: Installation, *, value: str = "") -> Token:
        """Give out a token."""
        token = self._emulator.tokens.bot(
            installation, value=value, scopes=installation.scopes, rotates=self.rotates
        )
        installation.tokens.append(token)
        return token

    # The person's side.

    async def approve(self, person: "Person", install_url: str, *, deny: bool = False) -> Landed:
        """Click "Add to Slack" on the app's page, look at the scopes, and allow or deny.

        The browser keeps its cookies from the first page to the last, because the app may
        compare them, and takes the machine it runs on for safe.

        Raises `LookupError` if the page does not lead to Slack.
        """
        origin = URL(install_url).origin()
        jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=[origin])
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.get(install_url, allow_redirects=False) as response:
                page = response.headers.get("Location", "") or await response.text()
            target = self._decided(person, _authorise_query(page), install_url, deny=deny)
            async with browser.get(target, allow_redirects=False) as response:
                return Landed(response.status, await response.text())

    def _decided(self, person: "Person", query: dict[str, str], page: str, *, deny: bool) -> str:
        """Where the browser is sent."""
        redirect = query.get("redirect_uri") or self._emulator.redirect_url
        redirect = redirect or urljoin(page, "/slack/oauth_redirect")
        told = {"error": "access_denied"}
        if not deny:
            scopes = query.get("scope", SCOPES)
            told = {"code": self.code(person, scopes, query.get("redirect_uri", ""))}
        return f"{redirect}?{urlencode(told | {'state': query.get('state', '')})}"

    def code(self, person: "Person", scopes: str = SCOPES, redirect_uri: str = "") -> str:
        """Install the app in this person's workspace, and what proves it."""
        installation = self._emulator.install(person.team, by=person.id, scopes=scopes)
        return self.code_for(installation, redirect_uri)

    def code_for(self, installation: Installation, redirect_uri: str = "") -> str:
        code = f"{next(self._emulator.serial)}.emulated-code"
        self._codes[code] = Code(installation, redirect_uri, self._emulator.clock())
        return code

    # The app's side.

    def exchange(self, code: str, redirect_uri: str) -> Json:
        """Raises `Refused`."""
        if code in self._used:
            raise Refused("code_already_used")
        known = self._codes.get(code)
        if known is None or self._emulator.clock() - known.date > 600:
            raise Refused("invalid_code")
        if known.redirect_uri and redirect_uri != known.redirect_uri:
            raise Refused("bad_redirect_uri")
        self._used.add(code)
        return self._granted(known.installation)

    def refresh(self, refresh_token: str) -> Json:
        """A refresh token is good for one time. Raises `Refused`."""
        installation = self._refreshable.pop(refresh_token, None)
        if installation is None or not installation.active:
            raise Refused("invalid_refresh_token")
        return self._granted(installation)

    def _granted(self, installation: Installation) -> Json:
        token = self.grant(installation)
        team, enterprise = installation.team, installation.enterprise
        body: Json = {
            "access_token": token.value,
            "token_type": "bot",
            "scope": installation.scopes,
            "bot_user_id": installation.bot.id,
            "app_id": self._emulator.app_id,
            "team": {"id": team.id, "name": team.name} if team else None,
            "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
            "authed_user": {"id": installation.installer},
            "is_enterprise_install": team is None,
        }
        if self.rotates:
            refresh = f"xoxe-1-{next(self._emulator.serial):012d}-EmulatedRefresh"
            self._refreshable[refresh] = installation
            body |= {"refresh_token": refresh, "expires_in": int(LIFE)}
        return body


def _authorise_query(page: str) -> dict[str, str]:
    """The query of the link to Slack, from a redirect or from a page of HTML."""
    marker = "/oauth/v2/authorize?"
    if marker not in page:
        raise LookupError("the page does not lead to Slack")
    url = page.partition(marker)[2]
    for end in ('"', "'", " ", "\n", ">"):
        url = url.partition(end)[0]
    query = urlsplit(f"?{url.replace('&amp;', '&')}").query
    return {name: values[0] for name, values in parse_qs(query).items()}
