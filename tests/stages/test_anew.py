"""Questions that are asked once more: /retry, and messages whose writer changes them."""

import asyncio
import math
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.config import AccessSettings, Edited
from bridge.errors import BridgeError, Exhausted, Permanent, Rejected, Unreachable
from bridge.events import Inbound, Place
from bridge.lanes import lane_of
from bridge.phrases import Phrase
from bridge.phrases import say as words
from bridge.testing.adapter import ROOMY, FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import LI, Killed, PatientStore, World


async def say(world: World, event: Inbound) -> list[str]:
    """Put it through the door, and answer it; what is shown then."""
    await world.inbox(event)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    return world.adapter.shown(event.chat.chat)


def edit(world: World, event: Inbound, text: str, *, number: int = 1) -> Inbound:
    changed = replace(event, event_id=f"edit/{event.event_id}/{number}", text=text)
    return replace(changed, edits=event.event_id, sent_at=world.clock.now())


async def test_retry_writes_the_new_answer_where_the_old_one_stood(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a bad answer"), Play(text="a good one"))
    assert await world.chat("why?", "/retry") == ["a good one"]
    assert agent.asked == ["why?", "why?"]


async def test_retry_of_a_retry_goes_on_in_the_same_message(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="one"), Play(text="two"), Play(text="three"))
    assert await world.chat("why?", "/retry", "/retry") == ["three"]
    assert agent.asked == ["why?"] * 3


async def test_retry_that_needs_fewer_messages_takes_the_others_back(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="word " * 80), Play(text="short"))
    (shown,) = await world.chat("why?", "/retry")
    assert shown == "short"


async def test_the_button_under_an_apology_asks_its_own_question_again_in_its_place(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(fail=Permanent("broken")), Play(text="two"), Play(text="one"))
    await world.chat("first?", "second?")
    apology, _ = adapter.pages()
    [button] = apology.page.buttons
    assert (button.label, button.says) == ("Try again", "/retry 00001")
    assert await world.chat(button.says) == ["one", "two"]
    assert agent.asked == ["first?", "second?", "first?"]
    assert adapter.pages()[0].page.buttons == ()


@pytest.mark.parametrize("number", ["3", "00999", "9" * 30])
async def test_a_number_that_names_no_question_here_asks_nothing(
    world: World, agent: ScriptedAgent, number: str
) -> None:
    await world.chat("why?", "/help")
    await world.chat("a secret", user=LI, chat="other")
    shown = await world.chat(f"/retry {number}")
    assert shown[-1] == words(Phrase.NOTHING_TO_RETRY, "en")
    assert agent.asked == ["why?", "a secret"]


async def test_retry_where_the_old_answer_was_deleted_is_a_new_message(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="old"), Play(text="new"))
    await world.chat("why?")
    adapter.delete(adapter.pages()[-1].id)
    assert await world.chat("/retry") == ["new"]


async def test_a_changed_question_is_nobodys_business_by_default(
    world: World, agent: ScriptedAgent
) -> None:
    first = world.says("why?")
    await say(world, first)
    await say(world, edit(world, first, "why not?"))
    assert agent.asked == ["why?"]


