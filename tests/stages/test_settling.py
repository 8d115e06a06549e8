"""What was stored is made to stand: repeated as long as it takes, also after a crash."""

import asyncio
from itertools import pairwise

import pytest

from bridge.errors import (
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Unauthorised,
    Unreachable,
)
from bridge.events import Button, Page
from bridge.flow.together import LONGEST, MOST
from bridge.screen import Screen
from bridge.store.outbox import PageState
from bridge.testing.adapter import BareAdapter, FakeAdapter
from tests.stages.screens import (
    LANE,
    answered,
    growing,
    screen_of,
    settle,
    show,
    states,
    whole,
)
from tests.stages.world import World

# Settling


async def test_what_is_stored_lets_the_next_answer_be_read_to_its_end(world: World) -> None:
    turn, screen = await screen_of(world)
    crowd = [screen, *[await world.outbox.screen(turn) for _ in range(MOST)]]
    first, *others = [asyncio.create_task(each.lull(asyncio.sleep(0))) for each in crowd]
    await asyncio.wait([first, *others[:-1]])
    began = world.clock.monotonic()
    await screen.settle()
    await others[-1]
    assert world.clock.monotonic() - began < LONGEST / 2


async def test_who_stands_gives_way_to_those_who_are_read_to_their_end(world: World) -> None:
    turn, screen = await screen_of(world)
    crowd = [await world.outbox.screen(turn) for _ in range(MOST + 1)]
    done = []

    async def ending(each: Screen) -> None:
        await each.lull(asyncio.sleep(0))
        done.append("read")

    async def standing() -> None:
        await screen.settle()
        done.append("stands")

    others = [asyncio.create_task(ending(each)) for each in crowd]
    await asyncio.wait(others[:-1])
    await asyncio.gather(standing(), *others)
    assert done == ["read"] * (MOST + 1) + ["stands"]


async def test_what_stands_already_costs_no_call(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("one.", "two"))
    await show(screen, growing("one.", "two"))
    await answered(world, turn, whole("one.", "two"))
    before = len(adapter.calls)
    await settle(world, turn, screen)
    assert [call.message for call in adapter.calls[before:]] == ["2"]
    assert await states(world, turn) == [PageState.SETTLED, PageState.SETTLED]


async def test_a_plain_page_that_stands_costs_no_call_either(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    adapter.fail(Rejected("can't parse"), verb="send")
    await show(screen, growing("*one.", "two"))
    await show(screen, growing("*one.", "two"))
    await show(screen, growing("*one.", "two"))
    await answered(world, turn, whole("*one.", "two"))
    before = len(adapter.calls)
    await screen.settle()
    assert [call.text for call in adapter.calls[before:]] == ["two"]


@pytest.mark.parametrize("seconds", [3, 45, 4000])
async def test_the_final_edit_lands_whatever_retry_after_says(
    world: World, adapter: FakeAdapter, seconds: float
) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("a"))
    await answered(world, turn, whole("a b"))
    adapter.fail(*[RateLimited("slow", retry_after=seconds)] * 3)
    await screen.settle()
    assert adapter.shown() == ["a b"]
    waits = [b.at - a.at for a, b in pairwise(adapter.did("edit"))]
    assert waits == pytest.approx([seconds] * 3, abs=0.01)


