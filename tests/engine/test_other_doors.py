"""Work of which nobody told the engine: an operator has let turns run again."""

import asyncio

from bridge.engine.embedded import LOOK_EVERY
from bridge.errors import Permanent, Unreachable
from bridge.store.again import requeue
from bridge.store.overview import unanswered
from bridge.testing.agent import Play, ScriptedAgent
from tests.engine.test_embedded import all_is_answered, running
from tests.stages.world import World


async def test_a_requeued_turn_is_answered_by_the_process_that_runs(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=Permanent("not published")))
    async with running(world):
        await world.hear("hello")
        await all_is_answered(world)
        [dead] = await world.store.read(unanswered())
        before = world.adapter.shown()
        await world.store.write(requeue([dead.id]))
        await asyncio.sleep(LOOK_EVERY + 1)
        await all_is_answered(world)
        shown = world.adapter.shown()
    assert shown[: len(before)] == before  # the apology stays, the answer comes after it
    assert len(shown) == len(before) + 1
    assert agent.asked == ["hello"]
    assert await world.store.read(unanswered()) == []


async def test_a_requeued_turn_is_found_once_the_database_is_back(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(refuse=Permanent("not published")))
    async with running(world):
        await world.hear("hello")
        await all_is_answered(world)
        [dead] = await world.store.read(unanswered())
        await world.store.write(requeue([dead.id]))
        world.store.broken = Unreachable("database: away")
        await asyncio.sleep(5 * LOOK_EVERY)
        assert agent.asked == []
        world.store.broken = None
        await asyncio.sleep(LOOK_EVERY + 1)
        await all_is_answered(world)
    assert agent.asked == ["hello"]


async def test_looking_takes_no_lane_from_whoever_works_on_it(
    world: World, agent: ScriptedAgent
) -> None:
    agent.otherwise = Play(text="a b c d", pace=LOOK_EVERY)
    async with running(world):
        await world.hear("one")
        await world.hear("two")
        await all_is_answered(world)
    assert agent.asked == ["one", "two"]
    assert world.adapter.shown() == ["a b c d", "a b c d"]
