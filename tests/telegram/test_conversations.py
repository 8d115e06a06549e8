"""What a person in a private chat sees, from the first sign of life to the last word."""

import asyncio
from itertools import pairwise

import pytest

from adapters.telegram.keyboard import STOP_LABEL
from tests.platforms.worlds import PATIENCE, eventually, eventually_well
from tests.telegram.emulator import Call, Chat, Emulator, Fault, Limits, Message, Private
from tests.telegram.test_markup import long_answer
from tests.telegram.world import World
from tests.text.samples import visible

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

STORY = "".join(f"This is sentence number {number} of the story. " for number in range(60)).strip()
QUICK = Limits(private_interval=0.1, private_burst=3)  # a tenth of the real times


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


def sent(telegram: Emulator, *methods: str, chat: Chat | None = None) -> list[Call]:
    """The calls that write, oldest first."""
    wanted = methods or ("sendMessage", "editMessageText")
    return telegram.journal.of(*wanted, chat=chat.id if chat else None)


def refusals(telegram: Emulator) -> list[str]:
    return [call.description for call in sent(telegram) if call.status != 200]


async def growing(chat: Chat, words: str = "") -> Message:
    """Wait for an answer that is not whole yet."""
    await chat.until(lambda _: any(words in m.text and m.buttons for m in chat.answers))
    return chat.answers[-1]


# Streaming


async def test_answer_grows_by_edits_within_the_limits(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.01)
    world.telegram.throttle.set(QUICK)
    async with world.running(edit_interval_private=0.11):
        await anna.say("A story, please")
        [message] = await anna.final(STORY[-20:])
    assert message.text == STORY
    assert message.edits >= 5
    assert refusals(world.telegram) == []
    texts = [revision.body.text for revision in message.revisions]
    assert all(len(earlier) < len(later) for earlier, later in pairwise(texts))
    assert [b.label for b in message.revisions[0].markup.buttons] == [STOP_LABEL]
    assert message.buttons == []


async def test_first_text_comes_at_once(world: World, anna: Private) -> None:
    world.script("story", chunks=("Once ", "upon ", "a time."), pace=0.4)
    async with world.running():
        await anna.say("A story, please")
        first = await growing(anna)
        assert first.text == "Once"
        await anna.final("a time.")
    [asked] = world.coze.asked
    assert asked.first_delta_at is not None
    assert first.at - asked.first_delta_at < 0.3  # before the second word


async def test_typing_is_shown_within_a_tenth_of_a_second(world: World) -> None:
    world.script("", reply="Done.", first_delay=0.2)
    delays = []
    async with world.running():
        for number in range(4):
            chat = world.telegram.person(number + 1).chat()
            question = await chat.say("hi")
            await chat.final("Done.")
            delays.append(chat.actions[0][0] - question.at)
    assert min(delays) < 0.1  # the others may have had a busy machine


async def test_every_question_has_its_answer_in_order(world: World, anna: Private) -> None:
    for number in range(5):
        world.script(f"^q{number}$", reply=f"answer {number}")
    async with world.running():
        for number in range(5):
            await anna.say(f"q{number}")
        await anna.final("answer 4")
    assert anna.texts(anna.answers) == [f"answer {number}" for number in range(5)]
    assert world.questions() == [f"q{number}" for number in range(5)]
    assert len({asked.conversation_id for asked in world.coze.asked}) == 1


async def test_thirty_thousand_characters_arrive_complete_and_in_order(
    world: World, anna: Private
) -> None:
    answer = long_answer(30_000)
    world.script("long", reply=answer, pace=0)
    async with world.running():
        await anna.say("long")
        await anna.until(
            lambda _: len(anna.answers) >= 8 and not any(m.buttons for m in anna.answers),
            within=20,
        )
        await anna.final(visible(answer[-300:])[-5:], within=20)
    shown = "".join("".join(anna.texts(anna.answers)).split())
    chapters = [f"第{n}章" for n in range(0, 400, 3) if f"第{n}章" in answer]
    places = [shown.index(chapter) for chapter in chapters]
    assert places == sorted(places)
    assert len(chapters) > 20
    assert len(shown) >= len(visible(answer)) * 0.98


