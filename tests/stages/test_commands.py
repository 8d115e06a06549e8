"""What a user can tell the bridge itself."""

import pytest

from bridge.errors import Permanent, Unauthorised, Unreachable
from bridge.events import Button
from bridge.health import Health
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.upstream import Field, Profile, Shortcut
from bridge.words import Command, Word, command_in
from tests.stages.world import LI, World

NEWS = Shortcut("news", "", "Search the news about {{topic}}.", (Field("topic", "anything"),))


def buttons(adapter: FakeAdapter) -> tuple[Button, ...]:
    return adapter.pages()[-1].page.buttons


async def test_start_greets_with_the_prologue_and_its_questions(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.prologue = Profile("Bo", "Hi {{user_name}}, I am Bo.", ("Who?", "Why?"))
    assert await world.chat("/start") == ["Hi Anna, I am Bo."]
    assert buttons(adapter) == (Button("Who?", "Who?"), Button("Why?", "Why?"))
    assert agent.attempts == []


async def test_start_greets_in_our_words_where_the_agent_has_none(world: World) -> None:
    assert (await world.chat("/start"))[0].startswith("Hello, Anna! Send me a message")


async def test_start_greets_even_while_the_agent_is_away(
    world: World, agent: ScriptedAgent
) -> None:
    agent.fail("check", Unreachable("down"))
    assert (await world.chat("/start", user=LI))[0].startswith("你好，雷！")


async def test_start_greets_with_what_was_read_last(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    agent.prologue = Profile("Bo", "Hi, I am Bo.", ("Who?",))
    await Health(world.store, {"default": agent}, {}, world.published).ask_agents()
    agent.fail("check", *[Unreachable("down")] * 9)
    assert await world.chat("/start", "/start") == ["Hi, I am Bo."] * 2
    assert buttons(adapter) == (Button("Who?", "Who?"),)


async def test_an_agents_own_command_is_the_question_its_author_wrote(
    world: World, agent: ScriptedAgent
) -> None:
    agent.prologue = Profile(shortcuts=(NEWS,))
    await world.chat("/news tea", "/News", "/weather", "/retry", "no /news")
    assert agent.asked == [
        "Search the news about tea.",
        "Search the news about anything.",
        "/weather",
        "/weather",
        "no /news",
    ]


async def test_retry_asks_the_question_that_a_command_stood_for(
    world: World, agent: ScriptedAgent
) -> None:
    agent.prologue = Profile(shortcuts=(NEWS,))
    await world.chat("/news tea", "/retry")
    assert agent.asked == ["Search the news about tea."] * 2


async def test_a_word_of_ours_is_never_the_agents(world: World, agent: ScriptedAgent) -> None:
    agent.prologue = Profile(shortcuts=(Shortcut("new", template="What is new?"),))
    assert await world.chat("/new") == ["A new conversation. What is it about?"]
    assert agent.asked == []


async def test_a_command_waits_until_it_is_known_what_it_stands_for(
    world: World, agent: ScriptedAgent
) -> None:
    agent.prologue = Profile(shortcuts=(NEWS,))
    agent.fail("check", Unreachable("down"), Unreachable("down"))
    await world.chat("/news tea")
    assert agent.asked == ["Search the news about tea."]


async def test_start_with_a_refused_key_waits_for_the_operator(
    world: World, agent: ScriptedAgent
) -> None:
    agent.fail("check", Unauthorised("bad token"))
    shown = await world.chat("/start")
    assert len(shown) == 1
    assert world.clock.monotonic() >= 30


async def test_start_greets_with_a_token_that_may_not_read_the_agent(
    world: World, agent: ScriptedAgent
) -> None:
    agent.prologue = None
    assert (await world.chat("/start"))[0].startswith("Hello, Anna!")
    assert world.clock.monotonic() < 30


@pytest.mark.parametrize(("user", "begins"), [(None, "Just write"), (LI, "直接发消息")])
async def test_help_speaks_the_language_of_the_user(
    world: World, user: object, begins: str
) -> None:
    shown = await (world.chat("/help", user=LI) if user else world.chat("/help"))
    assert shown[0].startswith(begins)


async def test_new_begins_another_conversation_with_the_next_question(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("one", "/new", "two")
    assert [chat.trace.conversation_id for chat in agent.chats] == ["c1", "c2"]


async def test_without_new_the_conversation_goes_on(world: World, agent: ScriptedAgent) -> None:
    await world.chat("one", "two")
    assert [chat.trace.conversation_id for chat in agent.chats] == ["c1", "c1"]


async def test_clear_cuts_the_context_and_stays(world: World, agent: ScriptedAgent) -> None:
    shown = await world.chat("one", "/clear", "two")
    assert agent.cleared == ["c1"]
    assert shown[1] == "Forgotten. We go on from here."
    assert agent.conversations == ["c1"]


async def test_clear_before_anything_was_said(world: World, agent: ScriptedAgent) -> None:
    assert await world.chat("/clear") == ["There is nothing to forget yet."]
    assert agent.cleared == []


async def test_clear_of_a_conversation_that_coze_lost_is_done_already(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("one")
    agent.forget("c1")
    shown = await world.chat("/clear", "two")
    assert shown[1:] == ["Forgotten. We go on from here.", "You said: two"]


async def test_stop_says_when_there_is_nothing_to_stop(world: World) -> None:
    assert await world.chat("/stop") == ["Nothing is being answered."]
    assert (await world.chat("hello", "/stop"))[-1] == "Nothing is being answered."


async def test_retry_asks_the_last_question_again(world: World, agent: ScriptedAgent) -> None:
    await world.chat("one", "/help", "/retry", "/retry")
    assert agent.asked == ["one", "one", "one"]


async def test_retry_before_any_question(world: World, agent: ScriptedAgent) -> None:
    assert await world.chat("/retry") == ["There is no question to ask again."]


async def test_retry_after_a_failure_asks_what_failed(world: World, agent: ScriptedAgent) -> None:
    agent.play(Play(fail=Unreachable("model")))
    shown = await world.chat("one", "/retry")
    assert shown[-1] == "You said: one"


async def test_retry_after_a_question_that_never_left_asks_that_one(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("one", "/new")
    agent.fail("begin", Permanent("no"))
    await world.chat("two", "/clear", "  ", "/retry")
    assert agent.asked == ["one", "two"]


async def test_retry_in_another_chat_knows_nothing_of_this_one(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("my secret")
    assert await world.chat("/retry", chat="elsewhere") == ["There is no question to ask again."]


async def test_history_offers_the_conversations_newest_first_and_switches(
    world: World, adapter: FakeAdapter, agent: ScriptedAgent
) -> None:
    await world.chat("about cats")
    world.clock.advance(60)
    await world.chat("/new", "about dogs")
    world.clock.advance(60)
    await world.chat("/history")
    offered = buttons(adapter)
    assert [button.label for button in offered] == ["about dogs", "about cats"]
    shown = await world.chat(offered[1].says, "go on")
    assert shown[-2] == "Back in “about cats”."
    assert agent.chats[-1].trace.conversation_id == "c1"


async def test_history_before_any_conversation(world: World) -> None:
    assert await world.chat("/history") == ["There are no earlier conversations."]


async def test_nobody_can_switch_to_a_conversation_of_others(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("private things", chat="annas")
    shown = await world.chat("/history c1", "what did she say?", user=LI, chat="lis")
    assert shown[0].startswith("找不到这个对话")
    assert agent.chats[-1].trace.conversation_id == "c2"


async def test_a_conversation_that_is_not_among_the_newest_can_still_be_switched_to(
    world: World, agent: ScriptedAgent
) -> None:
    for number in range(10):
        await world.chat(f"topic {number}", "/new")
        world.clock.advance(60)
    shown = await world.chat("/history c1")
    assert shown[-1] == "Back in “topic 0”."


async def test_a_word_that_is_not_ours_goes_to_the_agent(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("/weather Berlin", "/ new", "say /new")
    assert agent.asked == ["/weather Berlin", "/ new", "say /new"]


async def test_what_has_no_text_is_answered_in_our_words(
    world: World, agent: ScriptedAgent
) -> None:
    assert await world.chat("  \n") == [
        "I cannot read a message of this kind. Please send text, a file or a voice message."
    ]
    assert agent.attempts == []


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/new", Command(Word.NEW)),
        ("/NEW", Command(Word.NEW)),
        ("/history  c1 ", Command(Word.HISTORY, "c1")),
        ("/retry\nplease do", Command(Word.RETRY, "please do")),
        ("/history\tc1", Command(Word.HISTORY, "c1")),
        ("/new\u3000", Command(Word.NEW)),  # the space of a Chinese keyboard
        ("/newer", None),
        ("new", None),
        ("/", None),
        ("", None),
        (" /new", None),
    ],
)
def test_what_is_a_command(text: str, command: Command | None) -> None:
    assert command_in(text) == command
