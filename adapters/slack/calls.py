"""One call to Slack: with the right token, counted, timed out, and never repeated blindly."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.faults import as_bridge_errors
from adapters.slack.place import Spot
from adapters.slack.tiers import FILE_INFO, HISTORY, POST, REPLIES, UPLOAD, Tiers
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.errors import Unauthorised, Unreachable
from bridge.foreign import Json, fields

_READS = frozenset({REPLIES, HISTORY, FILE_INFO, UPLOAD})  # these take no JSON
_OLD_TOKEN = frozenset({"account_inactive", "invalid_auth", "token_expired", "token_revoked"})


class Calls:
    """Raises only `bridge.errors`."""

    def __init__(self, workspaces: Workspaces, tiers: Tiers) -> None:
        self._workspaces = workspaces
        self._tiers = tiers

    async def workspace(self, spot: Spot) -> Workspace:
        """The installation that serves a place. Raises like `Workspaces.of`."""
        return await self._workspaces.of(spot.team, spot.enterprise)

    async def make(self, spot: Spot, method: str, **args: object) -> Json:
        """Call and return the answer; arguments that are None are left out.

        Raises `RateLimited` also for a Retry-After that an earlier call of this method got.
        """
        known = await self.workspace(spot)
        place = spot.channel if method == POST else spot.team
        with self._tiers.counted(place, method):
            try:
                return await _call(known.client, method, args)
            except Unauthorised as error:
                client = await self._renewed(spot, known, error)
                return await _call(client, method, args)

    async def _renewed(self, spot: Spot, known: Workspace, error: Unauthorised) -> AsyncWebClient:
        """Another token, if this one was exchanged meanwhile: nothing has happened by it.

        Raises the error itself, or what `Workspaces.of` raises about an app that was removed.
        """
        if error.code not in _OLD_TOKEN:
            raise error
        self._workspaces.forget(spot.team, spot.enterprise)
        client = (await self.workspace(spot)).client
        if client.token == known.client.token:
            raise error
        return client


async def _call(client: AsyncWebClient, method: str, args: Json) -> Json:
    given = {name: value for name, value in args.items() if value is not None}
    with as_bridge_errors():
        if method in _READS:
            answer = await client.api_call(method, http_verb="GET", params=given)
        else:
            answer = await client.api_call(method, json=given)
    return fields(answer.data)


def opened(client: AsyncWebClient) -> aiohttp.ClientSession:
    """What the client calls through; `workspaces.make_client` gives each one."""
    if client.session is None:
        raise Unreachable("not open")
    return client.session
