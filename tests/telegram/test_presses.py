"""Buttons: suggested questions, the stop button, and the conversations of /history."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from adapters.telegram.addressed import Me
from adapters.telegram.asides import Asides
from adapters.telegram.bots import make_bot
from adapters.telegram.keyboard import STOP_LABEL, too_old
from adapters.telegram.receive import Intake
from bridge.testing.contract import RecordingSink
from tests.platforms.budgets import Clock
from tests.platforms.faults import Gate
from tests.platforms.worlds import PATIENCE, eventually
from tests.telegram.emulator import Emulator, Fault, Private
from tests.telegram.updates import press
from tests.telegram.world import ACCOUNT, LentHost, World, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

STORY = "".join(f"This is sentence number {number} of the story. " for number in range(60)).strip()
LONG = "这个问题比按钮数据允许的六十四个字节长得多，所以它只能写在按钮的标签里，对吗？"


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


def labels(chat: Private) -> list[str]:
    return [button.label for button in chat.answers[-1].buttons]


async def suggesting(chat: Private) -> None:
    """Wait until the newest answer is whole and suggests something."""
    await chat.until(
        lambda _: chat.answers and labels(chat) not in ([], [STOP_LABEL]),
    )


async def test_suggestions_are_buttons_and_a_press_is_a_question(
    world: World, anna: Private
) -> None:
    world.script("hi", reply="Hello.", follow_ups=("Why?", LONG))
    world.script("六十四", reply="对。")
    async with world.running():
        await anna.say("hi")
        await suggesting(anna)
        assert labels(anna) == ["Why?", LONG]
        hello = anna.answers[-1]
        query = await hello.press(LONG)
        await anna.final("对。")
        await eventually(lambda: world.telegram.callbacks.all[query].answered)
    assert world.questions() == ["hi", LONG]
    answer = anna.answers[-1]
    assert answer is not hello
    assert answer.text == f"{LONG}\n\n对。"
    assert [each.type for each in answer.body.entities] == ["blockquote"]
    press = world.telegram.callbacks.all[query]
    assert press.answered is not None
    assert press.answered - press.at < 1
    assert press.text == ""


async def test_greeting_has_the_agents_words_and_questions(world: World, anna: Private) -> None:
    world.script("joke", reply="Why did the bridge cross the river?")
    async with world.running():
        await anna.say("/start")
        await suggesting(anna)
        assert anna.answers[-1].text.startswith("Halt, Anna! I am the Bridgekeeper.")
        assert "Tell me a joke" in labels(anna)
        await anna.answers[-1].press("Tell me a joke")
        await anna.final("the river?")
    assert world.questions() == ["Tell me a joke"]


async def test_press_delivered_twice_is_one_question(world: World, anna: Private) -> None:
    world.script("hi", reply="Hello.", follow_ups=("Why?",))
    world.script("", reply="Because.")
    async with world.running():
        await anna.say("hi")
        await suggesting(anna)
        await anna.answers[-1].press("Why?")
        await anna.final("Because.")
        world.telegram.repeat_updates()
        await anna.final("Because.", after=await anna.say("two"))
    assert world.questions() == ["hi", "Why?", "two"]


async def test_press_in_a_group_is_answered_to_whoever_pressed(world: World) -> None:
    anna, bob = world.telegram.person(1, "Anna"), world.telegram.person(2, "Bob")
    group = world.telegram.group("G", anna, bob)
    world.script("hi", reply="Hello.", follow_ups=("Why?",))
    world.script("", reply="Because.")
    async with world.running():
        await group.say(anna, "@coze_bridge_bot hi")
        await group.until(lambda _: group.answers and group.answers[-1].text == "Hello.")
        await group.until(lambda _: [b.label for b in group.answers[-1].buttons] == ["Why?"])
        await group.answers[-1].press("Why?", by=bob)
        await group.final("Because.")
    first, second = world.coze.asked
    assert second.text == "Why?"
    assert first.user_id != second.user_id
    assert group.answers[-1].text.startswith("Why?")


# Stale presses


async def test_button_of_a_message_too_old_to_read_is_told_so(world: World) -> None:
    li = world.telegram.person(3, "李雷", "zh-hans").chat()
    world.script("", reply="Hello.", follow_ups=("Why?",))
    async with world.running():
        await li.say("hi")
        await suggesting(li)
    query = await li.answers[-1].press("Why?")
    payload = dict(world.telegram.inbox.pending[-1].body["callback_query"])  # type: ignore[call-overload]
    payload["message"] = {"chat": li.brief(), "message_id": li.answers[-1].id, "date": 0}
    world.telegram.inbox.clear()
    world.telegram.inbox.put("callback_query", payload, li.lane)
    async with world.running():
        await world.telegram.until(lambda it: it.callbacks.all[query].answered)
    assert world.telegram.callbacks.all[query].text == too_old("zh-hans")
    assert world.questions() == ["hi"]


async def test_press_that_can_no_longer_be_answered_is_asked_all_the_same(world: World) -> None:
    """The bridge was down for an hour; the question still counts."""
    clock = Clock()
    world.telegram.clock = clock
    anna = world.telegram.person(1001, "Anna").chat()
    world.script("hi", reply="Hello.", follow_ups=("Why?",))
    world.script("", reply="Because.")
    async with world.running():
        await anna.say("hi")
        await suggesting(anna)
    query = await anna.answers[-1].press("Why?")
    clock.move(3600)
    async with world.running():
        await anna.final("Because.")
        journal = world.telegram.journal
        await eventually(lambda: any(c.status for c in journal.of("answerCallbackQuery")))
    assert world.telegram.callbacks.all[query].answered is None


async def test_press_whose_answer_hangs_does_not_hold_up_the_end(telegram: Emulator) -> None:
    gate = Gate()
    telegram.faults.add(Fault(method="answerCallbackQuery", gate=gate))
    bot = make_bot(telegram_settings(telegram.url))
    me, host = Me(telegram.bot.id, telegram.bot.username), LentHost()
    asides = Asides(bot, ACCOUNT, last_words=0.01)
    intake = Intake(me, ACCOUNT, asides, host.chat_moved)
    await intake.take([press("=0")], RecordingSink())
    await gate.reached.wait()
    async with asyncio.timeout(PATIENCE):
        await asides.close()
    gate.open()
    await bot.release()


# The stop button


async def test_stop_button_keeps_what_was_said(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.01)
    async with world.running():
        await anna.say("A story, please")
        await anna.until(lambda _: anna.answers and anna.answers[-1].edits > 1)
        message = anna.answers[0]
        assert labels(anna) == [STOP_LABEL]
        query = await message.press(STOP_LABEL)
        await anna.until(lambda _: message.text.endswith("(stopped)"))
        await eventually(lambda: world.coze.asked[0].cancelled)
        await eventually(lambda: world.telegram.callbacks.all[query].answered)
    assert message.text.startswith("This is sentence number 0")
    assert len(message.text) < len(STORY)
    assert message.buttons == []


def nothing_is_open(world: World) -> bool:
    """Whether every message is done with, also in the ledger."""
    with closing(sqlite3.connect(world.folder / "bridge.db")) as database:
        (number,) = database.execute("SELECT count(*) FROM turns WHERE ended_at IS NULL").fetchone()
    return bool(number == 0)


async def test_stop_button_of_a_finished_answer_stops_nothing(world: World, anna: Private) -> None:
    world.script("story", reply=STORY, pace=0.002)
    async with world.running():
        await anna.say("A story, please")
        await anna.until(lambda _: anna.answers and labels(anna) == [STOP_LABEL])
        body = anna.answers[0].shown()
        await anna.final(STORY[-20:])
        await eventually(lambda: nothing_is_open(world))
        query = {"id": "77", "from": anna.person.shown(), "message": body, "data": "/stop"}
        anna.tell("callback_query", {**query, "chat_instance": "1"})
        await anna.final("Nothing is being answered.")
    assert anna.answers[0].text == STORY


# Earlier conversations


async def test_history_offers_buttons_that_go_back(world: World, anna: Private) -> None:
    world.script("", reply="Noted.")
    async with world.running():
        await anna.final("Noted.", after=await anna.say("About bridges"))
        await anna.final("about?", after=await anna.say("/new"))
        await anna.final("Noted.", after=await anna.say("About trains"))
        await anna.say("/history")
        await suggesting(anna)
        assert sorted(labels(anna)) == ["About bridges", "About trains"]
        await anna.answers[-1].press("About bridges")
        await anna.final("Back in “About bridges”.")
        await anna.final("Noted.", after=await anna.say("more"))
    first, second, third = [asked.conversation_id for asked in world.coze.asked]
    assert first == third != second