async def test_text_that_did_not_change_is_not_sent(world: World, anna: Private) -> None:
    world.script("", chunks=("Hello", "\n", "\n", "\n", " ", "\n"), pace=0.1)
    async with world.running():
        await anna.say("hi")
        message = await growing(anna)
        await anna.until(lambda _: not message.buttons)
    texts = [(revision.body.text, revision.markup.rows) for revision in message.revisions]
    assert len(texts) == len(set(texts)) == 2  # the second takes the stop button away
    assert refusals(world.telegram) == []


async def test_links_have_no_preview_while_the_answer_grows(world: World, anna: Private) -> None:
    world.script("", reply="See https://b.example/ for more of it, " * 5 + "end", pace=0.02)
    async with world.running():
        await anna.say("hi")
        await anna.final("end")
    calls = sent(world.telegram)
    previews = ["link_preview_options" in call.params for call in calls]
    assert previews == [True] * (len(calls) - 1) + [False]
    assert len(calls) > 2


async def test_chinese_markup_arrives_as_entities(world: World, anna: Private) -> None:
    world.script("", reply="**重要：**看[这里](https://b.example/)，`x = 1`。")
    async with world.running():
        await anna.say("说")
        [message] = await anna.final("x = 1。")
    assert message.text == "重要：看这里，x = 1。"
    assert {each.type for each in message.body.entities} == {"bold", "text_link", "code"}


# Trouble on the way


async def test_deleted_message_goes_on_in_a_new_one(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.003)
    async with world.running():
        await anna.say("A story, please")
        first = await growing(anna)
        await anna.delete(first)
        [message] = await anna.final(STORY[-20:])
    assert message is not first
    assert message.text == STORY


async def test_flood_delays_one_chat_and_nobody_else(world: World, anna: Private) -> None:
    bob = world.telegram.person(2, "Bob").chat()
    world.script("story", reply=STORY, pace=0.005)
    world.script("short", reply="Short.")
    world.telegram.inject(Fault("editMessageText", anna.id, retry_after=2))
    async with world.running():
        await anna.say("A story, please")
        await world.telegram.until(lambda it: any(call.refused for call in it.journal.entries))
        [refused] = [call for call in world.telegram.journal.entries if call.refused]
        question = await bob.say("short")
        [answer] = await bob.final("Short.")
        [whole] = await anna.final(STORY[-20:])
    assert answer.at - question.at < 1.5
    later = [call for call in sent(world.telegram, chat=anna) if call.number > refused.number]
    assert min(call.at for call in later) - refused.at >= 2
    assert whole.text == STORY
    assert len(anna.answers) == 1


async def test_refused_markup_is_shown_as_written(world: World, anna: Private) -> None:
    text = "Bad Request: can't parse entities: nobody knows why"
    world.telegram.inject(Fault("sendMessage", code=400, description=text))
    world.script("", reply="Some **bold** words")
    async with world.running():
        await anna.say("hi")
        [message] = await anna.final("words")
    assert message.text == "Some **bold** words"
    assert message.body.entities == ()


async def test_refused_buttons_do_not_cost_the_answer(world: World, anna: Private) -> None:
    world.telegram.inject(Fault("editMessageText", code=400, description="BUTTON_DATA_INVALID"))
    world.script("", reply="An answer", follow_ups=("Why?",), follow_up_delay=0.3)
    async with world.running():
        await anna.say("hi")
        await anna.until(lambda _: anna.answers and not anna.answers[-1].buttons)
        [message] = anna.answers
    assert message.text == "An answer"


async def test_who_blocks_the_bot_is_left_alone(world: World, anna: Private) -> None:
    bob = world.telegram.person(2, "Bob").chat()
    world.script("story", reply=STORY, first_delay=0.2, pace=0.001)
    world.script("short", reply="Short.")
    async with world.running():
        await anna.say("A story, please")
        await eventually(world.questions)
        await anna.block()
        await world.telegram.until(lambda it: any(call.status == 403 for call in sent(it)))
        for _ in range(3):
            await bob.final("Short.", after=await bob.say("short"))
        assert len(sent(world.telegram, chat=anna)) == 1
        await anna.unblock()
        await anna.say("short")
        await anna.final("Short.")
    assert anna.texts(anna.answers) == ["Short."]


