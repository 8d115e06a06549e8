"""Whether the bridge does its work, and if not, what stands in the way."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import Permanent, Unauthorised, Unreachable
from bridge.health import PATIENCE, Health
from bridge.published import Published
from bridge.store.tables import heartbeat
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import ScriptedAgent
from bridge.testing.clock import Clock
from tests.stages.world import PatientStore, World


@pytest.fixture
async def health(world: World) -> Health:
    adapter = world.adapter
    assert isinstance(adapter, FakeAdapter)
    agents = {"default": world.agent}
    return Health(world.store, agents, {"fake": adapter}, Published(agents))


class Silent(PatientStore):
    """A database that takes a job and never answers."""

    async def write(self, job: Any, *, order: str | None = None) -> Any:
        await asyncio.Event().wait()


async def test_nothing_is_ready_before_the_agent_was_seen_to_work(
    health: Health, clock: Clock
) -> None:
    assert await health.troubles(clock.now()) == {"coze.default": "not asked yet"}
    await health.ask_agents()
    assert await health.troubles(clock.now()) == {}


async def test_being_well_is_proven_by_a_write(
    health: Health, store: PatientStore, clock: Clock
) -> None:
    now = clock.now()
    await health.troubles(now)
    [row] = await store.read(lambda c: c.execute(heartbeat.select()).all())
    assert row.at == now


@pytest.mark.parametrize(
    "error", [Unauthorised("bad token"), Permanent("no such bot"), Unreachable("down")]
)
async def test_an_agent_in_trouble_is_named_until_it_is_well(
    health: Health, agent: ScriptedAgent, clock: Clock, error: Permanent | Unreachable
) -> None:
    agent.fail("check", error)
    await health.ask_agents()
    assert await health.troubles(clock.now()) == {"coze.default": str(error)}
    await health.ask_agents()
    assert await health.troubles(clock.now()) == {}


async def test_trouble_is_a_warning_in_the_log_and_its_end_is_not(
    health: Health, agent: ScriptedAgent
) -> None:
    agent.fail("check", Unauthorised("bad token"))
    with capture_logs() as told:
        await health.ask_agents()
        await health.ask_agents()
        health.report("process", "shutting down")
    assert [(it["part"], it["trouble"], it["log_level"]) for it in told] == [
        ("coze.default", "bad token", "warning"),
        ("coze.default", None, "info"),
        ("process", "shutting down", "info"),
    ]


async def test_every_trouble_is_named_at_once(health: Health, world: World) -> None:
    world.store.broken = Unreachable("database: locked")
    world.adapter.in_trouble = "no getUpdates for 90 s"
    health.report("process", "shutting down")
    assert await health.troubles(world.clock.now()) == {
        "coze.default": "not asked yet",
        "process": "shutting down",
        "database": "database: locked",
        "adapters.fake": "no getUpdates for 90 s",
    }


async def test_a_part_that_is_well_again_is_forgotten(health: Health, clock: Clock) -> None:
    await health.ask_agents()
    health.report("adapters.fake", "down")
    health.report("adapters.fake", None)
    health.report("adapters.fake", None)
    assert await health.troubles(clock.now()) == {}


async def test_a_database_that_does_not_answer_is_named_in_time_with_the_rest(
    world: World, clock: Clock
) -> None:
    agents = {"default": world.agent}
    health = Health(Silent(world.store), agents, {}, Published(agents))
    assert await health.troubles(clock.now()) == {
        "coze.default": "not asked yet",
        "database": "no answer for 4 s",
    }
    assert clock.monotonic() == pytest.approx(PATIENCE, abs=0.1)


class Stubborn(Silent):
    """A database that even lets whoever gives up wait, as PostgreSQL's driver does."""

    async def write(self, job: Any, *, order: str | None = None) -> Any:
        try:
            return await super().write(job, order=order)
        finally:
            await asyncio.sleep(10.0)


async def test_nobody_waits_until_a_database_has_given_up(world: World, clock: Clock) -> None:
    agents = {"default": world.agent}
    health = Health(Stubborn(world.store), agents, {}, Published(agents))
    for calls in (1, 2):
        assert (await health.troubles(clock.now()))["database"] == "no answer for 4 s"
        assert clock.monotonic() == pytest.approx(calls * PATIENCE, abs=0.1)


async def test_a_damaged_database_is_a_trouble_like_any_other(health: Health, world: World) -> None:
    world.store.broken = Permanent("database: file is not a database")
    await health.ask_agents()
    assert await health.troubles(world.clock.now()) == {
        "database": "database: file is not a database"
    }
