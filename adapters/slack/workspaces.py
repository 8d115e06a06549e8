"""The workspaces an app is installed in, and how to speak to each."""

from dataclasses import dataclass
from typing import Protocol

from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True, slots=True)
class Workspace:
    """One installation, ready for calls.

    enterprise: of an app that was installed for a whole organisation, else empty.
    bot_user, bot: who we are there, `U…` and `B…`.
    client: knows the token, shares the adapter's session, and repeats nothing by itself.
    """

    team: str
    enterprise: str
    bot_user: str
    bot: str
    client: AsyncWebClient


class Workspaces(Protocol):
    """One by its token, or all that installed the app."""

    async def of(self, team: str, enterprise: str = "") -> Workspace:
        """Find the installation in a workspace; costs no call once it is known.

        Raises `Departed` where the app is not installed (any more), `Unauthorised` for a token
        that is refused, `Transient`.
        """

    def forget(self, team: str, enterprise: str = "") -> None:
        """Ask anew next time, because something was installed, changed or revoked."""
