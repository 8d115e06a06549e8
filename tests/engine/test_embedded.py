"""One process, an actor per lane: in order, side by side, and nothing forgotten."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bridge.config import AgentSettings
from bridge.engine.drain import LAST_WORDS, Drain
from bridge.engine.embedded import EmbeddedEngine
from bridge.errors import RateLimited, Unauthorised, Unreachable
from bridge.lanes import express
from bridge.store.fence import Fenced
from bridge.store.turns import Turn
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.testing.clock import Clock
from bridge.upstream import AnswerEvent, Question
from tests.stages.world import PatientStore, World

LANE = "fake/fake/room/"


@asynccontextmanager
async def running(world: World, *, grace: float = 20) -> AsyncIterator[asyncio.Event]:
    """The engine at work; leaving stops it. Messages go through a door that wakes it."""
    world.inbox = world.engines_inbox()
    stop = asyncio.Event()
    task = asyncio.create_task(world.engine.run(stop, grace))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def all_is_answered(world: World) -> None:
    while await world.ledger.open_lanes():
        await asyncio.sleep(0.5)


class ListDrain(Drain):
    """Drains lists instead of a ledger: `work[lane]` shrinks one piece at a time."""

    def __init__(self, *, seconds: float = 1.0) -> None:
        self.work: dict[str, list[str]] = {}
        self.done: list[str] = []
        self.busy: set[str] = set()
        self.errors: list[Exception] = []
        self._seconds = seconds

    async def look(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def __call__(self, lane: str, taken: Turn | None = None) -> None:
        assert lane not in self.busy, "one lane was drained twice at once"
        self.busy.add(lane)
        try:
            while work := self.work.get(lane):
                await asyncio.sleep(self._seconds)
                if self.errors:
                    raise self.errors.pop(0)
                self.done.append(work.pop(0))
            await asyncio.sleep(self._seconds / 2)  # somebody may wake the lane just now
        finally:
            self.busy.discard(lane)


def listed(world: World, drain: ListDrain) -> EmbeddedEngine:
    return EmbeddedEngine(world.ledger, drain)


async def test_a_lane_is_answered_in_order_and_lanes_do_not_wait_for_each_other(
    world: World, agent: ScriptedAgent
) -> None:
    agent.otherwise = Play(pace=1.0)
    async with running(world):
        for text in ("one", "two"):
            for chat in ("a", "b", "c"):
                await world.hear(text, chat=chat)
        await all_is_answered(world)
    for chat in ("a", "b", "c"):
        assert world.adapter.shown(chat) == ["You said: one", "You said: two"]
    assert world.clock.monotonic() < 10


class NotingAgent(ScriptedAgent):
    """Notes how much was written before each question left."""

    def __init__(self, store: PatientStore) -> None:
        super().__init__()
        self.writes: list[int] = []
        self._store = store

    def ask(self, question: Question) -> AbstractAsyncContextManager[AsyncIterator[AnswerEvent]]:
        self.writes.append(self._store.writes)
        return super().ask(question)


async def test_a_question_in_a_lane_at_rest_leaves_after_one_write(world: World) -> None:
    world.agent = agent = NotingAgent(world.store)
    world.wire()
    async with running(world):
        await world.hear("one")
        await all_is_answered(world)
        before = world.store.writes
        await world.hear("two")
        await all_is_answered(world)
    assert agent.writes[1] - before == 1
    assert world.adapter.shown() == ["You said: one", "You said: two"]


async def test_who_comes_while_a_lane_is_at_work_waits(world: World, agent: ScriptedAgent) -> None:
    agent.otherwise = Play(pace=1.0)
    async with running(world):
        await asyncio.gather(*(world.hear(text) for text in ("one", "two", "three")))
        await all_is_answered(world)
    assert agent.asked == ["one", "two", "three"]
    assert agent.most_streams == 1


async def test_limits_hold_in_a_lane_at_rest(world: World, agent: ScriptedAgent) -> None:
    world.agent_settings = AgentSettings(bot_id="1", messages_per_minute=1)
    world.wire()
    async with running(world):
        for text in ("one", "two"):
            await world.hear(text)
            await all_is_answered(world)
    assert agent.asked == ["one"]
    assert len(world.adapter.shown()) == 2


async def test_nothing_is_begun_while_the_bridge_is_paused(
    world: World, agent: ScriptedAgent
) -> None:
    async with running(world):
        await world.pausing.begin("anna")
        await world.hear("one")
        await asyncio.sleep(5)
        assert agent.asked == []
        await world.pausing.end("anna")
        await all_is_answered(world)
    assert agent.asked == ["one"]


async def test_no_more_answers_are_written_at_once_than_allowed(
    world: World, agent: ScriptedAgent
) -> None:
    world.most = 3
    world.wire()
    agent.otherwise = Play(pace=1.0)
    async with running(world):
        for number in range(10):
            await world.hear("talk", chat=f"chat{number}")
        await all_is_answered(world)
    assert len(agent.asked) == 10
    assert agent.most_streams == 3


async def test_a_turn_that_waits_for_its_operator_takes_no_place_from_others(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    world.most = 1
    world.wire()
    agent.play(Play(refuse=Unauthorised("the token is wrong")))
    async with running(world):
        await world.hear("mine", chat="a")
        await asyncio.sleep(1)
        await world.hear("yours", chat="b")
        await asyncio.sleep(5)
        assert adapter.shown("b") == ["You said: yours"]
        await all_is_answered(world)
    assert adapter.shown("a") == ["You said: mine"]


async def test_stop_and_help_get_through_while_every_slot_is_taken(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    world.most = 1
    world.wire()
    agent.play(Play(text="one", pace=5, endless=True))
    async with running(world):
        await world.hear("talk")
        await asyncio.sleep(8)
        await world.hear("/help")
        await asyncio.sleep(3)
        assert [text[:10] for text in adapter.shown()] == ["one", "Just write"]
        await world.hear("/stop")
        await all_is_answered(world)
    assert [text.splitlines()[-1] for text in adapter.shown()] == [
        "*(stopped)*",
        "- /start – the greeting",
    ]


async def test_what_is_woken_while_it_drains_is_drained_again(world: World) -> None:
    drain = ListDrain()
    engine = listed(world, drain)
    stop = asyncio.Event()
    drain.work["lane"] = ["first"]
    engine.wake("lane")
    task = asyncio.create_task(engine.run(stop, 20))
    await asyncio.sleep(1.25)  # the list is empty and the drain about to return
    drain.work["lane"] = ["second"]
    engine.wake("lane")
    await asyncio.sleep(5)
    stop.set()
    await task
    assert drain.done == ["first", "second"]


@pytest.mark.parametrize("seed", range(20))
async def test_no_wake_is_ever_lost(world: World, seed: int) -> None:
    dice = random.Random(seed)
    drain = ListDrain(seconds=0.01)
    engine = listed(world, drain)
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run(stop, 20))
    put = []
    for number in range(300):
        lane = f"lane{dice.randrange(4)}"
        drain.work.setdefault(lane, []).append(f"{lane}:{number}")
        put.append(f"{lane}:{number}")
        engine.wake(lane)
        if dice.random() < 0.05:
            drain.errors.append(Unreachable("database: locked"))
        await asyncio.sleep(dice.choice([0, 0, 0.005, 0.01, 0.03]))
    await asyncio.sleep(1000)
    stop.set()
    await task
    assert sorted(drain.done) == sorted(put)
    for lane in drain.work:
        assert [x for x in drain.done if x.startswith(lane)] == [
            x for x in put if x.startswith(lane)
        ]


async def test_what_an_earlier_process_left_is_taken_up_at_the_start(
    world: World, agent: ScriptedAgent
) -> None:
    for chat in ("a", "b"):
        await world.hear("hello", chat=chat)
    async with running(world.wire()):
        await all_is_answered(world)
    assert sorted(agent.asked) == ["hello", "hello"]


async def test_what_is_woken_before_the_start_is_remembered(world: World) -> None:
    drain = ListDrain()
    engine = listed(world, drain)
    drain.work["early"] = ["x"]
    engine.wake("early")
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run(stop, 20))
    await asyncio.sleep(5)
    stop.set()
    await task
    assert drain.done == ["x"]


async def test_a_graceful_stop_lets_running_answers_finish_and_begins_no_other(
    world: World, agent: ScriptedAgent
) -> None:
    agent.otherwise = Play(text="a b c", pace=2)
    async with running(world, grace=20):
        await world.hear("one")
        await world.hear("two")
        await asyncio.sleep(3)
    assert world.adapter.shown() == ["a b c"]
    assert agent.asked == ["one"]
    assert await world.ledger.open_lanes() == [LANE]


async def test_what_outlasts_the_grace_is_cut_and_taken_up_by_the_next_process(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c d", pace=10))
    async with running(world, grace=5):
        await world.hear("one")
        await asyncio.sleep(12)
    assert world.clock.monotonic() == pytest.approx(17, abs=1)
    async with running(world.wire()):
        await all_is_answered(world)
    assert world.adapter.shown() == ["a b c d"]
    assert len(agent.attempts) == 1


@pytest.mark.parametrize("error", [Unauthorised("bad token"), RateLimited("4020", retry_after=500)])
async def test_a_stop_does_not_wait_for_a_turn_that_only_waits(
    world: World, agent: ScriptedAgent, error: Unauthorised | RateLimited
) -> None:
    agent.otherwise = Play(refuse=error)
    async with running(world, grace=20):
        await world.hear("one")
        await asyncio.sleep(5)
    assert world.clock.monotonic() < 7
    assert await world.ledger.open_lanes() == [LANE]


async def test_a_stop_does_not_wait_for_a_database_that_is_away(world: World) -> None:
    async with running(world, grace=20):
        await world.hear("one")
        world.store.broken = Unreachable("database: away")
        await asyncio.sleep(100)
        began = world.clock.monotonic()
    assert world.clock.monotonic() - began < 1


async def test_what_is_cut_while_the_database_is_away_is_cut_at_once(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c d", pace=10))
    async with running(world, grace=5):
        await world.hear("one")
        await asyncio.sleep(12)
        world.store.broken = Unreachable("database: away")
        began = world.clock.monotonic()
    assert world.clock.monotonic() - began == pytest.approx(5, abs=0.1)
    world.store.broken = None
    async with running(world.wire()):
        await all_is_answered(world)
    assert world.adapter.shown() == ["a b c d"]
    assert len(agent.attempts) == 1


class Deaf(PatientStore):
    """A database that from some moment on takes a job and never answers."""

    deaf = False

    async def write(self, job: Any, *, order: str | None = None) -> Any:
        if self.deaf:
            await asyncio.Event().wait()
        return await super().write(job)


async def test_what_is_cut_does_not_wait_for_a_database_that_never_answers(
    store: PatientStore, clock: Clock
) -> None:
    database = Deaf(store)
    world = World(database, clock)
    world.agent.play(Play(text="a b c d", pace=10))
    async with running(world, grace=5):
        await world.hear("one")
        await asyncio.sleep(12)
        database.deaf = True
        began = clock.monotonic()
    assert clock.monotonic() - began < 5 + LAST_WORDS + 0.1


async def test_a_database_that_is_away_for_a_moment_delays_and_loses_nothing(
    world: World, agent: ScriptedAgent
) -> None:
    async with running(world):
        await world.hear("one")
        world.store.broken = Unreachable("database: away")
        await asyncio.sleep(60)
        assert agent.asked == []
        world.store.broken = None
        await all_is_answered(world)
    assert world.adapter.shown() == ["You said: one"]


@pytest.mark.parametrize("writes", range(1, 9))
async def test_a_database_that_fails_once_anywhere_changes_nothing_for_the_user(
    world: World, agent: ScriptedAgent, writes: int
) -> None:
    async with running(world):
        await world.hear("one")
        world.store.failing = [*[None] * writes, Unreachable("database: locked")]
        await all_is_answered(world)
    assert world.adapter.shown() == ["You said: one"]
    assert agent.asked == ["one"]


async def test_an_engine_that_was_overtaken_ends(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(text="a b", pace=10))
    world.inbox = world.inbox_with(world.engine.wake)
    task = asyncio.create_task(world.engine.run(asyncio.Event(), 20))
    await world.hear("hello")
    await asyncio.sleep(5)
    await world.ledger.take_over(LANE)
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert caught.group_contains(Fenced)


async def test_an_express_lane_is_kept_in_the_ledger_as_well(world: World) -> None:
    await world.hear("/help")
    assert await world.ledger.open_lanes() == [express(LANE)]
    async with running(world.wire()):
        await all_is_answered(world)
    assert world.adapter.shown()[0].startswith("Just write")
