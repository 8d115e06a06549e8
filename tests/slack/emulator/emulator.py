"""The emulator as an object: its state, its faults, and what a test asks it."""

import itertools
import time
from collections.abc import Callable, Iterable
from typing import Literal

import aiohttp
from aiohttp import web

from tests.platforms.emulated import Emulated
from tests.platforms.faults import Faults, Gate
from tests.platforms.journal import Journal
from tests.platforms.port import Underway
from tests.slack.emulator import server
from tests.slack.emulator.channels import Channel, Ping
from tests.slack.emulator.deliveries import Carrier, Deliveries, reach
from tests.slack.emulator.events import Events
from tests.slack.emulator.faults import NOTHING, Fault
from tests.slack.emulator.files import Files
from tests.slack.emulator.hooks import Hooks
from tests.slack.emulator.installs import Installation, Installs
from tests.slack.emulator.interactions import Interactions
from tests.slack.emulator.limits import Limits, Throttle
from tests.slack.emulator.model import Enterprise, Message, User, Workspace
from tests.slack.emulator.params import Json
from tests.slack.emulator.people import Person
from tests.slack.emulator.sockets import Sockets
from tests.slack.emulator.streams import LIFE, MOST
from tests.slack.emulator.tokens import SCOPES, Tokens

BOT_TOKEN = "xoxb-000000000001-0000000000001-EmulatedFirstBotToken"
APP_TOKEN = "xapp-1-A0000000001-0000000000001-emulated"
SIGNING_SECRET = "0123456789abcdef0123456789abcdef"