async def test_a_changed_question_is_answered_anew_in_the_same_message(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(edited=Edited.ASK)
    first = world.says("why?")
    assert await say(world, first) == ["You said: why?"]
    assert await say(world, edit(world, first, "why not?")) == ["You said: why not?"]
    again = edit(world, first, "why ever not?", number=2)
    assert await say(world, again) == ["You said: why ever not?"]


async def test_only_the_newest_question_can_be_changed(world: World, agent: ScriptedAgent) -> None:
    world.settings(edited=Edited.ASK)
    first = world.says("one")
    await say(world, first)
    await world.chat("two")
    assert await say(world, edit(world, first, "three")) == ["You said: one", "You said: two"]
    assert agent.asked == ["one", "two"]


async def test_a_question_can_be_changed_for_a_while(world: World, agent: ScriptedAgent) -> None:
    world.settings(edited=Edited.ASK, edit_window=60)
    first = world.says("one")
    await say(world, first)
    late = replace(edit(world, first, "two"), sent_at=first.sent_at + timedelta(seconds=61))
    assert await say(world, late) == ["You said: one"]
    in_time = replace(edit(world, first, "two", number=2), sent_at=first.sent_at)
    assert await say(world, in_time) == ["You said: two"]


async def test_a_message_that_is_changed_into_a_command_is_not_obeyed(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(edited=Edited.ASK)
    first = world.says("one")
    await say(world, first)
    assert await say(world, edit(world, first, "/new")) == ["You said: one"]


async def test_nobody_changes_the_question_of_another(world: World, agent: ScriptedAgent) -> None:
    world.settings(edited=Edited.ASK)
    first = world.says("one")
    await say(world, first)
    assert await say(world, replace(edit(world, first, "two"), user=LI)) == ["You said: one"]


async def test_one_part_of_a_paste_is_changed_and_the_others_stay(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(edited=Edited.ASK, merge_window=0.3)
    parts = [world.says("one"), world.says("two")]
    await world.inbox(parts[0])
    await say(world, parts[1])
    assert agent.asked == ["one\ntwo"]
    await say(world, edit(world, parts[1], "three"))
    assert agent.asked == ["one\ntwo", "one\nthree"]


async def test_a_run_that_dies_asks_the_same_question_anew(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(edited=Edited.ASK)
    first = world.says("one")
    await say(world, first)
    changed = edit(world, first, "two")
    await world.inbox(changed)
    turn = await world.take(lane_of(changed, world.sessions_settings.group_scope))
    assert (await world.walk.anew.of(turn)).text == "two"
    world.wire()
    await world.drain(turn.lane)
    assert agent.asked == ["one", "two"]
    assert world.adapter.shown("room") == ["You said: two"]


async def test_where_nothing_can_be_changed_the_new_answer_is_a_new_message(
    world: World, agent: ScriptedAgent
) -> None:
    still = replace(ROOMY, edit_interval=math.inf, edit_interval_group=math.inf)
    world.adapter = FakeAdapter(still, clock=world.clock.monotonic)
    world.wire()
    agent.play(Play(text="a bad answer"), Play(text="a good one"))
    assert await world.chat("why?", "/retry") == ["a bad answer", "a good one"]


@pytest.mark.parametrize("more", [1, 2])
async def test_a_retry_that_may_not_be_asked_leaves_the_answer_where_it_is(
    world: World, agent: ScriptedAgent, more: int
) -> None:
    world.access = AccessSettings(messages_per_minute=1)
    world.wire()
    shown = await world.chat("why?", *["/retry"] * more)
    assert (shown[0], len(shown)) == ("You said: why?", 2)
    assert agent.asked == ["why?"]


@pytest.mark.parametrize("error", [Rejected("no"), Exhausted("no money")])
async def test_a_retry_that_coze_refuses_leaves_the_answer_where_it_is(
    world: World, agent: ScriptedAgent, error: BridgeError
) -> None:
    agent.play(Play(text="a bad answer"), Play(refuse=error))
    shown = await world.chat("why?", "/retry")
    assert (shown[0], len(shown)) == ("a bad answer", 2)
    assert shown[1].startswith("Sorry, the agent")


async def test_a_retry_while_coze_is_away_leaves_the_answer_where_it_is(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="a bad answer"), *[Play(refuse=Unreachable("down"))] * 20)
    shown = await world.chat("why?", "/retry")
    assert (shown[0], len(shown)) == ("a bad answer", 2)
    assert shown[1].startswith("Sorry, the agent cannot be reached")


async def test_a_retry_after_a_refused_one_still_finds_the_answer(
    world: World, agent: ScriptedAgent
) -> None:
    world.access = AccessSettings(messages_per_minute=1)
    world.wire()
    agent.play(Play(text="a bad answer"), Play(text="a good one"))
    await world.chat("why?", "/retry")
    await asyncio.sleep(61)
    assert (await world.chat("/retry"))[0] == "a good one"


async def test_a_position_is_asked_for_again_with_where_it_is(
    world: World, agent: ScriptedAgent
) -> None:
    there = Place(48.2, 16.37)
    await say(world, replace(world.says(""), place=there))
    await world.chat("/retry", "/retry")
    assert [question.place for question in agent.attempts] == [there] * 3


async def test_retries_of_a_wordless_question_leave_no_old_page_behind(
    world: World, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="short"), Play(text="word " * 900), Play(text="shorter"))
    await say(world, replace(world.says(""), place=Place(48.2, 16.37)))
    await world.chat("/retry")
    assert len(world.adapter.shown("room")) == 2
    assert await world.chat("/retry") == ["shorter"]


@pytest.mark.parametrize("life", range(22))
async def test_wherever_the_process_dies_the_new_answer_stands_where_the_old_one_stood(
    world: World, store: PatientStore, agent: ScriptedAgent, life: int
) -> None:
    agent.play(Play(text="word " * 900), Play(text="a good one"))
    await world.chat("why?")
    event = await world.hear("/retry")
    lane = lane_of(event, world.sessions_settings.group_scope)
    store.life = life
    with suppress(Killed, BaseExceptionGroup):
        await world.drain(lane)
    store.life, store.broken = None, None
    await world.wire().drain(lane)
    assert world.adapter.shown("room") == ["a good one"]
    assert agent.asked == ["why?"] * 2
