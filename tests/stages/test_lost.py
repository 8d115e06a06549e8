"""A post of which nobody heard, on a platform that only tells whose a message is."""

import asyncio

import pytest

from bridge.adapter import Around, Turnstile
from bridge.errors import BridgeError, Permanent, RateLimited, Unreachable
from bridge.events import Inbound
from bridge.lanes import express
from bridge.screen.lost import WITHIN
from bridge.store.turns import Turn
from bridge.testing.adapter import Call, FakeAdapter
from tests.stages.screens import LANE, answered, growing, screen_of, show, whole
from tests.stages.world import Killed, World


class ProbingAdapter(FakeAdapter):
    """Finds the newest message of ours in the chat that nobody knows."""

    def __init__(self, world: World) -> None:
        super().__init__(clock=world.clock.monotonic)
        self.searches: list[Around] = []
        self.waiting = asyncio.Event()
        self.waiting.set()

    async def search(
        self, event: Inbound, around: Around, turnstile: Turnstile, *, by: float
    ) -> str | None:
        assert by <= asyncio.get_running_loop().time()
        self.searches.append(around)
        await self.waiting.wait()
        async with turnstile():
            call = Call("search", self._clock(), event.chat)
            await self._happen(call, lambda: None)
        ours = [each.id for each in self.pages(event.chat.chat)]
        unknown = [each for each in ours if (event.chat.chat, each) not in around.posted]
        return unknown[-1] if unknown else None


@pytest.fixture
def probing(world: World) -> ProbingAdapter:
    adapter = ProbingAdapter(world)
    world.adapter = adapter
    world.wire()
    return adapter


async def killed_after_a_post(world: World) -> None:
    """The first words were posted, and the process died before it could store their id."""
    turn, screen = await screen_of(world)
    world.store.failing = [Killed()]
    with pytest.raises(Killed):
        await show(screen, growing("a"))
    await answered(world, turn, whole("a b"))


async def another(world: World) -> Turn:
    """Somebody asks there for something that does not wait for the answer."""
    await world.hear("/help")
    return await world.take(express(LANE))


async def taken_up(world: World) -> None:
    again = await world.wire().take(LANE)
    await (await world.outbox.screen(again)).settle()


async def test_post_that_a_crash_hid_becomes_the_answer(
    world: World, probing: ProbingAdapter
) -> None:
    await killed_after_a_post(world)
    await taken_up(world)
    assert probing.shown() == ["a b"]
    assert len(probing.did("send")) == 1


async def test_what_is_not_there_is_posted(world: World, probing: ProbingAdapter) -> None:
    await killed_after_a_post(world)
    probing.messages.clear()
    await taken_up(world)
    assert probing.shown() == ["a b"]
    assert len(probing.did("send")) == 2


async def test_first_run_searches_nothing(world: World, probing: ProbingAdapter) -> None:
    await world.chat("hello")
    assert probing.searches == []


async def test_nothing_is_believed_while_something_else_is_answered_there(
    world: World, probing: ProbingAdapter
) -> None:
    await killed_after_a_post(world)
    await another(world)
    await taken_up(world)
    assert probing.searches == []
    assert probing.shown() == ["a", "a b"]


async def test_what_somebody_else_posted_meanwhile_is_not_taken_for_ours(
    world: World, probing: ProbingAdapter
) -> None:
    await killed_after_a_post(world)
    probing.waiting.clear()
    taking = asyncio.create_task(taken_up(world))
    while not probing.searches:
        await asyncio.sleep(0.1)
    probing.messages.clear()
    other = await another(world)
    [help_page] = whole("help")
    posted = await probing.send(other.event.chat, help_page, key="other")
    await answered(world, other, [help_page])
    await world.pages.posted(other, 0, posted.id)
    probing.waiting.set()
    await taking
    assert probing.shown() == ["help", "a b"]


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("too many", retry_after=60),
        Permanent("never heard of it"),
        Unreachable("half an answer", happened=True),
    ],
)
async def test_who_is_not_told_posts_anew_and_at_once(
    world: World, probing: ProbingAdapter, error: BridgeError
) -> None:
    await killed_after_a_post(world)
    probing.fail(error, verb="search")
    began = world.clock.monotonic()
    await taken_up(world)
    assert probing.shown() == ["a", "a b"]
    assert world.clock.monotonic() - began < 5


async def test_outage_delays_the_search_as_it_would_the_post(
    world: World, probing: ProbingAdapter
) -> None:
    await killed_after_a_post(world)
    probing.fail(Unreachable("down"), Unreachable("down"), verb="search")
    await taken_up(world)
    assert probing.shown() == ["a b"]


async def test_search_takes_no_longer_than_is_worth_it(
    world: World, probing: ProbingAdapter
) -> None:
    await killed_after_a_post(world)
    probing.hold("search")
    began = world.clock.monotonic()
    await taken_up(world)
    assert probing.shown() == ["a", "a b"]
    assert world.clock.monotonic() - began < WITHIN + 5
