"""A call as its handler sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tests.platforms.journal import Call
from tests.slack.emulator.channels import Channel
from tests.slack.emulator.errors import Refused
from tests.slack.emulator.installs import Installation
from tests.slack.emulator.model import Message, User
from tests.slack.emulator.params import Arguments, Json
from tests.slack.emulator.tokens import Token

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator

Handler: TypeAlias = Callable[["Ask"], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Method:
    """A handler, and one of which scopes it needs. token: "bot", "app", or "" for none."""

    handler: Handler
    scopes: tuple[str, ...] = ()
    token: str = "bot"


@dataclass(frozen=True, slots=True)
class Ask:
    """A call: what was asked, by which installation, and where it is logged."""

    emulator: "Emulator"
    args: Arguments
    call: Call
    token: Token | None

    @property
    def installation(self) -> Installation:
        assert self.token is not None
        assert self.token.installation is not None
        return self.token.installation

    @property
    def bot(self) -> User:
        return self.installation.bot

    def channel(self, name: str = "channel", *, write: bool = False) -> Channel:
        """The channel meant. Raises `Refused`; a private one the bot is not in is not found.

        A user's id opens the direct messages with them, as it does there.
        """
        channel_id = self.args.text(name)
        found = self.emulator.channels.get(channel_id)
        if found is None and channel_id in self.emulator.people:
            person = self.emulator.people[channel_id]
            found = self.emulator.dm(person, self.installation)
        if found is None or not any(self.installation.covers(team) for team in found.teams):
            raise Refused("channel_not_found")
        inside = self.bot.id in found.members
        if not inside and found.is_private:
            raise Refused("channel_not_found")
        if write:
            self._check_write(found, inside=inside)
        return found

    def _check_write(self, channel: Channel, *, inside: bool) -> None:
        if not inside:
            raise Refused("not_in_channel")
        if channel.archived:
            raise Refused("is_archived")
        if channel.locked:
            raise Refused("restricted_action")

    def own(self, channel: Channel, error: str) -> Message:
        """Our own message that `ts` names. Raises `Refused`."""
        message = channel.find(self.args.needed("ts"))
        if message.sender is not self.bot:
            raise Refused(error)
        self.call.message = message.ts
        return message
