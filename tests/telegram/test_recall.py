"""A message of ours that nobody heard of: which numbers it may have, and whose they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.recall import BEYOND, MOST, guesses
from bridge.adapter import Around, Probes
from bridge.errors import Permanent, RateLimited
from bridge.events import ChatKind, ChatRef, Inbound, Page, User
from tests.platforms.faults import Drop
from tests.telegram.emulator import Emulator, Fault, Person
from tests.telegram.world import ACCOUNT, LentHost, World, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

PROBE = "stopMessageLiveLocation"
ANNA = "1001"
GROUP = "-4000001"
SUPERGROUP = "-1001000000001"
PRIVATE = ChatRef("telegram", ACCOUNT, ANNA)
STORY = " ".join(f"This is sentence number {number}." for number in range(40))


def event(number: int, chat: ChatRef = PRIVATE, event_id: str = "") -> Inbound:
    told = event_id or f"message/{chat.chat}/{number}"
    return Inbound(told, chat, User(ANNA), "hi", datetime(2026, 1, 2, tzinfo=UTC))


def group(chat: str) -> ChatRef:
    return ChatRef("telegram", ACCOUNT, chat, kind=ChatKind.GROUP)


# Which numbers


def test_lost_post_is_looked_for_right_above_its_question() -> None:
    assert guesses(event(7), Around()) == [8, 9, 10]


def test_numbers_that_any_private_chat_or_basic_group_has_are_nobody_elses() -> None:
    around = Around(
        since=("message/1002/8", f"message/{GROUP}/9", "press/77"),
        posted=frozenset({("1002", "10"), (ANNA, "12")}),
    )
    assert guesses(event(7), around) == [11, 13, 14, 15]


def test_supergroup_counts_its_own_messages() -> None:
    around = Around(
        before=("message/1002/900",),
        since=(f"message/{SUPERGROUP}/8", "message/1002/9"),
        posted=frozenset({("1002", "10")}),
    )
    assert guesses(event(7, group(SUPERGROUP)), around) == [9, 10, 11]
    assert guesses(event(7), Around(posted=frozenset({(SUPERGROUP, "8")}))) == [8, 9, 10]


def test_what_the_conversation_said_earlier_stands_above() -> None:
    around = Around(above=frozenset({"20", "9"}), posted=frozenset({(ANNA, "20")}))
    assert guesses(event(7), around) == [21, 22, 23]


def test_press_of_a_button_has_no_number_so_what_came_before_it_counts() -> None:
    pressed = event(0, event_id="press/123")
    assert guesses(pressed, Around(before=("message/1002/40", "message/1003/39"))) == [41, 42, 43]
    assert guesses(pressed, Around()) == []


def test_where_many_answers_were_under_way_more_numbers_may_be_it() -> None:
    assert len(guesses(event(7), Around(open=5))) == BEYOND + 5


def test_questions_are_few_however_many_numbers_there_are() -> None:
    around = Around(since=("message/1002/100000",), open=1000)
    assert len(guesses(event(7), around)) == MOST


def test_business_account_is_not_searched() -> None:
    assert guesses(event(7, replace(PRIVATE, via="b")), Around()) == []


@pytest.mark.parametrize("chat", [group(GROUP), replace(PRIVATE, thread="3")])
def test_where_several_talk_nothing_below_what_is_known_of_another_is_believed(
    chat: ChatRef,
) -> None:
    around = Around(posted=frozenset({(chat.chat, "20")}))
    assert guesses(event(7, chat), around) == [21, 22, 23]


# Whose they are


@pytest.fixture
async def adapter(telegram: Emulator) -> AsyncIterator[TelegramAdapter]:
    adapter = TelegramAdapter(ACCOUNT, telegram_settings(telegram.url), LentHost())
    await adapter.open()
    yield adapter
    await adapter.close()


@pytest.fixture
def anna(telegram: Emulator) -> Person:
    return telegram.person(int(ANNA), "Anna")


def now() -> float:
    return asyncio.get_running_loop().time()


def passing() -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def posted(adapter: TelegramAdapter, text: str = "lost", *, final: bool = True) -> str:
    return (await adapter.send(PRIVATE, Page(text, final=final), key="turn-1/0")).id


def test_adapter_probes(telegram: Emulator) -> None:
    settings = telegram_settings(telegram.url)
    assert isinstance(TelegramAdapter(ACCOUNT, settings, LentHost()), Probes)


async def test_only_what_we_said_in_that_chat_is_ours(
    telegram: Emulator, adapter: TelegramAdapter, anna: Person
) -> None:
    question = await anna.chat().say("hi")
    other = telegram.person(1002, "Bob")
    await other.chat().say("hello")
    await adapter.send(ChatRef("telegram", ACCOUNT, "1002"), Page("to Bob"), key="turn-9/0")
    await anna.chat().say("are you there?")
    lost = await posted(adapter)
    found = await adapter.search(event(question.id), Around(open=5), passing, by=now())
    assert found == lost
    asked = [call.params["message_id"] for call in telegram.journal.of(PROBE)]
    assert asked == list(range(question.id + 1, int(lost) + 1))


async def test_question_changes_nothing_not_even_a_button(
    adapter: TelegramAdapter, anna: Person
) -> None:
    question = await anna.chat().say("hi")
    await posted(adapter, final=False)
    [message] = anna.chat().answers
    assert await adapter.search(event(question.id), Around(), passing, by=now())
    assert message.buttons
    assert message.edits == 0


async def test_deleted_message_is_not_found(adapter: TelegramAdapter, anna: Person) -> None:
    question = await anna.chat().say("hi")
    await posted(adapter)
    [message] = anna.chat().answers
    message.chat.remove(message, "Anna")
    assert await adapter.search(event(question.id), Around(), passing, by=now()) is None


async def test_what_was_posted_since_is_above_all_that_was_lost(
    telegram: Emulator, adapter: TelegramAdapter, anna: Person
) -> None:
    asked = event((await anna.chat().say("hi")).id)
    died = now()
    await telegram.person(1002, "Bob").chat().say("hello")
    await adapter.send(ChatRef("telegram", ACCOUNT, "1002"), Page("to Bob"), key="turn-9/0")
    assert await adapter.search(asked, Around(), passing, by=died) is None
    assert len(telegram.journal.of(PROBE)) == 1  # the number of what Bob said
    assert await adapter.search(asked, Around(), passing, by=now()) is None
    assert len(telegram.journal.of(PROBE)) == 1 + len(guesses(asked, Around()))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(PROBE, code=400, description="Bad Request: something new"), Permanent),
        (Fault(PROBE, code=400, description="Bad Request: chat not found"), Permanent),
        (Fault(PROBE, code=404, description="Not Found"), Permanent),
        (Fault(PROBE, retry_after=3), RateLimited),
    ],
)
async def test_any_other_word_is_an_error(
    telegram: Emulator,
    adapter: TelegramAdapter,
    anna: Person,
    fault: Fault,
    error: type[Exception],
) -> None:
    question = await anna.chat().say("hi")
    telegram.inject(fault)
    with pytest.raises(error):
        await adapter.search(event(question.id), Around(), passing, by=now())


# The whole bridge


async def asks(anna: Person, world: World) -> list[str]:
    """Ask for a story while the answer to its first post is lost; returns what stands then."""
    world.telegram.inject(Fault("sendMessage", drop=Drop.AFTER))
    world.script("", reply=STORY, pace=0.005)
    chat = anna.chat()
    async with world.running():
        await chat.say("hi")
        await chat.final(STORY[-20:])
    return chat.texts(chat.answers)


async def test_post_whose_answer_was_lost_becomes_the_answer(world: World, anna: Person) -> None:
    assert await asks(anna, world) == [STORY]
    assert world.telegram.journal.of(PROBE)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(PROBE, times=0, code=400, description="Bad Request: something new"),
        Fault(PROBE, times=0, retry_after=60),
        Fault(PROBE, times=0, code=404, description="Not Found"),
        Fault(PROBE, times=0, code=502, html="<html>"),
    ],
    ids=["other words", "too many", "unknown", "broken"],
)
async def test_server_that_does_not_tell_gets_the_answer_once_more(
    world: World, anna: Person, fault: Fault
) -> None:
    world.telegram.inject(fault)
    half, whole = await asks(anna, world)
    assert STORY.startswith(half.rstrip(" …"))
    assert whole == STORY


async def test_lost_post_in_a_group_is_found_while_nobody_else_is_answered(
    world: World, anna: Person
) -> None:
    chat = world.telegram.group("Bridge", anna, supergroup=True)
    world.telegram.inject(Fault("sendMessage", drop=Drop.AFTER))
    world.script("", reply=STORY, pace=0.005)
    async with world.running():
        await chat.say(anna, "@coze_bridge_bot hi")
        await chat.final(STORY[-20:])
    assert chat.texts(chat.answers) == [STORY]


async def test_lost_post_in_a_group_is_left_alone_while_somebody_else_is_answered(
    world: World, anna: Person
) -> None:
    bob = world.telegram.person(1002, "Bob")
    chat = world.telegram.group("Bridge", anna, bob)
    world.telegram.inject(Fault("sendMessage", drop=Drop.AFTER))
    world.script("story", reply=STORY, pace=0.005)
    world.script("long", reply="Wait. " * 3000, pace=0.05)
    async with world.running():
        await chat.say(bob, "@coze_bridge_bot long")
        await chat.until(lambda _: bool(world.questions()))
        await chat.say(anna, "@coze_bridge_bot story")
        await chat.until(lambda _: any(message.text == STORY for message in chat.answers))
    assert world.telegram.journal.of(PROBE) == []
