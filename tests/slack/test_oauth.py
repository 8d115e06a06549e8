"""Installing the app in a browser, as the people of other workspaces do."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from adapters.slack.installed import Installed
from adapters.slack.oauth import MOST_BEGUN, Installing, offer
from adapters.slack.settings import SCOPES, SlackSettings
from adapters.slack.workspaces import make_client
from bridge.testing.vault import MemoryVault
from tests.platforms.budgets import Clock
from tests.slack.emulator import Drop, Emulator, Fault, Person
from tests.slack.emulator.clients import serving

INSTALL = "/slack/support/install"
REDIRECT = "/slack/support/oauth_redirect"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser shows at the end."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Browser:
    """Somebody's, with its cookies. url: of our server."""

    http: aiohttp.ClientSession
    url: str

    async def begin(self) -> dict[str, str]:
        """Open the first page; return what Slack is asked."""
        async with self.http.get(self.url + INSTALL, allow_redirects=False) as response:
            assert response.status == 302
            query = urlsplit(response.headers["Location"]).query
            return {name: values[0] for name, values in parse_qs(query).items()}

    async def finish(self, **query: str) -> Shown:
        """Come back from Slack."""
        async with self.http.get(self.url + REDIRECT, params=query) as response:
            return Shown(response.status, await response.text(), dict(response.headers))


@dataclass(frozen=True, slots=True)
class Site:
    """Our two pages, on a server at `url`."""

    slack: Emulator
    vault: MemoryVault
    installed: Installed
    url: str

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            yield Browser(http, self.url)

    def code(self, person: Person) -> str:
        """What Slack gives to somebody who agreed."""
        return self.slack.installs.code(person, redirect_uri=f"{self.url}{REDIRECT}")


def settings(slack: Emulator, **table: object) -> SlackSettings:
    given = {
        "client_id": slack.client_id,
        "client_secret": slack.client_secret,
        "app_token": slack.app_token,
        "api_base_url": f"{slack.url}/api/",
    }
    return SlackSettings.model_validate(given | table)


@asynccontextmanager
async def served(slack: Emulator, clock: Clock, **table: object) -> AsyncIterator[Site]:
    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    given = settings(slack, **table)
    vault, site, later = MemoryVault(now), web.Application(), Later()
    site.router.add_get("/{path:.*}", later.answer)
    async with aiohttp.ClientSession() as session, serving(site) as url:
        offered = offer("support", given, url)
        connect = partial(make_client, base_url=given.api_base_url, session=session)
        places = given.workspaces
        installed = Installed(vault, offered.app, connect, places=places, now=now)
        later.routes = {
            route.path: route.handler
            for route in Installing(offered, vault, installed, connect, now=now).routes()
        }
        yield Site(slack, vault, installed, url)


class Later:
    """Routes that are known only once the server's own address is."""

    def __init__(self) -> None:
        self.routes: dict[str, object] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        handler = self.routes[request.path]
        assert callable(handler)
        response = await handler(request)
        assert isinstance(response, web.StreamResponse)
        return response


@pytest.fixture
async def site(slack: Emulator, clock: Clock) -> AsyncIterator[Site]:
    async with served(slack, clock) as site:
        yield site


@pytest.fixture
def zoe(slack: Emulator) -> Person:
    """Somebody in a workspace where the app is not yet."""
    return slack.person("Zoe", slack.workspace("Other"))


async def test_app_is_installed_by_a_click(site: Site, zoe: Person) -> None:
    landed = await site.slack.installs.approve(zoe, site.url + INSTALL)
    assert landed.status == 200
    assert "The app is now in Other." in landed.body
    found = await site.installed.of(zoe.team.id)
    assert found.client.token == site.slack.installed(zoe.team).token
    assert set(site.slack.installed(zoe.team).scopes.split(",")) == set(SCOPES)


async def test_app_that_is_installed_again_uses_its_new_token(site: Site, zoe: Person) -> None:
    for _ in range(2):
        await site.slack.installs.approve(zoe, site.url + INSTALL)
        found = await site.installed.of(zoe.team.id)
        assert found.client.token == site.slack.installed(zoe.team).token


async def test_whoever_declines_is_told_so(site: Site, zoe: Person) -> None:
    landed = await site.slack.installs.approve(zoe, site.url + INSTALL, deny=True)
    assert landed.status == 403
    assert "declined" in landed.body
    assert await site.vault.names("") == []


async def test_slack_is_asked_for_what_was_configured(slack: Emulator, clock: Clock) -> None:
    elsewhere = "https://proxy.example/back"
    table = {"scopes": "chat:write,im:history", "redirect_url": elsewhere}
    async with served(slack, clock, **table) as site, site.browser() as browser:
        asked = await browser.begin()
    assert asked["scope"] == "chat:write,im:history"
    assert asked["redirect_uri"] == elsewhere
    assert asked["client_id"] == slack.client_id


async def test_proof_is_good_for_one_time(site: Site, zoe: Person) -> None:
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        cookies = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}
        assert (await browser.finish(state=state, code=site.code(zoe))).status == 200
        browser.http.cookie_jar.update_cookies(cookies, URL(site.url))
        again = await browser.finish(state=state, code=site.code(zoe))
    assert again.status == 400
    assert "start again" in again.body


