"""Workspaces that installed the app: their tokens come, are exchanged, and go."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.installed import Installed
from adapters.slack.tokens import Credentials, Installation, exchange
from adapters.slack.workspaces import make_client
from bridge.errors import Departed, Gone, Unauthorised, Unreachable
from bridge.testing.vault import MemoryVault
from tests.platforms.budgets import Clock
from tests.slack.emulator import (
    Emulator,
    Enterprise,
    Fault,
    Workspace,
)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """An app that others install, at an emulated Slack whose clock is moved by hand."""

    slack: Emulator
    clock: Clock
    vault: MemoryVault
    session: aiohttp.ClientSession

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def replica(
        self, *, secret: str = "", kept: int = 10, places: Collection[str] = ()
    ) -> Installed:
        """One of the processes over one database."""
        credentials = Credentials(
            self.slack.client_id, SecretStr(secret or self.slack.client_secret)
        )
        return Installed(
            self.vault, credentials, self.connect, places=places, now=self.now, kept=kept
        )

    def connect(self, token: SecretStr | None) -> AsyncWebClient:
        return make_client(token, f"{self.slack.url}/api/", self.session)

    async def installed(self, workspaces: Installed, place: Workspace | Enterprise) -> Installation:
        """Somebody installs the app, and the code reaches us."""
        code = self.slack.installs.code_for(self.slack.install(place, by="U1"))
        credentials = Credentials(self.slack.client_id, SecretStr(self.slack.client_secret))
        given = await exchange(self.connect(None), credentials, code, "", self.now())
        await workspaces.keep(given)
        return given

    async def expired(self, workspaces: Installed, place: Workspace | Enterprise) -> None:
        """It was `installed` with tokens that rotate, too long ago to go on with the old one."""
        self.slack.installs.rotates = True
        await self.installed(workspaces, place)
        self.clock.move(13 * 3600)


@pytest.fixture
async def tenancy(slack: Emulator, clock: Clock, session: aiohttp.ClientSession) -> Tenancy:
    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    return Tenancy(slack, clock, MemoryVault(now), session)


async def say(found: Installed, team: str, channel: str, enterprise: str = "") -> None:
    workspace = await found.of(team, enterprise)
    assert (await workspace.client.chat_postMessage(channel=channel, text="hi"))["ok"]


async def test_second_workspace_needs_no_restart(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    other = slack.workspace("Other")
    with pytest.raises(Departed):
        await workspaces.of(other.id)
    await tenancy.installed(workspaces, slack.team)
    await tenancy.installed(workspaces, other)
    first, second = await workspaces.of(slack.team.id), await workspaces.of(other.id)
    assert (first.team, second.team) == (slack.team.id, other.id)
    assert second.bot == slack.installed(other).bot.bot_id
    await say(workspaces, other.id, slack.person("Zoe", other).dm().id)
    assert slack.journal.calls["auth.test"] == 2  # and no call more for what is known


async def test_installation_outlives_the_process(tenancy: Tenancy) -> None:
    team = tenancy.slack.team
    await tenancy.installed(tenancy.replica(), team)
    assert (await tenancy.replica().of(team.id)).team == team.id


async def test_workspaces_that_make_room_are_found_again(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica(kept=1)
    teams = [slack.team, slack.workspace("Other")]
    for team in teams * 2:
        await tenancy.installed(workspaces, team)
        assert (await workspaces.of(team.id)).team == team.id


async def test_organisation_is_found_by_itself_whatever_the_workspace(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    acme = slack.enterprise("Acme Corporation")
    north, south = slack.workspace("North", acme), slack.workspace("South", acme)
    given = await tenancy.installed(workspaces, acme)
    assert (given.team, given.enterprise) == ("", acme.id)
    for team in (north, south):
        found = await workspaces.of(team.id, acme.id)
        assert (found.team, found.enterprise) == (team.id, acme.id)
        await say(workspaces, team.id, slack.person("Ned", team).dm().id, acme.id)
    with pytest.raises(Departed):
        await workspaces.of(north.id)


async def test_token_is_exchanged_before_it_ends(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    slack.installs.rotates = True
    given = await tenancy.installed(workspaces, slack.team)
    await workspaces.of(slack.team.id)
    dm = slack.person("Ann").dm()
    for _ in range(5):
        tenancy.clock.move(11 * 3600)  # of the 12 that a token lives
        await say(workspaces, slack.team.id, dm.id)
    assert slack.journal.calls["oauth.v2.access"] == 1 + 5
    await say(tenancy.replica(), slack.team.id, dm.id)
    assert (await workspaces.of(slack.team.id)).client.token != given.token


async def test_many_who_need_a_new_token_exchange_it_once(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    slack.installs.rotates = True
    await tenancy.installed(workspaces, slack.team)
    tenancy.clock.move(11 * 3600)
    found = await asyncio.gather(*(workspaces.of(slack.team.id) for _ in range(8)))
    assert len({workspace.client.token for workspace in found}) == 1
    assert slack.journal.calls["oauth.v2.access"] == 2


async def test_replicas_share_what_one_of_them_exchanged(tenancy: Tenancy) -> None:
    slack, one, other = tenancy.slack, tenancy.replica(), tenancy.replica()
    slack.installs.rotates = True
    await tenancy.installed(one, slack.team)
    await other.of(slack.team.id)
    tenancy.clock.move(11 * 3600)
    mine = await one.of(slack.team.id)
    assert (await other.of(slack.team.id)).client.token == mine.client.token
    assert slack.journal.calls["oauth.v2.access"] == 2


async def test_replicas_that_exchange_at_once_both_go_on(tenancy: Tenancy) -> None:
    slack, one, other = tenancy.slack, tenancy.replica(), tenancy.replica()
    await tenancy.expired(one, slack.team)
    gate = slack.hold("oauth.v2.access", times=2)
    both = [asyncio.create_task(replica.of(slack.team.id)) for replica in (one, other)]
    while gate.waiting < 2:
        await asyncio.sleep(0)
    gate.open()
    mine, theirs = await asyncio.gather(*both)
    assert mine.client.token == theirs.client.token == slack.token


async def test_token_is_kept_though_nobody_waits_for_it_any_more(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    await tenancy.expired(workspaces, slack.team)
    gate = slack.hold("oauth.v2.access", times=1)
    impatient = asyncio.create_task(workspaces.of(slack.team.id))
    await gate.reached.wait()
    impatient.cancel()
    await asyncio.wait([impatient])
    gate.open()
    await workspaces.close()
    assert (await tenancy.replica().of(slack.team.id)).client.token == slack.token


async def test_token_that_cannot_be_stored_is_used_and_stored_later(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    await tenancy.expired(workspaces, slack.team)
    gate = slack.hold("oauth.v2.access", times=1)
    asked = asyncio.create_task(workspaces.of(slack.team.id))
    await gate.reached.wait()
    tenancy.vault.failing = True
    gate.open()
    assert (await asked).client.token == slack.token
    tenancy.vault.failing = False
    tenancy.clock.move(61)
    await workspaces.of(slack.team.id)
    assert (await tenancy.replica().of(slack.team.id)).client.token == slack.token


@pytest.mark.parametrize(
    "fault", [Fault("oauth.v2.access", error="internal_error"), Fault("oauth.v2.access", code=500)]
)
async def test_trouble_with_an_exchange_hurts_nobody_while_the_old_token_is_good(
    tenancy: Tenancy, fault: Fault
) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    slack.installs.rotates = True
    given = await tenancy.installed(workspaces, slack.team)
    tenancy.clock.move(11 * 3600)
    slack.inject(fault)
    for _ in range(3):
        assert (await workspaces.of(slack.team.id)).client.token == given.token
    assert slack.journal.calls["oauth.v2.access"] == 2  # it is not tried at every turn
    tenancy.clock.move(61)
    assert (await workspaces.of(slack.team.id)).client.token != given.token


async def test_wrong_client_secret_costs_no_installation(tenancy: Tenancy) -> None:
    slack = tenancy.slack
    await tenancy.expired(tenancy.replica(), slack.team)
    with pytest.raises(Unauthorised, match="bad_client_secret"):
        await tenancy.replica(secret="mistyped").of(slack.team.id)
    assert (await tenancy.replica().of(slack.team.id)).client.token == slack.token


async def test_app_that_was_removed_leaves_nothing_behind(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    await tenancy.installed(workspaces, slack.team)
    await workspaces.of(slack.team.id)
    slack.uninstall()
    await workspaces.revoked(slack.team.id)
    assert await tenancy.vault.names("") == []
    with pytest.raises(Departed):
        await workspaces.of(slack.team.id)
    await tenancy.installed(workspaces, slack.team)
    await say(workspaces, slack.team.id, slack.person("Ann").dm().id)


async def test_old_news_of_a_removal_does_not_remove_a_new_installation(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    await tenancy.installed(workspaces, slack.team)
    slack.uninstall()
    await tenancy.installed(workspaces, slack.team)
    await workspaces.revoked(slack.team.id)
    await say(workspaces, slack.team.id, slack.person("Ann").dm().id)


async def test_trouble_while_a_removal_is_looked_into_is_told(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    await tenancy.installed(workspaces, slack.team)
    slack.uninstall()
    assert slack.port is not None
    await slack.port.stop()
    with pytest.raises(Unreachable):
        await workspaces.revoked(slack.team.id)
    await slack.port.start()
    await workspaces.revoked(slack.team.id)
    assert await tenancy.vault.names("") == []


async def test_rotating_token_that_ended_with_the_app_is_removed(tenancy: Tenancy) -> None:
    slack, workspaces = tenancy.slack, tenancy.replica()
    slack.installs.rotates = True
    await tenancy.installed(workspaces, slack.team)
    slack.installed(slack.team).end()
    tenancy.clock.move(13 * 3600)
    with pytest.raises(Departed):
        await workspaces.of(slack.team.id)
    assert await tenancy.vault.names("") == []


async def test_token_is_not_shown_by_its_repr(tenancy: Tenancy) -> None:
    slack = tenancy.slack
    slack.installs.rotates = True
    given = await tenancy.installed(tenancy.replica(), slack.team)
    assert given.token not in repr(given)
    assert given.refresh_token not in repr(given)


async def test_workspace_that_is_not_offered_the_app_is_not_served(tenancy: Tenancy) -> None:
    slack, anybody = tenancy.slack, tenancy.replica()
    other = slack.workspace("Other")
    await tenancy.installed(anybody, other)
    chosen = tenancy.replica(places=[slack.team.id])
    await tenancy.installed(chosen, slack.team)
    assert (await chosen.of(slack.team.id)).team == slack.team.id
    with pytest.raises(Departed):  # though it was installed there before
        await chosen.of(other.id)
    with pytest.raises(Gone, match=other.id):
        await tenancy.installed(chosen, other)
