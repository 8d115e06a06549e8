"""Which workspaces there are, and who we are in each."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from adapters.slack.workspaces import PATIENCE, OneWorkspace, make_client, open_session
from bridge.errors import Departed, Unauthorised, Unreachable
from tests.slack.emulator import (
    BAD_GATEWAY,
    Drop,
    Emulator,
    Fault,
    serve,
)


def one(slack: Emulator, session: aiohttp.ClientSession, token: str = "") -> OneWorkspace:
    return OneWorkspace(SecretStr(token or slack.token), f"{slack.url}/api/", session)


async def test_cookies_of_one_workspace_do_not_go_to_another() -> None:
    cookies: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie", ""))
        response = web.json_response({"ok": True})
        response.set_cookie("b", "who-you-are")
        return response

    app = web.Application()
    app.router.add_post("/api/auth.test", answer)
    # A name, because aiohttp keeps no cookies of a bare address.
    async with TestServer(app, host="localhost") as server:
        base = str(server.make_url("/api/"))
        async with open_session(base) as session:
            for _ in range(2):
                await make_client(None, base, session).auth_test()
    assert cookies == ["", ""]


async def test_calls_go_through_the_proxy_that_the_environment_names(
    slack: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", slack.url)
    base = "http://slack.invalid/api/"
    async with open_session(base) as session:
        told = await make_client(SecretStr(slack.token), base, session).auth_test()
    assert told["ok"]


async def test_no_call_waits_for_ever() -> None:
    async with open_session("https://slack.com/api/") as session:
        assert session.timeout.total == PATIENCE


async def test_token_tells_its_workspace_and_who_we_are_there(
    slack: Emulator, session: aiohttp.ClientSession
) -> None:
    found = await one(slack, session).of("")
    assert (found.team, found.enterprise) == (slack.team.id, "")
    assert (found.bot_user, found.bot) == (slack.bot.id, slack.bot.bot_id)
    dm = slack.person("Ann").dm()
    assert (await found.client.chat_postMessage(channel=dm.id, text="hi"))["ok"]


async def test_many_who_ask_at_once_cost_one_call(
    slack: Emulator, session: aiohttp.ClientSession
) -> None:
    workspaces = one(slack, session)
    gate = slack.hold("auth.test", times=1)
    asked = [asyncio.create_task(workspaces.of(slack.team.id)) for _ in range(5)]
    await gate.reached.wait()
    gate.open()
    assert len({found.team for found in await asyncio.gather(*asked)}) == 1
    await workspaces.of(slack.team.id)
    assert slack.journal.calls["auth.test"] == 1


async def test_what_was_forgotten_is_asked_anew(
    slack: Emulator, session: aiohttp.ClientSession
) -> None:
    workspaces = one(slack, session)
    await workspaces.of("")
    slack.revoke()
    workspaces.forget(slack.team.id)
    with pytest.raises(Unauthorised, match="token_revoked"):
        await workspaces.of(slack.team.id)


async def test_another_workspace_is_none_of_ours(
    slack: Emulator, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(Departed, match="T999"):
        await one(slack, session).of("T999")


async def test_token_of_an_organisation_serves_its_workspaces(
    session: aiohttp.ClientSession,
) -> None:
    async with serve(Emulator(installed=False)) as slack:
        acme = slack.enterprise("Acme Corporation")
        north = slack.workspace("North", acme)
        granted = slack.installs.grant(slack.install(acme))
        workspaces = one(slack, session, granted.value)
        found = await workspaces.of(north.id, acme.id)
        assert (found.team, found.enterprise) == (north.id, acme.id)
        with pytest.raises(Departed):
            await workspaces.of("T999", "E999")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("auth.test", drop=Drop.AFTER),
        Fault("auth.test", html=BAD_GATEWAY),
        Fault("auth.test", error="internal_error"),
    ],
)
async def test_trouble_passes_and_is_not_remembered(
    slack: Emulator, session: aiohttp.ClientSession, fault: Fault
) -> None:
    workspaces = one(slack, session)
    slack.inject(fault)
    with pytest.raises(Unreachable):
        await workspaces.of("")
    assert (await workspaces.of("")).team == slack.team.id


async def test_token_that_is_refused_is_told_until_it_is_good_again(
    slack: Emulator, session: aiohttp.ClientSession
) -> None:
    workspaces = one(slack, session)
    await workspaces.verify()
    assert workspaces.trouble() is None
    slack.inject(Fault("auth.test", error="token_revoked"))
    await workspaces.revoked(slack.team.id)
    assert "token_revoked" in str(workspaces.trouble())
    await workspaces.of(slack.team.id)
    assert workspaces.trouble() is None
