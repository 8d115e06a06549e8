"""From pages to messages while an answer grows: paced, and never twice."""

import asyncio
import math
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise

import pytest

from bridge.errors import (
    Gone,
    RateLimited,
    Rejected,
    Unauthorised,
    Unreachable,
)
from bridge.events import Page
from bridge.line import Line
from bridge.outbox import Outbox
from bridge.screen import TYPING_AFTER
from bridge.store.fence import Fenced
from bridge.store.outbox import PageState
from bridge.testing.adapter import ROOMY, BareAdapter, FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
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

# While it streams


async def test_the_first_snapshot_is_posted_and_the_next_edit_it(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    for text in ("a", "a b", "a b c"):
        await show(screen, growing(text))
    assert [call.verb for call in adapter.calls] == ["send", "edit", "edit"]
    assert adapter.shown() == ["a b c"]


async def test_neither_typing_nor_a_snapshot_without_text_delays_the_first_word(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    await world.outbox.show_typing(turn.event.chat)
    await show(screen, [])
    await show(screen, growing("a"))
    await show(screen, growing("a b"))
    assert [call.verb for call in adapter.calls] == ["typing", "send", "edit"]
    typed, posted, edited = (call.at for call in adapter.calls)
    assert posted == pytest.approx(typed, abs=0.01)
    assert edited - posted == pytest.approx(ROOMY.edit_interval, abs=0.01)


async def test_text_that_did_not_change_is_not_sent(world: World, adapter: FakeAdapter) -> None:
    _, screen = await screen_of(world)
    await show(screen, growing("a"))
    await show(screen, growing("a"))
    assert len(adapter.calls) == 1


async def test_edits_keep_the_pace_of_their_chat(world: World, adapter: FakeAdapter) -> None:
    _, screen = await screen_of(world)
    for number in range(6):
        await show(screen, growing(f"text {number}"))
    assert min(b.at - a.at for a, b in pairwise(adapter.calls[1:])) >= 0.999


async def test_people_of_one_chat_share_its_pace_and_other_chats_do_not(
    world: World, adapter: FakeAdapter
) -> None:
    here = await world.taken("one", chat="here")
    there = await world.taken("two", chat="there")
    first, second, other = [await world.outbox.screen(turn) for turn in (here, here, there)]
    await show(first, growing("a"))
    await show(second, growing("b"))
    assert await second.claim() > 0
    assert await other.claim() == 0


async def test_an_urgent_snapshot_runs_ahead_of_the_pace(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    await show(screen, growing("a"))
    await screen.show(lambda: growing("a b"))
    assert adapter.shown() == ["a b"]


async def test_an_urgent_snapshot_does_not_run_ahead_of_a_retry_after(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    await show(screen, growing("a"))
    adapter.fail(RateLimited("slow", retry_after=30))
    await show(screen, growing("a b"))
    await screen.show(lambda: growing("a b c"))
    assert len(adapter.did("edit")) == 1


async def test_a_retry_after_holds_its_chat_alone(world: World, adapter: FakeAdapter) -> None:
    _, screen = await screen_of(world)
    adapter.fail(RateLimited("slow", retry_after=17))
    await show(screen, growing("a"))
    assert await screen.claim() == pytest.approx(17, abs=0.1)
    elsewhere = await world.outbox.screen(await world.taken("hi", chat="elsewhere"))
    assert await elsewhere.claim() == 0


async def test_a_post_that_may_have_happened_is_not_repeated_for_a_preview(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    adapter.fail(Unreachable("timeout", happened=True), verb="send")
    await show(screen, growing("a"))
    assert await screen.claim() > 600
    await screen.show(lambda: growing("a b"))
    assert len(adapter.calls) == 1
    await answered(world, turn, whole("a b c"))
    await screen.settle()
    assert adapter.shown() == ["a b c"]


async def test_a_preview_that_certainly_failed_is_simply_tried_again(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    adapter.fail(Unreachable("refused"), verb="send")
    await show(screen, growing("a"))
    await show(screen, growing("a b"))
    assert adapter.shown() == ["a b"]


async def test_refused_markup_goes_on_plain(world: World, adapter: FakeAdapter) -> None:
    turn, screen = await screen_of(world)
    adapter.fail(Rejected("can't parse"), verb="send")
    await show(screen, growing("*a"))
    await show(screen, growing("*a b"))
    assert [message.page.plain for message in adapter.pages()] == [True]
    await answered(world, turn, [Page("*a b", final=True)])
    await screen.settle()
    assert [message.page.plain for message in adapter.pages()] == [True]


async def test_a_preview_that_is_refused_even_plain_waits_for_the_final_pages(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    adapter.fail(Rejected("no"), Rejected("no"), verb="send")
    await show(screen, growing("a"))
    await show(screen, growing("a b"))
    assert await screen.claim() > 600
    assert len(adapter.calls) == 2


async def test_a_message_that_was_deleted_while_it_streamed_is_posted_anew(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    await show(screen, growing("a"))
    adapter.delete("1")
    await show(screen, growing("a b"))
    await show(screen, growing("a b c"))
    assert adapter.shown() == ["a b c"]


async def test_a_chat_that_is_gone_is_told_to_the_caller(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    adapter.blocked.add("room")
    with pytest.raises(Gone):
        await show(screen, growing("a"))


async def test_a_refused_key_ends_the_preview_and_the_run(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    adapter.fail(Unauthorised("bad token"))
    with pytest.raises(Unauthorised):
        await show(screen, growing("a"))


async def test_finished_pages_are_not_touched_while_the_last_one_grows(
    world: World, adapter: FakeAdapter
) -> None:
    _, screen = await screen_of(world)
    await show(screen, growing("one"))
    await show(screen, growing("one.", "two"))
    for text in ("two t", "two th", "two thr"):
        await show(screen, growing("one.", text))
    assert adapter.shown() == ["one.", "two thr"]
    assert len([call for call in adapter.did("edit") if call.message == "1"]) == 1


async def test_a_platform_that_cannot_edit_gets_nothing_before_the_whole(
    world: World, agent: ScriptedAgent
) -> None:
    caps = replace(ROOMY, edit_interval=math.inf, edit_interval_group=math.inf)
    world.adapter = FakeAdapter(caps, world.clock.monotonic)
    world.wire()
    agent.play(Play(text="a b c d e", pace=3.0))
    assert await world.chat("hello") == ["a b c d e"]
    assert [call.verb for call in world.adapter.did("send", "edit")] == ["send"]


async def test_a_posted_page_of_a_platform_that_cannot_edit_is_left_alone_after_a_crash(
    world: World,
) -> None:
    caps = replace(ROOMY, edit_interval=math.inf, edit_interval_group=math.inf)
    world.adapter = FakeAdapter(caps, world.clock.monotonic)
    turn = await world.wire().taken()
    await answered(world, turn, whole("a"))
    await world.pages.posted(turn, 0, "77")
    turn = await world.take(LANE)
    await settle(world, turn, await world.outbox.screen(turn))
    assert world.adapter.calls == []
    assert await states(world, turn) == [PageState.SETTLED]


# Typing


async def test_typing_is_shown_until_the_first_text(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b c d", pace=10.0))
    await world.chat("hello")
    typing = [call.at for call in adapter.did("typing")]
    assert len(typing) == 3
    assert max(typing) < adapter.did("send")[0].at


async def test_who_is_answered_at_once_needs_no_typing(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b", pace=TYPING_AFTER / 2))
    await world.chat("hello")
    assert adapter.did("typing") == []


async def test_typing_that_comes_too_soon_after_an_answer_comes_as_soon_as_it_may(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("hello")
    agent.play(Play(text="a b", pace=5.0))
    await world.chat("and now?")
    posted, edited, [typed] = adapter.did("send")[0], adapter.did("edit")[0], adapter.did("typing")
    assert edited.at == pytest.approx(
        posted.at, abs=0.01
    )  # ahead of the pace, which is idle again after both
    assert typed.at - posted.at == pytest.approx(3 * ROOMY.edit_interval, abs=0.01)


async def test_a_crowd_whose_typing_is_refused_does_not_ask_all_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caps = replace(ROOMY, calls_per_second=100)
    world.adapter = adapter = FakeAdapter(caps, world.clock.monotonic)
    turn, asked = await world.wire().taken(), list[float]()
    screens = [await world.outbox.screen(turn) for _ in range(60)]

    async def typing(line: Line) -> float:
        asked.append(world.clock.monotonic())
        return await given(line)

    given = Line.typing
    monkeypatch.setattr(Line, "typing", typing)
    async with AsyncExitStack() as stack:
        for screen in screens:
            await stack.enter_async_context(screen.alive())
            await asyncio.sleep(0.01)  # so that their turns come one by one
        await asyncio.sleep(3.0)
    assert len(adapter.did("typing")) >= len(screens)
    assert len(asked) <= len(screens) * 4


async def test_no_word_yet_is_no_reason_to_hold_typing_back(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a b", pace=3.0))  # it is taken at once, and says nothing
    asked = world.clock.monotonic()
    await world.chat("hello")
    [typed] = adapter.did("typing")
    assert typed.at - asked == pytest.approx(TYPING_AFTER, abs=0.01)


@pytest.mark.parametrize(
    "error", [Gone("blocked"), RateLimited("slow", retry_after=60), Unauthorised("x"), KeyError()]
)
async def test_typing_is_never_an_error(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent, error: Exception
) -> None:
    agent.play(Play(text="a b", pace=10.0))
    adapter.fail(error, verb="typing")
    assert await world.chat("hello") == ["a b"]


async def test_a_platform_without_typing_is_not_asked_for_it(world: World) -> None:
    bare = BareAdapter(clock=world.clock.monotonic)
    world.adapter = bare
    assert await world.wire().chat("hello") == ["You said: hello"]
    assert bare.did("typing") == []


async def test_a_page_whose_id_was_not_stored_does_not_move_the_others(
    world: World, adapter: FakeAdapter
) -> None:
    turn, screen = await screen_of(world)
    world.store.failing = [Unreachable("database: locked")]
    for pages in (growing("a"), growing("a", "b"), growing("a", "b")):
        await show(screen, pages)
    assert adapter.shown() == ["a", "b"]
    again = await world.outbox.screen(replace(turn, attempts=2))
    turn = await answered(world, turn, whole("a", "b!"))
    await again.settle()
    assert adapter.shown() == ["a", "b!", "a"]  # the first one's id is what nobody knows


async def test_who_must_not_speak_any_more_says_nothing(world: World, adapter: FakeAdapter) -> None:
    def gone() -> None:
        raise Fenced("others have taken over")

    world.outbox = Outbox(
        {"fake": adapter}, world.pages, pacer=world.pacer, now=world.clock.now, guard=gone
    )
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    with pytest.raises(Fenced):
        await screen.settle()
    assert adapter.shown() == []
