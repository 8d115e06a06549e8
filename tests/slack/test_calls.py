"""One call: with a token that may have been exchanged meanwhile."""

import aiohttp
import pytest
from pydantic import SecretStr

from adapters.slack.calls import Calls
from adapters.slack.place import Spot
from adapters.slack.tiers import POST, Tiers
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.errors import Departed, Unauthorised
from tests.platforms.budgets import Clock
from tests.slack.emulator import Emulator, Seat
from tests.slack.speaking import calls as called


class Rotating:
    """A workspace whose token is exchanged, or which removes the app, once it is forgotten."""

    def __init__(self, before: OneWorkspace, after: OneWorkspace | None) -> None:
        self.current: OneWorkspace | None = before
        self.after = after

    async def of(self, team: str, enterprise: str = "") -> Workspace:
        if self.current is None:
            raise Departed("the app was removed")
        return await self.current.of(team, enterprise)

    def forget(self, team: str, enterprise: str = "") -> None:
        self.current = self.after


@pytest.fixture
def place(slack: Emulator, dm: Seat) -> Spot:
    return Spot(slack.team.id, "", dm.id, "")


def by(slack: Emulator, token: str, session: aiohttp.ClientSession) -> OneWorkspace:
    return OneWorkspace(SecretStr(token), f"{slack.url}/api/", session)


async def post(workspaces: Rotating | OneWorkspace, place: Spot, clock: Clock) -> None:
    calls = Calls(workspaces, Tiers("slack", clock))
    await calls.make(place, POST, channel=place.channel, text="x")


async def test_exchanged_token_is_used_at_once(
    slack: Emulator, session: aiohttp.ClientSession, place: Spot, dm: Seat, clock: Clock
) -> None:
    installation = slack.installed(slack.team)
    old, new = (
        slack.tokens.bot(installation, scopes=installation.scopes, rotates=False) for _ in range(2)
    )
    before = by(slack, old.value, session)
    await before.of("")
    old.ended = "token_expired"
    await post(Rotating(before, by(slack, new.value, session)), place, clock)
    assert [message.text for message in dm.answers] == ["x"]
    assert called(slack) == ["postMessage", "postMessage"]


async def test_token_that_stays_refused_is_told(
    slack: Emulator, session: aiohttp.ClientSession, place: Spot, clock: Clock
) -> None:
    installation = slack.installed(slack.team)
    only = slack.tokens.bot(installation, scopes=installation.scopes, rotates=False)
    workspace = by(slack, only.value, session)
    await workspace.of("")
    only.ended = "token_revoked"
    with pytest.raises(Unauthorised):
        await post(workspace, place, clock)
    assert called(slack) == ["postMessage"]


async def test_app_that_was_removed_meanwhile_has_nobody_to_tell(
    slack: Emulator, session: aiohttp.ClientSession, place: Spot, clock: Clock
) -> None:
    workspace = by(slack, slack.token, session)
    await workspace.of("")
    slack.uninstall()
    with pytest.raises(Departed):
        await post(Rotating(workspace, None), place, clock)


async def test_missing_scope_is_no_matter_of_an_old_token(
    slack: Emulator, session: aiohttp.ClientSession, place: Spot, clock: Clock
) -> None:
    installation = slack.installed(slack.team)
    poor = slack.tokens.bot(installation, scopes="im:read", rotates=False)
    with pytest.raises(Unauthorised, match="missing_scope"):
        await post(by(slack, poor.value, session), place, clock)
    assert called(slack) == ["postMessage"]