async def test_answer_lost_on_the_way_is_posted_once_at_the_end(
    world: World, anna: Private
) -> None:
    """A post that may have happened is not repeated for a preview, only for the whole."""
    world.telegram.inject(Fault("sendMessage", code=502, html="<html>"))
    world.script("", reply=STORY, pace=0.005)
    async with world.running():
        await anna.say("hi")
        [message] = await anna.final(STORY[-20:])
    assert message.text == STORY
    assert len(sent(world.telegram, "sendMessage")) == 2


async def test_outage_while_an_answer_streams_loses_nothing(world: World, anna: Private) -> None:
    world.script("", reply=STORY, pace=0.005)
    async with world.running() as running:
        await anna.say("hi")
        await growing(anna)
        async with world.telegram.outage():
            await running.until_problem("cannot be reached")
        await anna.final(STORY[-20:])
        await eventually_well(running.adapter)
        assert await running.problems() == {}
    assert anna.texts(anna.answers) == [STORY]


# What is said that is no question


async def test_album_is_one_question(world: World, anna: Private) -> None:
    world.script("", reply="Three pictures.")
    async with world.running({"merge_window": 0.3}):
        await anna.album(b"1", b"2", b"3", caption="What is it?")
        await anna.final("pictures.")
    assert world.questions() == ["What is it?"]
    assert anna.texts(anna.answers) == ["Three pictures."]


async def test_what_cannot_be_read_is_told_in_ones_language(world: World) -> None:
    li = world.telegram.person(3, "李雷", "zh-hans").chat()
    async with world.running():
        await li.service(story={"chat": li.brief(), "id": 1})
        await li.final("请发送文字、文件或语音。")
    assert world.questions() == []


async def test_edited_question_is_not_asked_again(world: World, anna: Private) -> None:
    world.script("", reply="Done.")
    async with world.running():
        question = await anna.say("one")
        await anna.final("Done.")
        await anna.edit(question, "another")
        await anna.final("Done.", after=await anna.say("two"))
    assert world.questions() == ["one", "two"]


async def test_delivered_twice_is_answered_once(world: World, anna: Private) -> None:
    world.script("", reply="Done.")
    async with world.running():
        await anna.say("one")
        await anna.final("Done.")
        world.telegram.repeat_updates()
        await anna.final("Done.", after=await anna.say("two"))
    assert world.questions() == ["one", "two"]


# The menu


async def test_menu_is_set_per_language_and_only_when_it_changed(
    world: World, telegram: Emulator
) -> None:
    async with world.running():
        await eventually(lambda: telegram.commands.writes == 2)
    names = [command.name for command in telegram.commands.get({}, "")]
    assert "new" in names
    assert [command.name for command in telegram.commands.get({}, "zh")] == names
    assert telegram.commands.get({}, "zh")[0].description == "开始新的对话"
    looked = len(telegram.journal.of("getMyCommands"))
    async with world.running():
        await eventually(lambda: len(telegram.journal.of("getMyCommands")) == 2 * looked)
    assert telegram.commands.writes == 2


async def test_agents_own_commands_stand_in_the_menu(world: World, telegram: Emulator) -> None:
    async with world.running():
        await eventually(lambda: telegram.commands.writes == 2)
    menu = {each.name: each.description for each in telegram.commands.get({}, "zh")}
    assert menu["joke"] == "hear a joke about bridges"
    assert menu["help"] == "查看帮助"


async def test_bot_whose_menu_is_refused_answers_all_the_same(world: World, anna: Private) -> None:
    world.telegram.inject(Fault("setMyCommands", code=400, description="BOT_COMMAND_INVALID"))
    world.script("", reply="Done.")
    async with world.running():
        await anna.say("hi")
        await anna.final("Done.")
        await eventually(lambda: world.telegram.commands.writes == 1)  # the other language


# One message only


async def test_final_mode_sends_the_finished_answer_alone(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.002)
    async with world.running(stream="final"):
        await anna.say("A story, please")
        [message] = await anna.final(STORY[-20:])
        async with asyncio.timeout(PATIENCE):
            await anna.final("conversation. What is it about?", after=await anna.say("/new"))
    assert message.edits == 0
    assert message.buttons == []
    assert [call.method for call in sent(world.telegram)] == ["sendMessage", "sendMessage"]
    assert anna.actions
