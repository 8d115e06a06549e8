"""The workspaces an app is installed in, and how to speak to each.

`OneWorkspace` knows one by its token; `installed.Installed` those that installed the app.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.faults import as_bridge_errors
from bridge.errors import Departed, Unauthorised
from bridge.proxies import proxy_to

Connect: TypeAlias = Callable[[SecretStr | None], AsyncWebClient]
"""Makes a client for a token; see `make_client`."""

PATIENCE = 30.0  # seconds; the SDK's own default


@dataclass(frozen=True, slots=True)
class Workspace:
    """One installation, ready for calls.

    enterprise: of an app that was installed for a whole organisation, else empty.
    bot_user, bot: who we are there, `U…` and `B…`.
    client: knows the token, shares the adapter's session, and repeats nothing by itself.
    organisation: to which the workspace belongs, wherever the app was installed; else empty.
    """

    team: str
    enterprise: str
    bot_user: str
    bot: str
    client: AsyncWebClient
    organisation: str = ""


class Workspaces(Protocol):
    """One by its token, or all that installed the app."""

    async def verify(self) -> None:
        """Find out, before anybody waits in vain, whether what was configured is any good.

        Raises `Unauthorised`, `Transient`.
        """

    async def of(self, team: str, enterprise: str = "") -> Workspace:
        """Find the installation in a workspace; costs no call once it is known.

        Raises `Departed` where the app is not installed (any more), `Unauthorised` for a token
        that is refused, `Transient`.
        """

    def forget(self, team: str, enterprise: str = "") -> None:
        """Ask anew next time, because something was installed, changed or revoked."""

    async def revoked(self, team: str, enterprise: str = "") -> None:
        """Slack says that the app was removed, or its token taken back: see what is left.

        It may be old news, told again after somebody installed the app anew. Raises `Transient`.
        """

    def trouble(self) -> str | None:
        """Why nobody can be answered, in a few words; None while all is well."""

    async def close(self) -> None:
        """Finish what must not be left half done."""


def open_session(base_url: str) -> aiohttp.ClientSession:
    """What all clients of an account share. base_url: of Slack's API.

    It keeps no cookies, or what Slack tells one workspace would be told with the others' calls.
    No call takes longer than `PATIENCE`, which the SDK forgets where it is given a session.
    """
    return aiohttp.ClientSession(
        proxy=proxy_to(base_url),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
    )


def make_client(
    token: SecretStr | None, base_url: str, session: aiohttp.ClientSession
) -> AsyncWebClient:
    """A client that repeats nothing by itself: a repeated post would be a second message.

    token: None for the calls that prove the app, not an installation.
    """
    logger = logging.getLogger("slack_sdk.web")
    # At DEBUG it logs what people wrote, and it makes those lines whether or not they are kept.
    logger.setLevel(logging.WARNING)
    return AsyncWebClient(
        token.get_secret_value() if token else None,
        base_url=base_url,
        session=session,
        retry_handlers=[],
        timeout=int(PATIENCE),
        logger=logger,
    )


async def ask_who(client: AsyncWebClient) -> Workspace:
    """Ask Slack whom a token stands for. Raises `Unauthorised`, `Transient`."""
    with as_bridge_errors():
        told = await client.auth_test()
    organisation = bool(told.get("is_enterprise_install"))
    return Workspace(
        # For an organisation Slack gives the organisation's id in the place of a team's.
        team="" if organisation else str(told.get("team_id") or ""),
        enterprise=str(told.get("enterprise_id") or "") if organisation else "",
        bot_user=str(told.get("user_id") or ""),
        bot=str(told.get("bot_id") or ""),
        client=client,
        organisation=str(told.get("enterprise_id") or ""),
    )


class OneWorkspace:
    """The workspace, or the organisation, that a bot token belongs to.

    `of("")` is the workspace itself, whichever it is.
    """

    def __init__(self, token: SecretStr, base_url: str, session: aiohttp.ClientSession) -> None:
        self._client = make_client(token, base_url, session)
        self._known: Workspace | None = None
        self._asking = asyncio.Lock()
        self._trouble: str | None = None

    async def verify(self) -> None:
        await self.of("")

    async def of(self, team: str, enterprise: str = "") -> Workspace:
        known = self._known
        if known is None:
            async with self._asking:  # so that many who ask at once cost one call
                known = self._known = self._known or await self._ask()
        if known.enterprise and enterprise in ("", known.enterprise):
            return replace(known, team=team)
        if known.enterprise or team not in ("", known.team):
            raise Departed(f"the bot token is not for the workspace {team}")
        return known

    async def _ask(self) -> Workspace:
        try:
            found = await ask_who(self._client)
        except Unauthorised as error:
            self._trouble = str(error)
            raise
        self._trouble = None
        return found

    def forget(self, team: str, enterprise: str = "") -> None:
        self._known = None

    async def revoked(self, team: str, enterprise: str = "") -> None:
        self.forget(team, enterprise)
        with suppress(Unauthorised):  # then it is told by `trouble`
            await self.of("")

    def trouble(self) -> str | None:
        return self._trouble

    async def close(self) -> None:
        pass
