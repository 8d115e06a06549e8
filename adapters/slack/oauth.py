"""Installing the app in a workspace: a page that leads to Slack, and one that Slack leads back to.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urljoin, urlsplit

from aiohttp import web
from pydantic import SecretStr

from adapters.slack import pages
from adapters.slack.addresses import install_path, redirect_path
from adapters.slack.installed import Installed
from adapters.slack.lately import Lately
from adapters.slack.pages import Sheet
from adapters.slack.settings import SlackSettings
from adapters.slack.tokens import Credentials, exchange, give_back
from adapters.slack.workspaces import Connect
from bridge.errors import Gone, Permanent, Transient, Unauthorised
from bridge.lent import Vault
from bridge.logs import get

log = get(__name__)

STATE_LIFE = timedelta(minutes=10)  # as long as Slack's code is good
MOST_BEGUN = 100  # installations in a minute: each is a write, and anybody may ask for one
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")
_WORD = re.compile(r"[a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person is asked to agree to, and where they come back to afterwards."""

    account: str
    app: Credentials
    scopes: tuple[str, ...]
    authorise_url: str
    redirect_url: str

    def link(self, state: str) -> str:
        """Slack's page that asks them."""
        asked = {
            "client_id": self.app.client_id,
            "scope": ",".join(self.scopes),
            "redirect_uri": self.redirect_url,
            "state": state,
        }
        return f"{self.authorise_url}?{urlencode(asked)}"

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us by https; by http only on this machine."""
        return urlsplit(self.redirect_url).scheme == "https"


def offer(account: str, settings: SlackSettings, public_url: str) -> Offer:
    """What the configuration says about it."""
    return Offer(
        account=account,
        app=Credentials(settings.client_id, settings.client_secret),
        scopes=settings.scopes,
        authorise_url=urljoin(settings.api_base_url, "/oauth/v2/authorize"),
        redirect_url=settings.redirect_url or public_url + redirect_path(account),
    )


class Installing:
    """The two pages. What proves that the second belongs to the first is good for one time.

    It is kept in the vault, so that any replica may serve the second, and in a cookie, so that
    nobody is made to finish in their browser what another person began.
    """

    def __init__(
        self,
        offer: Offer,
        vault: Vault,
        installed: Installed,
        connect: Connect,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._offer = offer
        self._vault = vault
        self._installed = installed
        self._connect = connect
        self._now = now
        self._begun: Lately[str, None] = Lately(60.0, clock=lambda: now().timestamp())
        self._cookie = f"slack-install-{offer.account}"

    def routes(self) -> Iterable[web.RouteDef]:
        """Both pages."""
        account = self._offer.account
        return (
            web.get(install_path(account), self._begin, allow_head=False),
            web.get(redirect_path(account), self._finish, allow_head=False),
        )

    async def _begin(self, _: web.Request) -> web.Response:
        if len(self._begun) >= MOST_BEGUN:
            return _shown(pages.BUSY)
        state = secrets.token_urlsafe(32)
        self._begun.put(state, None)
        try:
            await self._vault.put(_name(state), "begun", expires=self._now() + STATE_LIFE)
        except Transient as error:
            log.error("slack.install_not_begun", account=self._offer.account, error=str(error))
            return _shown(pages.LATER)
        response = web.Response(status=302, headers={"Cache-Control": "no-store"})
        response.headers["Location"] = self._offer.link(state)
        response.set_cookie(
            self._cookie,
            state,
            max_age=int(STATE_LIFE.total_seconds()),
            path="/",
            secure=self._offer.is_secure,
            httponly=True,
            samesite="Lax",  # Slack's page leads back here, which Strict would not let pass
        )
        return response

    async def _finish(self, request: web.Request) -> web.Response:
        try:
            sheet = await self._decide(request)
        except Transient as error:
            log.error("slack.install_failed", account=self._offer.account, error=str(error))
            sheet = pages.LATER
        except Unauthorised as error:
            log.error("slack.install_failed", account=self._offer.account, error=str(error))
            sheet = pages.OPERATOR
        except Permanent as error:
            log.warning("slack.install_failed", account=self._offer.account, error=str(error))
            sheet = pages.REFUSED
        response = _shown(sheet)
        response.del_cookie(self._cookie, path="/")
        return response

    async def _decide(self, request: web.Request) -> Sheet:
        """Raises what `exchange` and `Installed.keep` raise."""
        if not await self._was_begun_here(request):
            return pages.STALE
        if refusal := request.query.get("error"):
            return pages.declined(refusal if _WORD.fullmatch(refusal) else "an unknown reason")
        code = request.query.get("code", "")
        asker, back = self._connect(None), self._offer.redirect_url
        given = await exchange(asker, self._offer.app, code, back, self._now())
        try:
            await self._installed.keep(given)
        except Gone as error:
            log.warning("slack.install_unwanted", account=self._offer.account, error=str(error))
            await give_back(self._connect(SecretStr(given.token)))
            return pages.UNWANTED
        return pages.done(given)

    async def _was_begun_here(self, request: web.Request) -> bool:
        state, cookie = request.query.get("state", ""), request.cookies.get(self._cookie, "")
        if not _STATE.fullmatch(state):
            return False
        if not secrets.compare_digest(state.encode(), cookie.encode()):
            return False
        return await self._vault.take(_name(state)) is not None


def _name(state: str) -> str:
    return f"state/{state}"


def _shown(sheet: Sheet) -> web.Response:
    return web.Response(
        status=sheet.status, text=sheet.html, content_type="text/html", headers=pages.HEADERS
    )
