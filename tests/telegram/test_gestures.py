"""What people do around an answer: thumbs, reactions, keys that ask for a position, albums."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.telegram.asides import AT_ONCE, SPARE, SPARE_IN_GROUP, Asides
from adapters.telegram.bots import make_bot
from bridge.config import AgentSettings
from bridge.emulator import DEMO_BOT_ID, ToolCall
from bridge.errors import Gone
from bridge.events import Button, ChatKind, ChatRef, Inbound, Page, User, Wanted
from bridge.testing.contract import RecordingSink, receiving
from tests.engine.test_verdict import NOW
from tests.platforms.budgets import Clock
from tests.platforms.faults import Gate
from tests.platforms.worlds import eventually
from tests.telegram.emulator import Emulator, Fault, Message, Private
from tests.telegram.world import ACCOUNT, LentHost, Supervised, World, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

CHAT = ChatRef("telegram", ACCOUNT, "1001")
BOT = "@coze_bridge_bot"


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


@pytest.fixture
def rated(world: World) -> World:
    """A world in which answers can be called good or bad."""
    world.agent = AgentSettings(bot_id=DEMO_BOT_ID)
    return world


@pytest.fixture
async def adapter(telegram: Emulator) -> AsyncIterator[Supervised]:
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url), LentHost())
    await adapter.open()
    yield adapter
    await adapter.close()


def labels(message: Message) -> list[str]:
    return [button.label for button in message.buttons]


async def answer(chat: Private, text: str) -> Message:
    """Wait for an answer that is whole."""
    await chat.final(text)
    await chat.until(lambda _: "👍" in labels(chat.answers[-1]))
    return chat.answers[-1]


def opinions(world: World) -> list[str]:
    """What Coze was told of the answers, and what stands."""
    return [said.feedback_type for said in world.coze.feedback.values()]


# Good or bad


async def test_thumb_is_feedback_at_coze_and_is_marked(rated: World, anna: Private) -> None:
    rated.script("hi", reply="Hello.")
    async with rated.running():
        await anna.say("hi")
        message = await answer(anna, "Hello.")
        await message.press("👍")
        await eventually(lambda: opinions(rated) == ["like"])
        await anna.until(lambda _: labels(message) == ["👍 ✓", "👎"])
    assert anna.texts(anna.answers) == ["Hello."]


async def test_pressed_again_it_is_taken_back(rated: World, anna: Private) -> None:
    rated.script("hi", reply="Hello.")
    async with rated.running():
        await anna.say("hi")
        message = await answer(anna, "Hello.")
        await message.press("👎")
        await anna.until(lambda _: labels(message) == ["👍", "👎 ✓"])
        await eventually(lambda: opinions(rated) == ["unlike"])
        await message.press("👎 ✓")
        await eventually(lambda: opinions(rated) == [])


async def test_reaction_is_feedback_changed_and_withdrawn(rated: World, anna: Private) -> None:
    rated.script("hi", reply="Hello.")
    async with rated.running():
        await anna.say("hi")
        message = await answer(anna, "Hello.")
        await anna.react(message, "❤")
        await eventually(lambda: opinions(rated) == ["like"])
        await anna.react(message, "👎")
        await eventually(lambda: opinions(rated) == ["unlike"])
        await anna.react(message, "")
        await eventually(lambda: opinions(rated) == [])
    assert anna.texts(anna.answers) == ["Hello."]


async def test_reaction_to_what_is_none_of_ours_says_nothing(rated: World, anna: Private) -> None:
    rated.script("hi", reply="Hello.")
    async with rated.running():
        question = await anna.say("hi")
        await answer(anna, "Hello.")
        await anna.react(question, "👍")
        rated.script("more", reply="That is all.")
        await anna.say("more")
        await answer(anna, "That is all.")
    assert opinions(rated) == []
    assert len(anna.answers) == 2


async def test_reaction_in_a_topic_is_about_its_answer(rated: World) -> None:
    """Telegram tells the message, and not the topic it is in."""
    anna = rated.telegram.person(1001, "Anna")
    forum = rated.telegram.forum("Bridges", anna, admin=True)
    topic = forum.in_topic("Old ones")
    rated.script("hi", reply="Hello.")
    async with rated.running():
        await topic.say(anna, f"{BOT} hi")
        await forum.until(lambda _: forum.answers and "👍" in labels(forum.answers[-1]))
        await topic.seat(anna).react(forum.answers[-1], "👍")
        await eventually(lambda: opinions(rated) == ["like"])


# Suggestions go away


async def test_suggestions_go_once_one_was_asked(rated: World, anna: Private) -> None:
    rated.script("hi", reply="Hello.", follow_ups=("Why?", "How?"))
    rated.script("Why", reply="Because.")
    async with rated.running():
        await anna.say("hi")
        message = await answer(anna, "Hello.")
        assert labels(message) == ["Why?", "How?", "👍", "👎"]
        await message.press("Why?")
        await anna.final("Because.")
        await anna.until(lambda _: labels(message) == ["👍", "👎"])
    assert message.text == "Hello."


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def asides(telegram: Emulator, clock: Clock) -> AsyncIterator[Asides]:
    bot = make_bot(telegram_settings(telegram.url))
    yield Asides(bot, ACCOUNT, clock=clock)
    await bot.release()


def pressed(chat: ChatRef, message: str = "1") -> Inbound:
    return Inbound("press/1", chat, User("1001"), "Why?", NOW, pressed=True, about=message)


async def changes(telegram: Emulator, asides: Asides) -> int:
    await asides.close()
    return len(telegram.journal.of("editMessageReplyMarkup"))


@pytest.mark.parametrize(
    ("kind", "pause"), [(ChatKind.PRIVATE, SPARE), (ChatKind.GROUP, SPARE_IN_GROUP)]
)
async def test_buttons_change_no_more_often_than_there_is_room(
    telegram: Emulator, asides: Asides, clock: Clock, kind: ChatKind, pause: float
) -> None:
    chat = ChatRef("telegram", ACCOUNT, "1001", kind=kind)
    asides.leave(pressed(chat), [])
    asides.leave(pressed(chat), [])
    assert await changes(telegram, asides) == 1
    clock.move(pause - 0.1)
    asides.leave(pressed(chat), [])
    assert await changes(telegram, asides) == 1
    clock.move(0.2)
    asides.leave(pressed(chat), [])
    assert await changes(telegram, asides) == 2


async def test_whoever_asks_for_patience_gets_it(
    telegram: Emulator, asides: Asides, clock: Clock
) -> None:
    telegram.inject(Fault("editMessageReplyMarkup", retry_after=30))
    for moved, count in ((0, 1), (29, 1), (2, 2)):
        clock.move(moved)
        asides.leave(pressed(CHAT), [])
        assert await changes(telegram, asides) == count


async def test_nothing_is_called_aside_while_telegram_wants_patience(
    telegram: Emulator, asides: Asides, clock: Clock
) -> None:
    telegram.inject(Fault("answerCallbackQuery", retry_after=30))
    for moved, count in ((0, 1), (29, 1), (2, 2)):
        clock.move(moved)
        asides.answer("1")
        await asides.close()
        assert len(telegram.journal.of("answerCallbackQuery")) == count


async def test_a_flood_of_presses_takes_few_connections_from_answers(
    telegram: Emulator, asides: Asides
) -> None:
    gate = Gate()
    telegram.faults.add(Fault("answerCallbackQuery", gate=gate))
    for number in range(AT_ONCE * 3):
        asides.answer(str(number))
    await gate.reached.wait()
    gate.open()
    await asides.close()
    assert len(telegram.journal.of("answerCallbackQuery")) <= AT_ONCE


# Asking for a position


ASKS = Page("Where?", final=True, buttons=(Button("Here", "", Wanted.LOCATION),))


async def test_page_that_asks_brings_a_key(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    await adapter.send(CHAT, ASKS, key="k")
    assert anna.keys == [{"text": "Here", "request_location": True}]


async def test_message_that_grew_makes_way_for_one_with_a_key(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    """A keyboard comes with a new message only; the words are there once all the same."""
    message = await adapter.send(CHAT, Page("Whe"), key="k")
    with pytest.raises(Gone):
        await adapter.edit(message, ASKS)
    with pytest.raises(Gone):  # the process died before the new message
        await adapter.edit(message, ASKS)
    await adapter.send(CHAT, ASKS, key="k")
    assert anna.texts(anna.answers) == ["Where?"]
    assert len(anna.keys) == 1


async def test_key_goes_away_with_the_next_message(telegram: Emulator, anna: Private) -> None:
    sink = RecordingSink()
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url), LentHost())
    await adapter.open()
    async with receiving(adapter, sink):
        await adapter.send(CHAT, ASKS, key="k")
        await anna.location(51.5, -0.1)
        await anna.until(lambda _: not anna.keys)
        await anna.until(lambda _: anna.texts(anna.answers) == ["Where?"])
        sent = len(telegram.journal.of("sendMessage"))
        await anna.say("more")
        await eventually(lambda: len(sink.events) == 2)
    await adapter.close()
    assert len(telegram.journal.of("sendMessage")) == sent


async def test_press_of_a_button_elsewhere_leaves_the_keys(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    sink = RecordingSink()
    async with receiving(adapter, sink):
        await adapter.send(CHAT, Page("x", final=True, rates=True), key="k1")
        await adapter.send(CHAT, ASKS, key="k2")
        await anna.answers[0].press("👍")
        await anna.until(lambda _: labels(anna.answers[0]) == ["👍 ✓", "👎"])
        assert anna.keys


async def test_agent_that_asks_where_somebody_is_gets_to_know(world: World, anna: Private) -> None:
    world.script("near", reply="Where are you?", pace=0.01, tools=(ToolCall("ask_location", "{}"),))
    world.script("Location", reply="A bridge is near.")
    async with world.running():
        await anna.say("What is near?")
        await anna.until(lambda _: anna.keys)
        assert anna.keys == [{"text": "Share my location", "request_location": True}]
        question = await anna.location(51.5055, -0.0754)
        await anna.final("is near.", after=question)
        await anna.until(lambda _: not anna.keys)
    assert anna.texts(anna.answers) == ["Where are you?", "A bridge is near."]
    assert world.coze.asked[1].extra == {"latitude": "51.505500", "longitude": "-0.075400"}


async def test_in_a_group_there_is_no_key(telegram: Emulator, adapter: Supervised) -> None:
    group = telegram.group("G", telegram.person(1001))
    place = ChatRef("telegram", ACCOUNT, str(group.id), kind=ChatKind.GROUP)
    await adapter.send(place, ASKS, key="k")
    assert group.keys == []
    assert group.answers[0].buttons == []


# Albums


def words(sink: RecordingSink) -> Sequence[tuple[str, int]]:
    return [(event.text, len(event.attachments)) for event in sink.events]


async def test_album_in_a_group_is_heard_whole_wherever_its_words_stand(
    telegram: Emulator, adapter: Supervised
) -> None:
    telegram.privacy = False
    anna = telegram.person(1001)
    seat = telegram.group("G", anna).seat(anna)
    await seat.part("1")
    await seat.part("1", caption=f"{BOT} what is it?")
    await seat.part("1")
    await seat.part("2", caption="for somebody else")
    await seat.part("2")
    sink = RecordingSink()
    async with receiving(adapter, sink):
        await eventually(lambda: not telegram.inbox.pending)
        assert words(sink) == [("", 1), ("what is it?", 1), ("", 1)]
        await seat.part("1")  # late
        await eventually(lambda: len(sink.events) == 4)
    assert {event.album for event in sink.events} == {"1"}


async def test_parts_of_an_album_that_come_one_by_one_are_one_question(
    world: World, anna: Private
) -> None:
    world.script("", reply="Two pictures.")
    async with world.running({"merge_window": 0}):
        await anna.part("1", b"\xff\xd8\xff one", caption="What is it?")
        await eventually(lambda: not world.telegram.inbox.pending)
        await anna.part("1", b"\xff\xd8\xff two")
        await anna.final("pictures.")
    assert world.questions() == ["What is it?"]
    assert anna.texts(anna.answers) == ["Two pictures."]
    stored = {file.content for file in world.coze.files.all.values()}
    assert stored == {b"\xff\xd8\xff one", b"\xff\xd8\xff two"}


# A changed question


async def test_changed_question_is_asked_anew_where_that_is_wanted(
    world: World, anna: Private
) -> None:
    world.script("one", reply="One.")
    world.script("two", reply="Two.")
    async with world.running({"edited": "ask"}):
        question = await anna.say("one")
        await anna.final("One.")
        await anna.edit(question, "two")
        await anna.final("Two.")
    assert world.questions() == ["one", "two"]
    assert anna.texts(anna.answers) == ["Two."]


async def test_place_reaches_the_agent(world: World, anna: Private) -> None:
    world.script("", reply="There.")
    async with world.running():
        await anna.venue(51.5055, -0.0754, "Tower Bridge", "London")
        await anna.final("There.")
        async with asyncio.timeout(30):
            await anna.final("There.", after=await anna.location(39.9, 116.4))
    assert world.questions() == ["Location: Tower Bridge, London", "Location: 39.9, 116.4"]
    assert world.coze.asked[1].extra == {"latitude": "39.900000", "longitude": "116.400000"}
