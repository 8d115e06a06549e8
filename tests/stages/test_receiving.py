"""A receiver that has gone deaf is begun anew; one that cannot be is a reason to end."""

import asyncio

import pytest

from bridge.adapter import Sink
from bridge.health import Health
from bridge.published import Published
from bridge.receiving import DEAF, LET_GO, LISTEN_EVERY, Receiving
from bridge.testing.adapter import BareAdapter
from bridge.testing.clock import Clock
from tests.stages.world import World


class Poller(BareAdapter):
    """A platform that is asked for messages. deaf_runs: so many hear nothing, and say so."""

    listens = True

    def __init__(self, *, deaf_runs: int) -> None:
        super().__init__()
        self.runs = 0
        self.task: asyncio.Task[None] | None = None
        self.stubborn = False
        self._deaf_runs = deaf_runs

    async def run(self, sink: Sink) -> None:
        self.runs += 1
        self.in_trouble = "no poll has returned" if self.runs <= self._deaf_runs else None
        self.task = asyncio.current_task()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise


class Called(Poller):
    """A platform that calls us."""

    listens = False


class Room:
    """A world with one account, and what receives for it."""

    def __init__(self, world: World, adapter: Poller) -> None:
        agents = {"default": world.agent}
        self.health = Health(world.store, agents, {"fake": adapter}, Published(agents))
        self.adapter = adapter
        self.receiving = Receiving(world.inbox, self.health, None)

    async def receive(self, seconds: float) -> None:
        """Receive for so long, as the process would."""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.receiving.run("fake", self.adapter), seconds)


async def test_a_deaf_receiver_is_begun_anew(world: World) -> None:
    room = Room(world, Poller(deaf_runs=2))
    await room.receive(DEAF / 2)
    assert room.adapter.runs == 1
    await room.receive(3 * DEAF)
    assert room.adapter.runs == 3
    assert "adapters.fake" not in room.health.standing()


async def test_one_that_hears_is_left_alone(world: World) -> None:
    room = Room(world, Poller(deaf_runs=0))
    await room.receive(10 * DEAF)
    assert room.adapter.runs == 1


async def test_trouble_that_passes_is_no_deafness(world: World, clock: Clock) -> None:
    room = Room(world, Poller(deaf_runs=1))
    receiving = asyncio.create_task(room.receive(4 * DEAF))
    for _ in range(3):
        await clock.sleep(DEAF - 2 * LISTEN_EVERY)
        room.adapter.in_trouble = None
        await clock.sleep(2 * LISTEN_EVERY)
        room.adapter.in_trouble = "no poll has returned"
    room.adapter.in_trouble = None
    await receiving
    assert room.adapter.runs == 1


async def test_trouble_of_a_platform_that_calls_us_is_not_ours_to_mend(world: World) -> None:
    room = Room(world, Called(deaf_runs=1))
    await room.receive(10 * DEAF)
    assert room.adapter.runs == 1
    assert room.health.standing()["adapters.fake"] == "no poll has returned"


async def test_one_that_cannot_be_ended_ends_the_process(world: World, clock: Clock) -> None:
    room = Room(world, Poller(deaf_runs=1))
    room.adapter.stubborn = True
    with pytest.raises(RuntimeError, match="does not end"):
        await room.receiving.run("fake", room.adapter)
    assert clock.monotonic() == pytest.approx(DEAF + LET_GO, abs=2 * LISTEN_EVERY)
    assert room.adapter.task
    assert not room.adapter.task.done()
    room.adapter.stubborn = False