class Emulator(Emulated):
    """A Slack of one's own, with one app. `serve` puts it on a port; its state outlives that.

    limits: the tiers; None lets everything pass. clock: seconds since 1970, which dates,
    limits, streams, repetitions and expiries follow; call `changed` after moving one by hand.
    now: monotonic seconds for the log. mode: how the app is told.
    view: which of the two the app has. installed: whether it is in
    the first workspace already, with `token`.
    """

    def __init__(
        self,
        *,
        mode: Literal["socket", "http"] = "socket",
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
        view: Literal["agent", "assistant"] = "agent",
        installed: bool = True,
        log: bool = True,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.now = now
        self.mode = mode
        self.view = view
        self.serial = itertools.count(1)
        self.app_id = "A0000000001"
        self.client_id = "1234567890.0987654321"
        self.client_secret = "emulated-client-secret"
        self.signing_secret = SIGNING_SECRET
        self.app_token = APP_TOKEN
        self.redirect_url = ""  # where an installation ends, if its link does not say it
        self.stream_life = LIFE
        self.stream_size = MOST
        self.throttle = Throttle(limits, clock)
        self.faults: Faults[Fault] = Faults(NOTHING)
        self.journal = Journal(now, keep=log)
        self.files = Files(self)
        self.interactions = Interactions(self)
        self.events = Events(self)
        self.sockets = Sockets(self.app_id)
        self.hooks = Hooks(self.signing_secret, clock)
        self.deliveries = Deliveries(self._carrier, clock, now, self._reach, self.changed)
        self.sockets.deliveries = self.hooks.deliveries = self.deliveries
        self.tokens = Tokens(clock)
        self.tokens.app(APP_TOKEN)
        self.installs = Installs(self)
        self.installations: list[Installation] = []
        self.workspaces: dict[str, Workspace] = {}
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.pings: list[Ping] = []
        self.views: list[Json] = []
        self._direct: dict[tuple[str, ...], Channel] = {}
        self._last_ts = 0
        self.team = self.workspace("Acme")
        if installed:
            self.installs.grant(self.install(self.team), value=BOT_TOKEN)

    def _carrier(self) -> Carrier:
        return self.sockets if self.mode == "socket" else self.hooks

    async def _reach(self, due: float) -> None:
        await reach(due, self.clock, self.change)

    def next_ts(self) -> str:
        """A time nothing else happened at."""
        self._last_ts = max(self._last_ts + 1, int(self.clock() * 1_000_000))
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    # Who and where.

    @property
    def token(self) -> str:
        """The bot's, in the first workspace."""
        return self.installed(self.team).token

    @property
    def bot(self) -> User:
        return self.installed(self.team).bot

    @property
    def bots(self) -> list[User]:
        """Our app's bot users."""
        return [installation.bot for installation in self.installations]

    def enterprise(self, name: str) -> Enterprise:
        return Enterprise(f"E{next(self.serial):010d}", name)

    def workspace(self, name: str, enterprise: Enterprise | None = None) -> Workspace:
        team = Workspace(f"T{next(self.serial):010d}", name, name.lower(), enterprise)
        self.workspaces[team.id] = team
        return team

    def person(self, name: str, team: Workspace | None = None, *, bot: bool = False) -> Person:
        """Somebody; the same name in the same workspace is the same person."""
        team = team or self.team
        for known in self.people.values():
            if (known.name, known.team) == (name, team):
                return known
        person = Person(self, next(self.serial), name, team, bot=bot)
        self.people[person.id] = person
        return person

    def channel(
        self,
        name: str,
        *people: Person,
        team: Workspace | None = None,
        private: bool = False,
        shared_with: Iterable[Workspace] = (),
        bot: bool = True,
    ) -> Channel:
        """A channel. bot: whether our app's bots were invited. shared_with: Slack Connect."""
        teams = [team or self.team, *shared_with]
        channel = self._open("group" if private else "channel", name, people, teams)
        if bot:
            self.invite(channel)
        return channel

    def invite(self, channel: Channel) -> None:
        """Bring in our bots of every workspace the channel belongs to."""
        for installation in self.installations:
            if any(installation.covers(team) for team in channel.teams):
                channel.members[installation.bot.id] = installation.bot

    def dm(self, person: Person, installation: Installation | None = None) -> Channel:
        """The direct messages of a person with our bot."""
        return self._direct_of("im", installation or self.installed(person.team), person)

    def group_dm(self, *people: Person, installation: Installation | None = None) -> Channel:
        """The direct messages of several people and our bot."""
        return self._direct_of("mpim", installation or self.installed(people[0].team), *people)

    def _direct_of(self, kind: str, installation: Installation, *people: Person) -> Channel:
        """Somebody from where the app is not installed makes it Slack Connect."""
        members = [*people, installation.bot]
        key = tuple(sorted(member.id for member in members))
        if key not in self._direct:
            teams = list(dict.fromkeys(person.team for person in people))
            if not installation.covers(teams[0]):
                teams.insert(0, installation.bot.team)
            self._direct[key] = self._open(kind, "", members, teams)
        return self._direct[key]

    def _open(
        self, kind: str, name: str, people: Iterable[User], teams: list[Workspace]
    ) -> Channel:
        letter = "D" if kind == "im" else "C"
        members = {person.id: person for person in people}
        channel_id = f"{letter}{next(self.serial):010d}"
        channel = Channel(self, channel_id, name, kind, teams[0], members, teams)
        self.channels[channel.id] = channel
        return channel

    # The app in workspaces.

    def install(
        self, place: Workspace | Enterprise, *, by: str = "", scopes: str = SCOPES
    ) -> Installation:
        """Install the app without giving out a token; or again, where it was before."""
        for known in self.installations:
            if place in (known.team, known.enterprise if known.team is None else None):
                known.active, known.scopes, known.installer = True, scopes, by or known.installer
                return known
        team = place if isinstance(place, Workspace) else None
        enterprise = team.enterprise if team else place
        assert not isinstance(enterprise, Workspace)
        home = team or next(t for t in self.workspaces.values() if t.enterprise is place)
        number = next(self.serial)
        bot = User(f"U{number:010d}", "coze", home, bot_id=f"B{number:010d}")
        installation = Installation(str(number), team, enterprise, bot, by, scopes)
        self.installations.append(installation)
        return installation

    def installed(self, team: Workspace) -> Installation:
        """The installation that serves a workspace. Raises `LookupError` if there is none."""
        for installation in self.installations:
            if installation.covers(team):
                return installation
        raise LookupError(f"the app is not in {team.name}")

    def serving(self, channel: Channel, person: Person) -> Installation:
        """The installation that hears what somebody does in a place: rather one of their own.

        Raises `LookupError` if there is none.
        """
        hearers = self.events.hearers(channel)
        own = [each for each in hearers if each.covers(person.team)]
        return next(iter(own or hearers), None) or self.installed(person.team)

    def uninstall(self, team: Workspace | None = None) -> None:
        """Remove the app from a workspace: its tokens die, and it is told."""
        installation = self.installed(team or self.team)
        home = installation.bot.team
        self._revoked(installation)
        self.events.emit(installation, home, {"type": "app_uninstalled"})
        installation.end()
        self.changed()

    def revoke(self, team: Workspace | None = None) -> None:
        """Take the tokens back, as an administrator may; the app stays."""
        installation = self.installed(team or self.team)
        self._revoked(installation)
        installation.end("token_revoked")
        self.changed()

    def _revoked(self, installation: Installation) -> None:
        tokens: Json = {"oauth": [], "bot": [installation.bot.id]}
        event: Json = {"type": "tokens_revoked", "tokens": tokens, "event_ts": self.next_ts()}
        self.events.emit(installation, installation.bot.team, event)

    # What there is.

    @property
    def messages(self) -> list[Message]:
        """Every message of every place, deleted ones too, in the order they were sent."""
        found = [m for channel in self.channels.values() for m in channel.messages.values()]
        return sorted(found, key=lambda message: message.ts)

    @property
    def open_streams(self) -> list[Message]:
        """Messages that are still being streamed."""
        return [message for message in self.messages if message.streaming]

    # What goes wrong.

    def inject(self, fault: Fault) -> None:
        self.faults.add(fault)

    def hold(self, method: str | None = None, chat: str | None = None, *, times: int = 0) -> Gate:
        """Stop calls before they act, until the gate is opened."""
        gate = Gate()
        self.inject(Fault(method, chat, times=times, gate=gate))
        return gate

    # Being served.

    def application(self, underway: Underway) -> web.Application:
        return server.application(self, underway)

    async def deliver(self) -> None:
        async with aiohttp.ClientSession() as http:
            self.hooks.http = http
            try:
                await self.deliveries.run()
            finally:
                self.hooks.http = None
