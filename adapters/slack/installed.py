"""The workspaces that installed the app: their tokens in the vault, renewed before they end."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from pydantic import SecretStr

from adapters.slack.lately import Lately
from adapters.slack.tokens import Credentials, Installation, renewed
from adapters.slack.workspaces import Connect, Workspace, ask_who
from bridge.errors import Departed, Gone, Permanent, Transient
from bridge.lent import Vault
from bridge.logs import get

log = get(__name__)

MARGIN = timedelta(hours=2)  # before its end a token is exchanged; Slack's live 12 hours
AGAIN = timedelta(minutes=1)  # after which what did not work is tried again
ASK_AFTER = 86_400.0  # seconds until Slack is asked once more who we are in a place
KEPT = 1_000  # places in memory; any other costs a look into the vault and one call
_ENDED = frozenset({"account_inactive", "token_revoked"})
_USED_UP = "invalid_refresh_token"


@dataclass(frozen=True, slots=True)
class _Known:
    """A place and its token. due: when to look again; None is never."""

    workspace: Workspace
    due: datetime | None

    def is_fresh(self, now: datetime) -> bool:
        return self.due is None or now < self.due


class Installed:
    """`Workspaces` by OAuth. Installing one more needs no restart.

    A place is a team's id, or an organisation's where the app is installed for all its teams.
    connect: makes a client for a token. places: those that are served; all if there is none.
    kept: how many are remembered.
    """

    def __init__(
        self,
        vault: Vault,
        app: Credentials,
        connect: Connect,
        *,
        places: Collection[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        kept: int = KEPT,
    ) -> None:
        self._vault = vault
        self._app = app
        self._connect = connect
        self._places = frozenset(places)
        self._now = now
        self._known: Lately[str, _Known] = Lately(ASK_AFTER, most=kept)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._looking: set[asyncio.Task[Workspace | None]] = set()
        self._unsaved: dict[str, Installation] = {}

    async def of(self, team: str, enterprise: str = "") -> Workspace:
        for place in filter(self._serves, (enterprise, team)):
            found = await self._find(place)
            if found is not None:
                return replace(found, team=team or found.team)
        raise Departed(f"the app is not installed in {team or enterprise or 'a place untold'}")

    def forget(self, team: str, enterprise: str = "") -> None:
        for place in (team, enterprise):
            self._known.pop(place)

    async def revoked(self, team: str, enterprise: str = "") -> None:
        for place in filter(None, (enterprise, team)):
            self._known.pop(place)
            await self._find(place)

    async def verify(self) -> None:
        installed = await self._vault.names(_name(""))
        log.info("slack.workspaces", installed=len(installed))

    async def keep(self, installation: Installation) -> None:
        """Somebody installed the app, for the first time or again.

        Raises `Gone` if their place is not served, `Transient`.
        """
        place = installation.place
        if not self._serves(place):
            raise Gone(f"{place} is not among adapters.<account>.workspaces")
        async with self._lock(place):
            await self._vault.put(_name(place), installation.dump())
            self._unsaved.pop(place, None)
            self._known.pop(place)
        log.info("slack.installed", place=place, app=installation.app, by=installation.by)

    def trouble(self) -> str | None:
        return None  # what one workspace revoked is no trouble of the others

    async def close(self) -> None:
        if self._looking:
            await asyncio.wait(self._looking)
        for place, installation in list(self._unsaved.items()):
            await self._save(place, installation)

    def _serves(self, place: str) -> bool:
        return bool(place) and (not self._places or place in self._places)

    # Finding one.

    async def _find(self, place: str) -> Workspace | None:
        known = self._known.get(place)
        if known is not None and known.is_fresh(self._now()):
            return known.workspace
        # A task of its own, because an exchanged token is lost if whoever waits for it gives up
        # before it is stored.
        task = asyncio.create_task(self._look(place), name="slack-workspace")
        self._looking.add(task)
        task.add_done_callback(self._looked)
        return await asyncio.shield(task)

    def _looked(self, task: asyncio.Task[Workspace | None]) -> None:
        self._looking.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody else need hear of it

    async def _look(self, place: str) -> Workspace | None:
        async with self._lock(place):
            known = self._known.get(place)
            if known is not None and known.is_fresh(self._now()):
                return known.workspace  # somebody else was quicker
            installation = await self._stored(place)
            if installation is None:
                self._known.pop(place)
                return None
            return await self._use(place, installation)

    async def _use(self, place: str, installation: Installation) -> Workspace | None:
        try:
            installation, due = await self._current(place, installation)
            workspace = await self._introduced(installation)
        except Permanent as error:
            self._known.pop(place)
            if error.code not in {*_ENDED, _USED_UP}:
                raise
            await self._vault.remove(_name(place))
            log.warning("slack.departed", place=place, error=str(error))
            return None
        if place in self._unsaved:
            due = self._now() + AGAIN
        self._known.put(place, _Known(workspace, due))
        return workspace

    async def _introduced(self, installation: Installation) -> Workspace:
        """Who we are there. It also shows whether the token is accepted."""
        client = self._connect(SecretStr(installation.token))
        known = self._known.get(installation.place)
        if known is not None and known.workspace.client.token == installation.token:
            return known.workspace
        who = await ask_who(client)
        return replace(who, team=installation.team, enterprise=installation.enterprise)

    # Tokens that end.

    async def _current(
        self, place: str, installation: Installation
    ) -> tuple[Installation, datetime | None]:
        """The installation with a token to use now, and when to look again.

        Raises `Permanent` with Slack's word where there is none any more, `Transient`.
        """
        if installation.expires is None:
            return installation, None
        now = self._now()
        if now < installation.expires - MARGIN:
            return installation, installation.expires - MARGIN
        try:
            fresh = await self._exchanged(place, installation)
        except (Transient, Permanent) as error:
            if now >= installation.expires:
                raise
            log.warning("slack.token_not_renewed", place=place, error=str(error))
            return installation, now + AGAIN
        return fresh, (fresh.expires or now) - MARGIN

    async def _exchanged(self, place: str, old: Installation) -> Installation:
        try:
            fresh = await renewed(self._connect(None), self._app, old, self._now())
        except Permanent:
            # Another replica may have been quicker, and a refresh token is good for one time.
            fresh = await self._stored(place) or old
            if fresh == old:
                raise
            return fresh
        await self._save(place, fresh)
        return fresh

    # The vault.

    async def _stored(self, place: str) -> Installation | None:
        if unsaved := self._unsaved.get(place):
            await self._save(place, unsaved)
            return unsaved
        kept = await self._vault.get(_name(place))
        return None if kept is None else Installation.load(kept)

    async def _save(self, place: str, installation: Installation) -> None:
        """Store an exchanged token. While that fails, this process alone knows it."""
        try:
            await self._vault.put(_name(place), installation.dump())
        except Transient as error:
            self._unsaved[place] = installation
            log.error("slack.token_not_stored", place=place, error=str(error))
        else:
            self._unsaved.pop(place, None)

    def _lock(self, place: str) -> asyncio.Lock:
        return self._locks.setdefault(place, asyncio.Lock())


def _name(place: str) -> str:
    return f"installation/{place}"
