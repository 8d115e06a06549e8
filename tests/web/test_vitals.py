"""What the process feels of itself, and when it is not worth keeping."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bridge.errors import Unreachable
from bridge.health import Health
from bridge.published import Published
from bridge.testing.clock import Clock
from bridge.vitals import SAMPLE_EVERY, STALL, Vitals
from tests.stages.world import ACCOUNT, World
from tests.web.test_health import Silent


@pytest.fixture
async def health(world: World) -> Health:
    agents = {"default": world.agent}
    return Health(world.store, agents, {"fake": world.adapter}, Published(agents))


@pytest.fixture
async def vitals(world: World, health: Health) -> Vitals:
    return Vitals(world.store, health, [ACCOUNT], world.clock.now)


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"coze_bridge_{name}", labels)


async def test_what_is_open_is_counted_with_its_age(
    world: World, vitals: Vitals, clock: Clock
) -> None:
    await world.hear("one")
    clock.advance(30)
    await world.hear("two", chat="elsewhere")
    await vitals.sample()
    assert value("turns_open") == 2
    assert value("turns_oldest_seconds") == pytest.approx(30, abs=0.1)
    assert str(vitals) == "2 open turns; in trouble: coze.default"


async def test_what_was_answered_waits_no_more(world: World, vitals: Vitals) -> None:
    await world.chat("how are you")
    await vitals.sample()
    assert (value("turns_open"), value("turns_oldest_seconds")) == (0, 0)


async def test_accounts_that_are_not_ours_are_not_counted(world: World, health: Health) -> None:
    await world.hear("one")
    await Vitals(world.store, health, ["other"], world.clock.now).sample()
    assert value("turns_open") == 0


async def test_every_part_tells_whether_it_is_up(
    world: World, vitals: Vitals, health: Health
) -> None:
    await health.ask_agents()
    world.adapter.in_trouble = "socket closed"
    await vitals.sample()
    up = {part: value("up", part=part) for part in health.parts}
    assert up == {"process": 1, "database": 1, "adapters.fake": 0, "coze.default": 1}
    world.adapter.in_trouble = None
    world.store.broken = Unreachable("database: locked")
    await vitals.sample()
    up = {part: value("up", part=part) for part in health.parts}
    assert up == {"process": 1, "database": 0, "adapters.fake": 1, "coze.default": 1}


async def test_the_lag_of_the_loop_is_felt(vitals: Vitals, clock: Clock) -> None:
    before = value("loop_lag_seconds_sum") or 0
    running = asyncio.create_task(vitals.run())
    await asyncio.sleep(0.1)
    clock.advance(7)  # as if somebody had held the loop
    await asyncio.sleep(0.5)
    running.cancel()
    # The tick that came too late was due within half a second.
    assert (value("loop_lag_seconds_sum") or 0) - before == pytest.approx(6.8, abs=0.35)


async def lived(vitals: Vitals, seconds: float) -> bool:
    running = asyncio.create_task(vitals.run())
    await asyncio.sleep(seconds)
    good = vitals.are_good
    running.cancel()
    await asyncio.wait([running])
    return good


async def test_a_process_at_work_is_good(vitals: Vitals) -> None:
    assert vitals.are_good
    assert await lived(vitals, 3 * STALL)


async def test_a_database_that_is_away_is_no_reason_to_begin_anew(
    world: World, vitals: Vitals
) -> None:
    world.store.broken = Unreachable("database: away")
    assert await lived(vitals, 3 * STALL)


class Mute(Silent):
    """A database that does not even say that it is away."""

    async def read(self, job: Any) -> Any:
        await asyncio.Event().wait()


async def test_a_database_that_says_nothing_at_all_is_one(world: World, health: Health) -> None:
    def vitals() -> Vitals:
        return Vitals(Mute(world.store), health, [ACCOUNT], world.clock.now)

    assert await lived(vitals(), STALL - SAMPLE_EVERY)
    assert not await lived(vitals(), STALL + SAMPLE_EVERY)
