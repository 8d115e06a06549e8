"""Every stage wired over fakes, on virtual time and a real SQLite file."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TypeVar

from bridge.access import Rules
from bridge.adapter import SendsFiles
from bridge.admin import Admin
from bridge.allowance import Allowance
from bridge.anew import Anew
from bridge.broadcasting import Broadcasting
from bridge.commands import Commands
from bridge.config import AccessSettings, AgentSettings, SessionSettings
from bridge.engine.drain import Drain
from bridge.engine.embedded import EmbeddedEngine
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.files import Files
from bridge.flow.interrupts import Interrupts
from bridge.flow.pacing import Pacer
from bridge.flow.stop import Stop
from bridge.guests import Guests
from bridge.inbox import Bells, Inbox
from bridge.lanes import express, lane_of
from bridge.outbox import Outbox
from bridge.outgoing import Sending
from bridge.pausing import Pausing
from bridge.porter import Porter
from bridge.published import Published
from bridge.relay import Relay
from bridge.render import Renderer
from bridge.sessions import Sessions
from bridge.store import Job, Store
from bridge.store.files import StoredFiles
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.turns import Turn
from bridge.testing.adapter import BareAdapter, FakeAdapter
from bridge.testing.agent import ScriptedAgent
from bridge.testing.clock import Clock, ClockLoop
from bridge.testing.filing import Links
from bridge.tools.acting import Acting
from bridge.tools.tool import Tool
from bridge.tools.toolbox import Toolbox
from bridge.turn import Walk
from bridge.upstream import Agent
from bridge.variables import Variables

T = TypeVar("T")

ACCOUNT = "fake"
TURN_TIMEOUT = 600.0
ANNA = User("u-anna", name="Anna Karenina", first_name="Anna", language="en-GB")
LI = User("u-li", name="李雷", first_name="雷", language="zh-CN")


class Killed(Exception):
    """The process is dead: whoever still runs in it sees this, and can write nothing."""


class PatientStore:
    """The real store; while its thread works, the virtual clock stands still.

    failing: errors for the next writes, one each; None lets one through.
    broken: what every call raises. writes: how many there were.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failing: list[Exception | None] = []
        self.broken: Exception | None = None
        self.life: int | None = None  # writes until the process is killed
        self.writes = 0

    async def read(self, job: Job[T]) -> T:
        self._answer()
        with _loop().outside():
            return await self._store.read(job)

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        self._answer()
        if self.failing and (error := self.failing.pop(0)):
            raise error
        with _loop().outside():
            result = await self._store.write(job, order=order)
        self.writes += 1
        self._age()
        return result

    async def close(self) -> None:
        await self._store.close()

    def _age(self) -> None:
        if self.life is None or self.broken:
            return
        self.life -= 1
        if self.life < 0:
            self.broken = Killed()
            raise self.broken

    def _answer(self) -> None:
        if self.broken:
            raise self.broken


def _loop() -> ClockLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockLoop)
    return loop


