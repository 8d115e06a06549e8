"""The emulator as an object: its state, its faults, and what a test asks it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from tests.telegram.emulator.business import BusinessChat, Connection
from tests.telegram.emulator.callbacks import Callbacks
from tests.telegram.emulator.chats import Chat, not_found
from tests.telegram.emulator.commands import CommandLists
from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.faults import Fault, Faults, Gate
from tests.telegram.emulator.files import Files
from tests.telegram.emulator.inbox import Inbox
from tests.telegram.emulator.journal import Journal
from tests.telegram.emulator.limits import Limits, Throttle
from tests.telegram.emulator.model import Message, User
from tests.telegram.emulator.people import Channel, Group, Person, Private, everybody
from tests.telegram.emulator.webhook import Webhook

TOKEN = "7000000001:AAEmulatorEmulatorEmulatorEmulator0"
C = TypeVar("C", bound=Chat)


class Port(Protocol):
    """What serves the emulator: it can be closed and opened again, with the same number."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def rest(self, seconds: float) -> None: ...


class Emulator:
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
        self._waiting: set[asyncio.Future[None]] = set()
        self.token = token
        self.clock = clock
        self.now = now
        self.strict = strict
        self.url = ""
        self.bot = User(int(token.partition(":")[0]), "Coze", username=username, is_bot=True)
        self.privacy = True  # the bot's privacy mode in groups
        self.hears_bots = False  # whether other bots' messages reach it
        self.has_topics = False  # in private chats
        self.lacks: set[str] = set()  # methods this server is too old to know
        self.logged_out = False
        self.serial = itertools.count(1)
        self.message_ids = itertools.count(1)
        self.throttle = Throttle(limits, clock)
        self.faults = Faults()
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
        self.port: Port | None = None
        self.is_up = False

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

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Nobody answers on the port meanwhile. Raises `RuntimeError` if nobody serves."""
        port = self._served()
        await port.stop()
        try:
            yield
        finally:
            await port.start()

    def fail_for(self, seconds: float) -> None:
        """Begin an outage that ends by itself. Raises `RuntimeError` if nobody serves."""
        self._served().rest(seconds)

    def _served(self) -> "Port":
        if self.port is None:
            raise RuntimeError("the emulator is not served")
        return self.port

    # Waiting.

    async def until(
        self, happened: "Callable[[Emulator], object]", *, within: float = 10.0
    ) -> None:
        """Wait for something to be true; looks again after every call and change.

        Raises `TimeoutError` after `within` seconds.
        """
        async with asyncio.timeout(within):
            while not happened(self):
                change = asyncio.get_running_loop().create_future()
                self._waiting.add(change)
                try:
                    await change
                finally:
                    self._waiting.discard(change)

    def changed(self) -> None:
        """Wake everybody who waits in `until`."""
        for change in self._waiting:
            if not change.done():
                change.set_result(None)
