"""The emulator as an object: its state, its faults, and what a test asks it."""

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from tests.platforms.emulated import Emulated
from tests.platforms.faults import Faults, Gate
from tests.platforms.journal import Journal
from tests.platforms.port import Underway
from tests.telegram.emulator import server
from tests.telegram.emulator.business import BusinessChat, Connection
from tests.telegram.emulator.callbacks import Callbacks
from tests.telegram.emulator.chats import Chat, not_found
from tests.telegram.emulator.commands import CommandLists
from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.faults import NOTHING, Fault
from tests.telegram.emulator.files import Files
from tests.telegram.emulator.inbox import Inbox
from tests.telegram.emulator.limits import Limits, Throttle
from tests.telegram.emulator.model import Message, User
from tests.telegram.emulator.people import Channel, Group, Person, Private, everybody
from tests.telegram.emulator.webhook import Webhook

TOKEN = "7000000001:AAEmulatorEmulatorEmulatorEmulator0"
C = TypeVar("C", bound=Chat)


class Emulator(Emulated):
    """A Bot API of one's own, with one bot. `serve` puts it on a port; its state outlives that.

    limits: flood limits; None lets everything pass. clock: seconds since 1970, which dates,
    limits and expiries follow. now: monotonic seconds for the log, and for what really waits
    (polls, pauses between deliveries). strict: check every request against aiogram's models.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        username: str = "coze_bridge_bot",
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
        strict: bool = True,
        log: bool = True,
    ) -> None:
        super().__init__()
        self.token = token
        self.clock = clock
        self.now = now
        self.strict = strict
        self.bot = User(int(token.partition(":")[0]), "Coze", username=username, is_bot=True)
        self.privacy = True  # the bot's privacy mode in groups
        self.hears_bots = False  # whether other bots' messages reach it
        self.has_topics = False  # in private chats
        self.lacks: set[str] = set()  # methods this server is too old to know
        self.logged_out = False
        self.serial = itertools.count(1)
        self.message_ids = itertools.count(1)
        self.throttle = Throttle(limits, clock)
        self.faults = Faults(NOTHING)
        self.journal = Journal(now, keep=log)
        self.inbox = Inbox(clock, now, self.changed)
        self.webhook = Webhook(self.inbox)
        self.files = Files()
        self.commands = CommandLists()
        self.callbacks = Callbacks(self)
        self.violations: list[str] = []
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.connections: dict[str, Connection] = {}

    # Who and where.

    def person(
        self,
        number: int,
        name: str = "",
        language: str = "en",
        *,
        username: str = "",
        bot: bool = False,
    ) -> Person:
        """Somebody; the same number is the same person."""
        if number not in self.people:
            user = User(number, name or f"Person {number}", language, username, bot)
            self.people[number] = Person(self, user)
        return self.people[number]

    def private(self, person: Person, *, started: bool = True) -> Private:
        chat = self.chats.get(person.id)
        if isinstance(chat, Private):
            return chat
        return self._keep(
            Private(
                self,
                person.id,
                "private",
                person.name,
                owner=person,
                username=person.username,
                started=started,
            )
        )

    def group(
        self,
        title: str,
        *people: Person,
        chat_id: int | None = None,
        supergroup: bool = False,
        forum: bool = False,
        admin: bool = False,
    ) -> Group:
        """A group; forums are supergroups."""
        grown = supergroup or forum
        number = next(self.serial)
        default = -1_001_000_000_000 - number if grown else -4_000_000 - number
        return self._keep(
            Group(
                self,
                default if chat_id is None else chat_id,
                "supergroup" if grown else "group",
                title,
                is_forum=forum,
                status="administrator" if admin else "member",
                people=everybody(people),
            )
        )

    def forum(self, title: str, *people: Person, admin: bool = False) -> Group:
        return self.group(title, *people, forum=True, admin=admin)

    def channel(self, title: str, username: str = "") -> Channel:
        """A channel where the bot is an administrator."""
        chat_id = -1_002_000_000_000 - next(self.serial)
        return self._keep(
            Channel(self, chat_id, "channel", title, username=username, status="administrator")
        )

    def connect_business(self, owner: Person, *, can_reply: bool = True) -> Connection:
        connection = Connection(self, f"business-{next(self.serial)}", owner, can_reply)
        self.connections[connection.id] = connection
        connection.tell()
        return connection

    def _keep(self, chat: C) -> C:
        self.chats[chat.id] = chat
        return chat

    def chat(self, chat_id: int | str) -> Chat:
        """A chat by id or @username. Raises `Refused` if there is none."""
        if isinstance(chat_id, int):
            found = self.chats.get(chat_id)
        else:
            name = chat_id.removeprefix("@").lower()
            known = (chat for chat in self.chats.values() if not chat.is_private)
            found = next((chat for chat in known if chat.username.lower() == name), None)
        if found is None:
            raise not_found()
        return found

    def business_chat(self, connection: str, chat_id: int | str) -> BusinessChat:
        """Raises `Refused`."""
        if connection not in self.connections:
            raise bad("BUSINESS_CONNECTION_INVALID")
        return self.connections[connection].find(chat_id)

    @property
    def messages(self) -> list[Message]:
        """Every message of every chat, deleted ones too, in the order they were sent."""
        places = [*self.chats.values()]
        for connection in self.connections.values():
            places += connection.chats.values()
        found = [message for chat in places for message in chat.messages.values()]
        return sorted(found, key=lambda message: message.at)

    # What goes wrong.

    def inject(self, fault: Fault) -> None:
        self.faults.add(fault)

    def hold(self, method: str | None = None, chat: int | None = None, *, times: int = 0) -> Gate:
        """Stop calls before they act, until the gate is opened."""
        gate = Gate()
        self.inject(Fault(method, chat, times=times, gate=gate))
        return gate

    def repeat_updates(self, count: int = 1) -> None:
        """Deliver the last `count` delivered updates once more."""
        if self.webhook.is_set:
            self.inbox.requeue(count)
        else:
            self.inbox.repeat(count)

    # Being served.

    def application(self, underway: Underway) -> web.Application:
        return server.application(self, underway)

    async def deliver(self) -> None:
        await self.webhook.run()
