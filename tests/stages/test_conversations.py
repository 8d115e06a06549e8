"""Conversations get names, and go, here and at Coze."""

from bridge.errors import Permanent, Unauthorised
from bridge.events import Button
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import ScriptedAgent
from bridge.upstream import ConversationLost
from tests.stages.world import LI, World


def offered(adapter: FakeAdapter) -> tuple[Button, ...]:
    return adapter.pages()[-1].page.buttons


async def test_a_name_is_given_here_and_at_coze(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    shown = await world.chat("why is the sky blue?", "/rename", "/rename  The  sky ", "/history")
    assert shown[1].startswith("This conversation is called “why is the sky blue?”. Send `/rename`")
    assert shown[2] == "This conversation is now called “The sky”."
    assert list(agent.names.values()) == ["The sky"]
    assert [button.label for button in offered(adapter)] == ["The sky"]


async def test_a_long_name_is_cut_to_what_coze_takes(world: World, agent: ScriptedAgent) -> None:
    await world.chat("hello", "/rename " + "x" * 300)
    assert list(agent.names.values()) == ["x" * 100]


async def test_there_may_be_nothing_to_name_or_to_delete(
    world: World, agent: ScriptedAgent
) -> None:
    assert len(set(await world.chat("/rename a", "/delete", "/new"))) == 2
    assert agent.names == {}


async def test_what_is_deleted_is_asked_back_first_and_gone_then(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    asked = (await world.chat("one", "/delete"))[-1]
    assert asked.startswith("Shall I delete “one”, here and at Coze?")
    (yes,) = offered(adapter)
    assert (yes.label, agent.deleted) == ("Delete it", [])
    assert (await world.chat(yes.says))[-1] == "“one” is deleted."
    assert agent.deleted == [yes.says.removeprefix("/delete ")]
    await world.chat("/history", "two")
    assert adapter.shown("room")[-2] == "There are no earlier conversations."
    assert agent.chats[-1].trace.conversation_id != agent.deleted[0]


async def test_a_name_shows_as_it_was_written(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("*one* [two](https://example.org)", "/new", "/history")
    (back,) = offered(adapter)
    name = "`*one* [two](https://example.org)`"
    assert (await world.chat(back.says))[-1] == f"Back in “{name}”."


async def test_nobody_deletes_the_conversation_of_another(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("one", "/delete")
    (yes,) = offered(adapter)
    shown = await world.chat(yes.says, chat="elsewhere")
    assert shown[-1].startswith("I do not know that conversation")
    assert agent.deleted == []


async def test_what_coze_refuses_stays(world: World, agent: ScriptedAgent) -> None:
    agent.fail("rename", Permanent("no"), Unauthorised("no permission"))
    shown = await world.chat("one", "/rename two", "/rename three")
    assert all(text.startswith("Sorry, something went wrong") for text in shown[1:])
    assert agent.names == {}


async def test_a_conversation_that_coze_lost_has_no_name(
    world: World, agent: ScriptedAgent
) -> None:
    agent.fail("rename", ConversationLost("gone"))
    shown = await world.chat("one", "/rename two", "three")
    assert shown[1].startswith("There is no conversation yet.")
    assert len({chat.trace.conversation_id for chat in agent.chats}) == 2


async def test_usage_adds_up_what_a_persons_answers_cost(world: World) -> None:
    day, month = (await world.chat("one", "two", "/usage"))[-1].splitlines()
    assert day == "Last 24 hours: 20 tokens (answers: 2)."
    assert month == "Last 30 days: 20 tokens (answers: 2)."
    world.clock.advance(25 * 3600)
    day, month = (await world.chat("three", "/usage"))[-1].splitlines()
    assert day == "Last 24 hours: 10 tokens (answers: 1)."
    assert month == "Last 30 days: 30 tokens (answers: 3)."


async def test_usage_of_others_is_none_of_ones_business(world: World) -> None:
    await world.chat("one")
    assert "0 个回答" in (await world.chat("/usage", user=LI, chat="other"))[-1]