@dataclass
class World:
    """One account on a fake platform, one scripted agent, and everything between.

    Change the settings before the first use of a part.
    """

    store: PatientStore
    clock: Clock
    sessions_settings: SessionSettings = field(
        default_factory=lambda: SessionSettings(merge_window=0)
    )
    access: AccessSettings = field(default_factory=AccessSettings)
    agent_settings: AgentSettings = field(default_factory=lambda: AgentSettings(bot_id="1"))
    adapter: BareAdapter = field(init=False)
    agent: ScriptedAgent = field(default_factory=ScriptedAgent)
    tools: dict[str, Tool] = field(default_factory=dict)
    coze: Agent | None = None  # instead of the scripted agent
    key: str = "a secret"
    accounts: tuple[str, ...] = (ACCOUNT,)
    agent_name: str = "default"
    most: int = 100
    turn_timeout: float = TURN_TIMEOUT

    def __post_init__(self) -> None:
        self.links = Links()
        self.adapter = FakeAdapter(clock=self.clock.monotonic)
        self._events = count(1)
        self.wire()

    def wire(self) -> "World":
        """Connect the parts anew, as another process over the same database would."""
        now = self.clock.now
        agents: dict[str, Agent] = {self.agent_name: self.coze or self.agent}
        self.ledger = Ledger(self.store, now)
        self.pages = Pages(self.store)
        self.pacer = Pacer(self.clock.monotonic)
        self.interrupts = Interrupts()
        self.sessions = Sessions(
            self.store,
            agents=agents,
            agent_of=dict.fromkeys(self.accounts, self.agent_name),
            settings=self.sessions_settings,
            key=self.key,
            now=now,
        )
        settings = {self.agent_name: self.agent_settings}
        self.variables = Variables(
            self.store, agents=agents, settings=settings, now=now, monotonic=self.clock.monotonic
        )
        self.published = Published(agents)
        self.rules = Rules(self.access, settings)
        self.guests = Guests(self.store, self.rules, now=now)
        self.pausing = Pausing(self.store, now=now)
        self.troubles: dict[str, str] = {}
        self.admin = Admin(
            self.store,
            self.guests,
            self.pausing,
            accounts=self.accounts,
            agents=agents,
            troubles=self.look,
            now=now,
        )
        self.allowance = Allowance(self.store, self.rules, now=now)
        self.commands = Commands(
            self.store,
            agents=agents,
            settings=settings,
            variables=self.variables,
            interrupt=self.interrupts.reach,
            now=now,
            published=self.published,
            allowance=self.allowance,
        )
        self.relay = Relay(
            self.store,
            self.ledger,
            acting=Acting(self.store, Toolbox(self.tools), now),
            agents=agents,
            settings=settings,
            turn_timeout=self.turn_timeout,
            now=now,
        )
        self.render = Renderer(
            settings,
            {ACCOUNT: self.adapter.caps},
            takes_files=[ACCOUNT] if isinstance(self.adapter, SendsFiles) else (),
            most_files=4,
        )
        self.outbox = Outbox(
            {ACCOUNT: self.adapter},
            self.pages,
            pacer=self.pacer,
            now=now,
            outgoing=Sending(
                self.links,
                agents=agents,
                agent_of={ACCOUNT: self.agent_name},
                reachable=lambda host: host.endswith(".org"),
            ),
        )
        self.walk = Walk(
            ledger=self.ledger,
            anew=Anew(self.store, self.ledger, self.sessions_settings),
            sessions=self.sessions,
            commands=self.commands,
            porter=Porter(self.guests, self.admin),
            allowance=self.allowance,
            files=Files(
                StoredFiles(self.store),
                adapters={ACCOUNT: self.adapter},
                agents=agents,
                settings=settings,
            ),
            variables=self.variables,
            relay=self.relay,
            render=self.render,
            outbox=self.outbox,
            slots=asyncio.Semaphore(self.most),
            turn_timeout=self.turn_timeout,
            is_alone=True,
        )
        self.drain = Drain(
            self.ledger,
            self.walk,
            self.interrupts,
            pausing=self.pausing,
            merge_window=self.sessions_settings.merge_window,
            now=now,
        )
        self.engine = EmbeddedEngine(self.ledger, self.drain)
        self.woken: list[str] = []
        self.inbox = self.inbox_with(self.woken.append)
        self.broadcasting = Broadcasting(
            self.store,
            self.guests,
            accounts=self.accounts,
            bells=Bells(lambda lane, _: self.woken.append(lane), self.interrupts.reach),
            now=now,
        )
        return self

    def inbox_with(
        self, wake: Callable[[str], None], interrupt: Callable[[str], Awaitable[bool]] | None = None
    ) -> Inbox:
        """A door that tells others than usual."""
        return self._inbox(Bells(lambda lane, _: wake(lane), interrupt or self.interrupts.reach))

    def engines_inbox(self) -> Inbox:
        """A door that tells the engine."""
        engine = self.engine
        return self._inbox(Bells(engine.wake, self.interrupts.reach, beginning=engine.beginning))

    def _inbox(self, bells: Bells) -> Inbox:
        return Inbox(
            self.store,
            sessions=self.sessions_settings,
            guests=self.guests,
            pausing=self.pausing,
            bells=bells,
            now=self.clock.now,
        )

    async def look(self, _: datetime) -> dict[str, str]:
        """What is wrong, as far as anybody knows."""
        return self.troubles

    def says(
        self,
        text: str,
        *,
        chat: str = "room",
        user: User = ANNA,
        event: str | None = None,
        kind: ChatKind = ChatKind.PRIVATE,
        thread: str = "",
    ) -> Inbound:
        """A message as an adapter would hand it over."""
        return Inbound(
            event_id=event or f"e{next(self._events)}",
            chat=ChatRef("fake", ACCOUNT, chat, thread, kind),
            user=user,
            text=text,
            sent_at=self.clock.now(),
        )

    async def hear(self, text: str, *, user: User = ANNA, chat: str = "room") -> Inbound:
        """Put a message through the door; nobody works on it yet."""
        event = self.says(text, user=user, chat=chat)
        await self.inbox(event)
        return event

    async def taken(self, text: str = "hello", *, user: User = ANNA, chat: str = "room") -> Turn:
        """A message that somebody has just begun to work on."""
        event = await self.hear(text, user=user, chat=chat)
        return await self.take(lane_of(event, self.sessions_settings.group_scope))

    async def take(self, lane: str) -> Turn:
        """Take over a lane and begin the oldest open turn, as a drain would."""
        _, waiting = await self.ledger.take_over(lane)
        return await self.ledger.take(waiting[0], [])

    async def run(self, turn: Turn, stop: Stop) -> None:
        """Run a turn to its end, as a drain would."""
        ending = await self.walk.run(turn, stop)
        await self.ledger.ended(ending.turn, ending.state, ending.settled)

    async def chat(self, *texts: str, user: User = ANNA, chat: str = "room") -> list[str]:
        """Say these one after another, each answered before the next; what is shown then."""
        for text in texts:
            event = await self.hear(text, user=user, chat=chat)
            lane = lane_of(event, self.sessions_settings.group_scope)
            await self.drain(express(lane))
            await self.drain(lane)
        return self.adapter.shown(chat)

    def settings(self, **changes: object) -> "World":
        """Change `[sessions]`, and wire anew."""
        self.sessions_settings = self.sessions_settings.model_copy(update=changes)
        return self.wire()