async def test_a_refusal_without_a_time_is_waited_out_too(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    adapter.fail(RateLimited("slow"))
    await screen.settle()
    assert adapter.shown() == ["a"]
    assert adapter.calls[1].at - adapter.calls[0].at >= 1


async def test_a_platform_that_is_away_for_an_hour_gets_the_answer_then(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    adapter.fail(*[Unreachable("down")] * 120)
    await screen.settle()
    assert adapter.shown() == ["a"]
    assert 1800 < world.clock.monotonic() < 3700


async def test_refused_markup_is_sent_plain_once(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("*a"))
    adapter.fail(Rejected("can't parse"))
    await screen.settle()
    assert [(m.page.text, m.page.plain) for m in adapter.pages()] == [("*a", True)]
    assert len(adapter.calls) == 2


async def test_a_new_message_that_is_refused_even_plain_is_given_up(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a", "b"))
    adapter.fail(Rejected("no"), Rejected("no"))
    await settle(world, turn, screen)
    assert adapter.shown() == ["b"]
    assert await states(world, turn) == [PageState.DEAD, PageState.SETTLED]


@pytest.mark.parametrize("error", [Rejected("no"), Permanent("message can't be edited")])
async def test_an_edit_that_is_refused_becomes_a_new_message(
    world: World, adapter: FakeAdapter, error: Permanent
) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("a"))
    await answered(world, turn, whole("a b"))
    adapter.fail(error, error, verb="edit")
    await settle(world, turn, screen)
    assert adapter.shown()[-1] == "a b"
    assert await states(world, turn) == [PageState.SETTLED]


async def test_a_message_deleted_before_the_end_is_posted_anew(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("a"))
    adapter.delete("1")
    await answered(world, turn, whole("a b"))
    await screen.settle()
    assert adapter.shown() == ["a b"]


async def test_a_chat_that_is_gone_ends_the_settling(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    adapter.blocked.add("room")
    with pytest.raises(Gone):
        await screen.settle()
    assert await states(world, turn) == [PageState.DEAD]


async def test_a_refused_key_leaves_the_page_open(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    adapter.fail(Unauthorised("bad token"))
    with pytest.raises(Unauthorised):
        await screen.settle()
    await (await world.outbox.screen(await world.take(LANE))).settle()
    assert adapter.shown() == ["a"]


async def test_pages_too_many_are_taken_back(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("one.", "two.", "three"))
    await show(screen, growing("one.", "two.", "three"))
    await show(screen, growing("one.", "two.", "three"))
    assert len(adapter.shown()) == 3
    await answered(world, turn, whole("one. two."))
    await settle(world, turn, screen)
    assert adapter.shown() == ["one. two."]
    assert await states(world, turn) == [PageState.SETTLED] * 3


async def test_a_page_too_many_is_taken_back_even_after_a_rate_limit(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    for _ in range(2):
        await show(screen, growing("one.", "two"))
    await answered(world, turn, whole("one."))
    adapter.fail(RateLimited("slow", retry_after=9), Unreachable("down"), verb="retract")
    await screen.settle()
    assert adapter.shown() == ["one."]


async def test_where_nothing_can_be_taken_back_a_dot_remains(world: World) -> None:
    bare = BareAdapter(clock=world.clock.monotonic)
    world.adapter = bare
    world.wire()
    turn, screen = await screen_of(world)
    for _ in range(2):
        await show(screen, growing("one.", "two"))
    await answered(world, turn, whole("one."))
    await screen.settle()
    assert bare.shown() == ["one.", "·"]


async def test_what_an_earlier_end_of_the_turn_wanted_is_taken_back_too(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("one", "two", "three"))
    adapter.fail(ZeroDivisionError("a bug"), when=lambda call: call.text == "three")
    with pytest.raises(ZeroDivisionError):
        await screen.settle()
    assert adapter.shown() == ["one", "two"]
    await answered(world, turn, whole("Sorry."))
    await (await world.outbox.screen(await world.take(LANE))).settle()
    assert adapter.shown() == ["Sorry."]


async def test_buttons_come_with_the_final_edit(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("a"))
    await answered(world, turn, [Page("a", final=True, buttons=(Button("x", "y"),))])
    await screen.settle()
    assert adapter.pages()[0].page.buttons == (Button("x", "y"),)


async def test_a_database_that_is_away_for_a_moment_costs_no_second_message(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    world.store.failing = [None, Unreachable("locked"), Unreachable("locked")]
    await settle(world, turn, screen)
    assert adapter.shown() == ["a"]
    assert await states(world, turn) == [PageState.SETTLED]


# After a crash


@pytest.mark.parametrize("crash", ["send", "edit"])
async def test_settling_goes_on_where_the_last_process_died(
    world: World, adapter: FakeAdapter, crash: str
) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("one"))
    await answered(world, turn, whole("one.", "two", "three"))
    adapter.fail(ZeroDivisionError("the process dies"), verb=crash)
    with pytest.raises(ZeroDivisionError):
        await screen.settle()
    for _ in range(2):
        await (await world.wire().outbox.screen(await world.take(LANE))).settle()
    assert adapter.shown() == ["one.", "two", "three"]


@pytest.mark.parametrize("writes", range(1, 8))
async def test_wherever_the_database_stopped_nothing_but_an_unnoticed_post_is_repeated(
    world: World, adapter: FakeAdapter, writes: int
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("one", "two"))
    world.store.failing = [*[None] * (writes - 1), ZeroDivisionError("the process dies")]
    try:
        await settle(world, turn, screen)
    except ZeroDivisionError:
        world.store.failing.clear()
        turn = await world.take(LANE)
        await settle(world, turn, await world.wire().outbox.screen(turn))
    unnoticed = {2: ["one", "one", "two"], 5: ["one", "two", "two"]}
    assert adapter.shown() == unnoticed.get(writes, ["one", "two"])
    assert await states(world, turn) == [PageState.SETTLED] * 2


async def test_a_repeated_post_has_the_same_key(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("one", "two"))
    adapter.fail(Unreachable("down"), Unreachable("down"))
    await screen.settle()
    keys = [call.key for call in adapter.did("send")]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]
