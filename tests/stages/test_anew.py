"""Questions that are asked once more: /retry, and messages whose writer changes them."""

from dataclasses import replace
from datetime import timedelta

from bridge.config import Edited
from bridge.events import Inbound
from bridge.lanes import lane_of
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import LI, World


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
