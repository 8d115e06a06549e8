"""Incidents, a machine that meets them, and what must be true in the end."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st
from sqlalchemy import Connection, select

from bridge.adapter import Capabilities
from bridge.engine.verdict import MOST_ATTEMPTS, MOST_RETRIES
from bridge.errors import (
    BridgeError,
    Occupied,
    Permanent,
    RateLimited,
    Rejected,
    Unreachable,
)
from bridge.events import Inbound
from bridge.phrases import Phrase, say
from bridge.store import open_store
from bridge.store.codec import INBOUND
from bridge.store.tables import inbox
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.testing.clock import Clock
from bridge.text.pages import Tail, paginate
from tests.stages.world import Killed, PatientStore, World

CAPS = Capabilities(max_text=60, edit_interval=1.0, edit_interval_group=3.0, buttons=3)
CHATS = ("a", "b")


# Incidents


@dataclass(frozen=True)
class Say:
    """Somebody writes so many words, and the platform may deliver them twice."""

    chat: str
    words: int
    twice: bool = False

    async def befall(self, machine: "Machine") -> None:
        machine.said += 1
        text = " ".join(f"q{machine.said}w{n}" for n in range(self.words))
        event = machine.world.says(text, chat=self.chat, event=f"event-{machine.said}")
        await machine.deliver(event)
        if self.twice:
            await machine.deliver(event)


@dataclass(frozen=True)
class Wait:
    seconds: float

    async def befall(self, machine: "Machine") -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True)
class Kill:
    """The process dies after so many more writes; a new one is started soon."""

    writes: int

    async def befall(self, machine: "Machine") -> None:
        machine.store.life = self.writes


@dataclass(frozen=True)
class Answer:
    """How Coze takes the next question that nobody has planned for."""

    play: Play

    async def befall(self, machine: "Machine") -> None:
        machine.agent.play(self.play)


@dataclass(frozen=True)
class AgentFails:
    method: str

    async def befall(self, machine: "Machine") -> None:
        machine.agent.fail(self.method, down())


@dataclass(frozen=True)
class PlatformFails:
    error: BridgeError
    happens: bool = False

    async def befall(self, machine: "Machine") -> None:
        # Markup may be refused; a platform that refuses even plain text shows nothing at all.
        spares_plain = isinstance(self.error, Rejected)
        machine.adapter.fail(
            self.error,
            happens=self.happens,
            when=lambda call: not (spares_plain and call.page and call.page.plain),
        )


@dataclass(frozen=True)
class DatabaseFails:
    writes: int

    async def befall(self, machine: "Machine") -> None:
        locked = Unreachable("database: locked")
        machine.store.failing = [*[None] * self.writes, locked]


Incident: TypeAlias = Say | Wait | Kill | Answer | AgentFails | PlatformFails | DatabaseFails


def down(*, happened: bool = False) -> Unreachable:
    return Unreachable("down", happened=happened)


PLAYS = st.sampled_from(
    [
        Play(),
        Play(pace=0.7),
        Play(pace=2.0, linger=3.0, suggestions=("And?",)),
        Play(cut_after=0, pace=1.0),
        Play(cut_after=3, pace=0.5, linger=5.0),
        Play(lost=True, pace=1.0),
        Play(bug=KeyError("bug"), pace=1.0),
        Play(refuse=down()),
        Play(refuse=Occupied("4016")),
        Play(refuse=RateLimited("4020", retry_after=7)),
        Play(fail=Permanent("model", code=5000)),
    ]
)
PLATFORM = st.sampled_from(
    [
        PlatformFails(RateLimited("slow", retry_after=11)),
        PlatformFails(RateLimited("slow")),
        PlatformFails(down()),
        PlatformFails(down(happened=True)),
        PlatformFails(down(happened=True), happens=True),
        PlatformFails(Rejected("can't parse")),
    ]
)
INCIDENTS: st.SearchStrategy[Incident] = st.one_of(
    st.builds(Say, st.sampled_from(CHATS), st.sampled_from([1, 3, 30]), st.booleans()),
    st.builds(Say, st.sampled_from(CHATS), st.sampled_from([1, 3, 30]), st.just(False)),
    st.builds(Wait, st.sampled_from([0.0, 0.01, 0.5, 2.0, 9.0])),
    st.builds(Kill, st.integers(0, 12)),
    st.builds(Answer, PLAYS),
    st.builds(AgentFails, st.sampled_from(["begin", "find", "outcome", "cancel"])),
    PLATFORM,
    st.builds(DatabaseFails, st.integers(0, 6)),
)


# Running them


class Machine:
    """A platform and a Coze that live on, and one process after another over the same file."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self.adapter = FakeAdapter(CAPS, clock.monotonic)
        self.agent = ScriptedAgent()
        self.deaths = 0
        self.said = 0
        self._undelivered: list[Inbound] = []

    async def start(self) -> None:
        self.store = PatientStore(await open_store(self._url))
        self.world = World(self.store, self._clock, agent=self.agent)
        self.world.adapter = self.adapter
        self.world.wire()
        self._door = self.world.engines_inbox()
        self._engine = asyncio.create_task(self.world.engine.run(asyncio.Event(), 0))

    async def end(self) -> None:
        """Nothing of the process runs or writes any more; what it had written stays."""
        self.store.broken = self.store.broken or Killed()
        self._engine.cancel()
        with suppress(BaseException):
            await self._engine
        await self.store.close()

    async def meet(self, incident: Incident) -> None:
        await incident.befall(self)
        await self._revive()

    async def calm(self) -> None:
        """Everything is delivered and answered, however long that takes."""
        deadline = self._clock.monotonic() + 10_000
        while self._undelivered or await self._is_open():
            assert self._clock.monotonic() < deadline, "something is never answered"
            await asyncio.sleep(1)
            await self._revive()
            for event in [*self._undelivered]:
                self._undelivered.remove(event)
                await self.deliver(event)

    async def events(self) -> list[tuple[int, Inbound]]:
        """What was accepted, with the numbers of the turns, in order."""

        def job(connection: Connection) -> list[tuple[int, Inbound]]:
            rows = connection.execute(select(inbox).order_by(inbox.c.id))
            return [(row.id, INBOUND.load(row.payload)) for row in rows]

        return await self.store.read(job)

    async def _is_open(self) -> bool:
        try:
            return bool(await self.world.ledger.open_lanes())
        except Killed:
            return True

    async def deliver(self, event: Inbound) -> None:
        try:
            await self._door(event)
        except (Killed, Unreachable):
            self._undelivered.append(event)  # not acknowledged: the platform keeps it

    async def _revive(self) -> None:
        if self.store.broken:
            self.deaths += 1
            await self.end()
            await self.start()
        elif self._engine.done():
            self._engine.result()  # it ended by itself, which is a bug


