"""What somebody thinks of an answer, by words, buttons and reactions."""

from dataclasses import replace

import pytest

from bridge.config import AgentSettings
from bridge.errors import Permanent, Unreachable
from bridge.events import ChatKind, Inbound
from bridge.lanes import express, lane_of
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.upstream import Rating
from tests.stages.world import LI, World


async def press(world: World, says: str, about: str, **changes: object) -> None:
    event = replace(world.says(says, **changes), pressed=True, about=about)  # type: ignore[arg-type]
    await react(world, event)


async def react(world: World, event: Inbound) -> None:
    await world.inbox(event)
    await world.drain(express(lane_of(event, world.sessions_settings.group_scope)))


def ratings(agent: ScriptedAgent) -> list[Rating | None]:
    return [rating for _, _, rating, _ in agent.rated]


async def test_an_answer_of_the_agents_can_be_rated_and_words_of_ours_cannot(
    world: World, adapter: FakeAdapter
) -> None:
    await world.chat("hello", "/help")
    assert [message.page.rates for message in adapter.pages()] == [True, False]


async def test_an_operator_may_want_no_feedback(world: World, adapter: FakeAdapter) -> None:
    world.agent_settings = AgentSettings(bot_id="1", feedback=False)
    world.wire()
    shown = await world.chat("hello", "/feedback like")
    assert not any(message.page.rates for message in adapter.pages())
    assert shown[-1] == "This agent takes no feedback."


async def test_what_is_pressed_reaches_the_agent_without_a_word(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("one", "two")
    first, second = (message.id for message in adapter.pages())
    await press(world, "/feedback dislike", first)
    await press(world, "/feedback like", second)
    assert ratings(agent) == [Rating.DISLIKE, Rating.LIKE]
    assert len({conversation for conversation, *_ in agent.rated}) == 1
    assert len(world.adapter.shown("room")) == 2


async def test_the_last_word_counts_and_may_take_it_back(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("hello")
    message = adapter.pages()[-1].id
    for says in ("like", "like", "dislike", "none"):
        await press(world, f"/feedback {says}", message)
    assert ratings(agent) == [Rating.LIKE, Rating.LIKE, Rating.DISLIKE, None]


async def test_words_rate_the_newest_answer_and_may_give_a_reason(
    world: World, agent: ScriptedAgent
) -> None:
    shown = await world.chat("one", "/feedback dislike too  long", "/feedback none", "/feedback")
    assert [(rating, reason) for _, _, rating, reason in agent.rated] == [
        (Rating.DISLIKE, "too  long"),
        (None, ""),
    ]
    assert shown[1:3] == [
        "Thank you, noted as a bad answer.",
        "Your opinion of the answer is taken back.",
    ]
    assert shown[3].startswith("Send `/feedback like`")


async def test_before_any_answer_there_is_nothing_to_rate(
    world: World, agent: ScriptedAgent
) -> None:
    assert await world.chat("/feedback like") == ["There is no answer to rate here."]
    assert agent.rated == []


async def test_nobody_rates_the_answer_to_another(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    event = world.says("hello", kind=ChatKind.GROUP)
    await world.inbox(event)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    message = adapter.pages()[-1].id
    await press(world, "/feedback dislike", message, user=LI, kind=ChatKind.GROUP)
    assert agent.rated == []
    await press(world, "/feedback dislike", message, kind=ChatKind.GROUP)
    assert len(agent.rated) == 1


async def test_what_coze_refuses_is_told_to_who_typed_and_nobody_else(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("hello")
    agent.fail("rate", Permanent("too old"), Permanent("too old"))
    await press(world, "/feedback like", adapter.pages()[-1].id)
    assert len(adapter.shown("room")) == 1
    shown = await world.chat("/feedback like")
    assert shown[-1] == "Coze did not take what you think of this answer."


async def test_feedback_waits_for_coze(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("hello")
    agent.fail("rate", Unreachable("away"))
    await press(world, "/feedback like", adapter.pages()[-1].id)
    assert ratings(agent) == [Rating.LIKE]


@pytest.mark.parametrize("end", [Play(text="", final=""), Play(text="x", fail=Permanent("no"))])
async def test_what_is_no_whole_answer_is_not_offered_to_be_rated(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent, end: Play
) -> None:
    agent.play(end)
    await world.chat("hello")
    assert not adapter.pages()[-1].page.rates
