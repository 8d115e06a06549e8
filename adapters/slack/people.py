"""Who people are. Slack's events name them by id only."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.faults import as_bridge_errors
from adapters.slack.lately import Lately
from adapters.slack.workspaces import Workspace
from bridge.errors import BridgeError, RateLimited
from bridge.events import User
from bridge.foreign import Json, fields, text
from bridge.logs import get

log = get(__name__)

FRESH = 3600.0  # seconds until somebody is asked for once more
PATIENCE = 0.3  # seconds a message waits for its writer's name
_WHOSE = 2.0  # seconds a press waits until it is known whose it is; Slack waits for three
MOST = 10_000  # people remembered
AT_ONCE = 20  # people asked for at once


class People:
    """Of one account. clock: seconds, monotonic; patience: see `PATIENCE`."""

    def __init__(
        self,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._known: Lately[str, User] = Lately(FRESH, most=most, clock=clock)
        self._organisations: Lately[str, str] = Lately(FRESH, most=most, clock=clock)
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._quiet_until = 0.0

    def name(self, user: User) -> str:
        """What somebody is called, as far as it is known already."""
        known = self._known.get(user.id)
        return known.name if known else ""

    async def describe(self, user: User, person: str, workspace: Workspace) -> User:
        """Add what Slack knows of somebody, unless it takes too long; then later messages do."""
        if user.id not in self._known:
            await self._ask(user.id, person, workspace, self._patience)
        known = self._known.get(user.id)
        return replace(known, id=user.id) if known else user

    async def is_colleague(self, user: User, person: str, workspace: Workspace) -> bool:
        """Tell whether somebody belongs to the workspace's organisation, as far as Slack tells."""
        if user.id not in self._known:
            await self._ask(user.id, person, workspace, _WHOSE)
        theirs = self._organisations.get(user.id)
        return bool(theirs) and theirs == workspace.organisation

    async def _ask(self, key: str, person: str, workspace: Workspace, patience: float) -> None:
        if key not in self._asking:
            if len(self._asking) >= AT_ONCE or self._clock() < self._quiet_until:
                return
            task = asyncio.create_task(self._look_up(key, person, workspace), name="users.info")
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        await asyncio.wait([self._asking[key]], timeout=patience)

    async def _look_up(self, key: str, person: str, workspace: Workspace) -> None:
        try:
            account = await _account(workspace.client, person)
        except RateLimited as error:
            self._quiet_until = self._clock() + (error.retry_after or FRESH)
            return
        except BridgeError as error:
            log.debug("person.not_known", person=key, error=str(error))
            account = {}
        enterprise = fields(account.get("enterprise_user"))
        self._organisations.put(key, text(enterprise.get("enterprise_id")))
        self._known.put(key, described(account))

    async def close(self) -> None:
        """Ask no further."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def _account(client: AsyncWebClient, person: str) -> Json:
    with as_bridge_errors():
        told = await client.users_info(user=person, include_locale=True)
    return fields(told.get("user"))


def described(account: Json) -> User:
    """Read an account of `users.info`. Pure. The `id` is left empty."""
    profile = fields(account.get("profile"))
    names = (profile.get("display_name"), profile.get("real_name"), account.get("real_name"))
    return User(
        id="",
        name=next(filter(None, map(text, names)), ""),
        first_name=text(profile.get("first_name")),
        username=text(account.get("name")),
        language=text(account.get("locale")),
        timezone=text(account.get("tz")),
        email=text(profile.get("email")),
    )
