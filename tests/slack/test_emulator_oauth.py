"""Installing the app in another workspace, with Bolt's own flow and step by step."""

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore

from tests.platforms.budgets import Clock
from tests.slack.emulator import Emulator, Person, serve
from tests.slack.emulator.clients import Raw, raw, serving, web_client

WEEK = 7 * 86400


@pytest.fixture
def zoe(slack: Emulator) -> Person:
    """Somebody in a workspace where the app is not yet."""
    return slack.person("Zoe", slack.workspace("Other"))


async def exchange(slack: Emulator, api: Raw, **args: object) -> Mapping[str, object]:
    secrets = {"client_id": slack.client_id, "client_secret": slack.client_secret}
    return (await api.call("oauth.v2.access", **(secrets | args))).body


@pytest.fixture
async def real_time() -> AsyncIterator[Emulator]:
    """Bolt compares with the real clock."""
    async with serve(Emulator(mode="http", clock=time.time)) as emulator:
        yield emulator


# slack_sdk 3.47 calls oauth.v2.access with what aiohttp 3.14 deprecates.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_bolt_is_installed_by_a_click(real_time: Emulator, tmp_path: Path) -> None:
    slack = real_time
    zoe = slack.person("Zoe", slack.workspace("Other"))
    store = FileInstallationStore(base_dir=str(tmp_path / "installations"))
    settings = AsyncOAuthSettings(
        client_id=slack.client_id,
        client_secret=slack.client_secret,
        scopes=["chat:write", "im:history"],
        installation_store=store,
        state_store=FileOAuthStateStore(expiration_seconds=60, base_dir=str(tmp_path / "states")),
    )
    app = AsyncApp(
        signing_secret=slack.signing_secret,
        oauth_settings=settings,
        client=web_client(slack, None),
    )
    flow = app.oauth_flow
    assert flow is not None

    async def install(request: web.Request) -> web.Response:
        response = await flow.handle_installation(await to_bolt_request(request))
        return await to_aiohttp_response(response)

    async def redirect(request: web.Request) -> web.Response:
        response = await flow.handle_callback(await to_bolt_request(request))
        return await to_aiohttp_response(response)

    site = web.Application()
    site.router.add_get("/slack/install", install)
    site.router.add_get("/slack/oauth_redirect", redirect)
    async with serving(site) as url:
        landed = await slack.installs.approve(zoe, f"{url}/slack/install")
        denied = await slack.installs.approve(zoe, f"{url}/slack/install", deny=True)
    assert (landed.status, "Thank you" in landed.body) == (200, True)
    assert "access_denied" in denied.body
    found = await store.async_find_bot(enterprise_id=None, team_id=zoe.team.id)
    assert found is not None
    installation = slack.installed(zoe.team)
    assert (found.bot_token, found.bot_user_id) == (installation.token, installation.bot.id)
    assert set(found.bot_scopes) == {"chat:write", "im:history"}
    async with raw(slack, installation.token) as api:
        assert (await api.ok("auth.test"))["team"] == "Other"


async def test_code_is_good_once_and_for_ten_minutes(
    slack: Emulator, api: Raw, zoe: Person, clock: Clock
) -> None:
    code = slack.installs.code(zoe)
    granted = await exchange(slack, api, code=code)
    assert granted["token_type"] == "bot"
    assert "refresh_token" not in granted
    assert (await exchange(slack, api, code=code))["error"] == "code_already_used"
    assert (await exchange(slack, api, code="guess"))["error"] == "invalid_code"
    late = slack.installs.code(zoe)
    clock.move(601)
    assert (await exchange(slack, api, code=late))["error"] == "invalid_code"


async def test_client_proves_who_it_is(slack: Emulator, api: Raw, zoe: Person) -> None:
    code = slack.installs.code(zoe, redirect_uri="https://app.example/redirect")
    assert (await exchange(slack, api, client_id="x"))["error"] == "invalid_client_id"
    assert (await exchange(slack, api, client_secret="x"))["error"] == "bad_client_secret"
    assert (await exchange(slack, api, code=code))["error"] == "bad_redirect_uri"
    assert (await exchange(slack, api, grant_type="x"))["error"] == "invalid_grant_type"


async def test_rotated_token_ends_and_is_refreshed_once(
    slack: Emulator, api: Raw, zoe: Person, clock: Clock
) -> None:
    slack.installs.rotates = True
    granted = await exchange(slack, api, code=slack.installs.code(zoe))
    async with raw(slack, str(granted["access_token"])) as theirs:
        await theirs.ok("auth.test")
        clock.move(12 * 3600)
        assert await theirs.error("auth.test") == "token_expired"
    refresh = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    fresh = await exchange(slack, api, **refresh)
    async with raw(slack, str(fresh["access_token"])) as theirs:
        assert (await theirs.ok("auth.test"))["team_id"] == zoe.team.id
    assert fresh["refresh_token"] != granted["refresh_token"]
    assert (await exchange(slack, api, **refresh))["error"] == "invalid_refresh_token"


async def test_organisation_installs_for_all_its_workspaces(slack: Emulator, api: Raw) -> None:
    acme = slack.enterprise("Acme Corporation")
    north = slack.workspace("North", acme)
    code = slack.installs.code_for(slack.install(acme))
    granted = await exchange(slack, api, code=code)
    assert (granted["team"], granted["is_enterprise_install"]) == (None, True)
    assert granted["enterprise"] == {"id": acme.id, "name": acme.name}
    async with raw(slack, str(granted["access_token"])) as theirs:
        assert (await theirs.ok("auth.test"))["enterprise_id"] == acme.id
        dm = slack.person("Ned", north).dm()
        await theirs.ok("chat.postMessage", channel=dm.id, text="hi")


async def test_app_is_told_of_its_end_and_may_come_back(
    slack: Emulator, api: Raw, zoe: Person
) -> None:
    granted = await exchange(slack, api, code=slack.installs.code(zoe))
    slack.uninstall(zoe.team)
    assert [each.payload["team_id"] for each in slack.deliveries.all] == [zoe.team.id] * 2
    again = await exchange(slack, api, code=slack.installs.code(zoe))
    assert again["bot_user_id"] == granted["bot_user_id"]
    async with raw(slack, str(granted["access_token"])) as old:
        assert await old.error("auth.test") == "account_inactive"
    async with raw(slack, str(again["access_token"])) as new:
        await new.ok("auth.test")
    slack.revoke(zoe.team)
    assert slack.deliveries.all[-1].event["type"] == "tokens_revoked"


async def test_page_that_does_not_lead_to_slack_installs_nothing(
    slack: Emulator, zoe: Person
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="Under construction")

    site = web.Application()
    site.router.add_get("/", page)
    async with serving(site) as url:
        with pytest.raises(LookupError):
            await slack.installs.approve(zoe, url)