async def test_proof_is_good_for_ten_minutes(site: Site, zoe: Person, clock: Clock) -> None:
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        clock.move(601)
        late = await browser.finish(state=state, code=site.code(zoe))
    assert late.status == 400
    assert await site.vault.names("installation/") == []


async def test_nobody_finishes_what_another_began(site: Site, zoe: Person) -> None:
    async with site.browser() as mallory, site.browser() as victim:
        state = (await mallory.begin())["state"]
        assert (await victim.finish(state=state, code=site.code(zoe))).status == 400
        await victim.begin()
        assert (await victim.finish(state=state, code=site.code(zoe))).status == 400
    assert await site.vault.names("installation/") == []


@pytest.mark.parametrize("state", ["", "guess", "\x00", "é" * 43, "x" * 43, "x" * 10_000])
async def test_proof_that_was_never_given_is_refused(site: Site, state: str) -> None:
    async with site.browser() as browser:
        jar = browser.http.cookie_jar
        if state.isascii() and state.isalnum():
            jar.update_cookies({"slack-install-support": state}, URL(site.url))
        shown = await browser.finish(state=state, code="1.code")
    assert shown.status == 400
    assert site.slack.journal.calls["oauth.v2.access"] == 0


@pytest.mark.parametrize("code", ["", "guess", "<script>alert(1)</script>"])
async def test_code_that_slack_did_not_give_installs_nothing(site: Site, code: str) -> None:
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        shown = await browser.finish(state=state, code=code)
    assert shown.status == 400
    assert "Nothing was installed" in shown.body
    assert await site.vault.names("") == []


async def test_pages_show_nothing_unescaped_and_load_nothing(site: Site, slack: Emulator) -> None:
    evil = "<script>alert(1)</script>"
    eve = slack.person("Eve", slack.workspace(evil))
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        refused = await browser.finish(state=state, error=evil)
        state = (await browser.begin())["state"]
        landed = await browser.finish(state=state, code=site.code(eve))
    assert landed.status == 200
    assert "&lt;script&gt;" in landed.body
    for shown in (refused, landed):
        assert "<script" not in shown.body
        assert "src=" not in shown.body
        assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["Cache-Control"] == "no-store"


async def test_trouble_at_slack_is_a_page_and_not_a_crash(site: Site, zoe: Person) -> None:
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        site.slack.inject(Fault("oauth.v2.access", drop=Drop.AFTER))
        shown = await browser.finish(state=state, code=site.code(zoe))
    assert shown.status == 503
    assert 'href="install"' in shown.body


async def test_trouble_with_the_database_is_a_page_and_not_a_crash(site: Site, zoe: Person) -> None:
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        site.vault.failing = True
        assert (await browser.finish(state=state, code=site.code(zoe))).status == 503
        async with browser.http.get(site.url + INSTALL, allow_redirects=False) as response:
            assert response.status == 503


async def test_wrong_client_secret_is_the_operators_trouble(
    slack: Emulator, clock: Clock, zoe: Person
) -> None:
    async with served(slack, clock, client_secret="mistyped") as site, site.browser() as browser:
        state = (await browser.begin())["state"]
        shown = await browser.finish(state=state, code=site.code(zoe))
    assert shown.status == 500
    assert "client secret" in shown.body


async def test_cookie_is_for_https_wherever_we_are_reached_by_it(
    slack: Emulator, clock: Clock
) -> None:
    async with (
        served(slack, clock, redirect_url="https://bridge.example/back") as site,
        aiohttp.ClientSession(site.url) as http,
        http.get(INSTALL, allow_redirects=False) as response,
    ):
        cookie = response.cookies["slack-install-support"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


async def test_organisation_installs_the_app_for_all_its_workspaces(
    site: Site, slack: Emulator
) -> None:
    acme = slack.enterprise("Acme Corporation")
    north = slack.workspace("North", acme)
    code = slack.installs.code_for(slack.install(acme), f"{site.url}{REDIRECT}")
    async with site.browser() as browser:
        state = (await browser.begin())["state"]
        shown = await browser.finish(state=state, code=code)
    assert "Acme Corporation" in shown.body
    found = await site.installed.of(north.id, acme.id)
    assert (found.team, found.enterprise) == (north.id, acme.id)


async def test_workspace_that_is_not_offered_the_app_gets_none(
    slack: Emulator, clock: Clock, zoe: Person
) -> None:
    async with served(slack, clock, workspaces=[slack.team.id]) as site:
        landed = await slack.installs.approve(zoe, site.url + INSTALL)
        assert landed.status == 403
        assert "not offered" in landed.body
        assert await site.vault.names("") == []
    (token,) = slack.installed(zoe.team).tokens
    assert token.ended == "token_revoked"  # nobody keeps what nobody uses


async def test_flood_of_beginnings_does_not_reach_the_database(site: Site, clock: Clock) -> None:
    async with site.browser() as browser:
        for _ in range(MOST_BEGUN):
            await browser.begin()
        async with browser.http.get(site.url + INSTALL, allow_redirects=False) as response:
            assert response.status == 429
        assert len(await site.vault.names("state/")) == MOST_BEGUN
        clock.move(61)
        await browser.begin()