async def happens(incidents: Sequence[Incident], url: str, clock: Clock) -> None:
    machine = Machine(url, clock)
    await machine.start()
    try:
        for incident in incidents:
            await machine.meet(incident)
        await machine.calm()
        check(machine, await machine.events(), incidents)
    finally:
        await machine.end()


# What must be true then


def check(
    machine: Machine, events: list[tuple[int, Inbound]], incidents: Sequence[Incident]
) -> None:
    assert len({event.event_id for _, event in events}) == len(events) == machine.said
    asked = machine.agent.asked
    assert len(asked) == len(set(asked)), "a question was asked twice"
    for chat in CHATS:
        turns = [(number, event) for number, event in events if event.chat.chat == chat]
        _check_chat(machine, chat, turns, incidents)


def _check_chat(
    machine: Machine, chat: str, turns: list[tuple[int, Inbound]], incidents: Sequence[Incident]
) -> None:
    shown = [message.page.text for message in machine.adapter.pages(chat)]
    known = [owner for text in shown if (owner := _owner(text, turns)) is not None]
    assert known == sorted(known), "an answer is not in its place"
    strays = len(shown)
    for number, event in turns:
        found = [pages for pages in _endings(number, event) if _contains(shown, pages)]
        assert found, f"neither an answer nor an apology for {event.text!r}: {shown}"
        whole = max(found, key=len)  # an apology may stand on pages of its own
        is_answered = whole == next(_endings(number, event))
        assert is_answered or _may_apologise(incidents), f"no whole answer to {event.text!r}"
        strays -= len(whole)
    assert strays <= _ambiguities(incidents, machine.deaths), shown


def _endings(number: int, event: Inbound) -> Iterator[list[str]]:
    """The pages a message may end with: the whole answer, or an apology with or without it."""
    answer = f"You said: {event.text}"
    yield paginate(answer, CAPS.max_text, tail=Tail.FINAL)
    for phrase in (Phrase.FAILED, Phrase.UNREACHABLE):
        apology = say(phrase, event.user.language, reference=f"{number:05d}")
        yield paginate(f"{answer}\n\n{apology}", CAPS.max_text, tail=Tail.FINAL)
        yield paginate(apology, CAPS.max_text, tail=Tail.FINAL)


def _owner(text: str, turns: list[tuple[int, Inbound]]) -> int | None:
    """Whose answer a message belongs to; None for the first words of one, before any mark."""
    if found := re.search(r"Reference 0*(\d+)", text):
        return int(found[1])
    if found := re.search(r"q\d+w", text):
        return next(number for number, event in turns if found[0] in event.text)
    return None


def _contains(texts: Sequence[str], whole: list[str]) -> bool:
    rest: Iterator[str] = iter(texts)
    return all(page in rest for page in whole)


def _ambiguities(incidents: Sequence[Incident], deaths: int) -> int:
    """How many messages may stand that nobody knows of: the one duplicate that is possible."""
    return deaths + sum(isinstance(i, PlatformFails) and i.happens for i in incidents)


def _may_apologise(incidents: Sequence[Incident]) -> bool:
    """Only if the agent gave up, or one message had more than its share of misfortune."""
    plays = [i.play for i in incidents if isinstance(i, Answer)]
    if any(play.fail or play.bug for play in plays):
        return True
    kills = sum(isinstance(i, Kill) for i in incidents)
    delays = sum(
        play.refuse is not None or play.lost or play.cut_after is not None for play in plays
    )
    delays += sum(isinstance(i, AgentFails | DatabaseFails) for i in incidents)
    return kills >= MOST_ATTEMPTS or delays >= MOST_RETRIES
