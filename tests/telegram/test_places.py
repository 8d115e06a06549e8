"""Whose conversation it is: groups, topics, upgraded groups, and business accounts."""

import asyncio

import pytest

from tests.platforms.worlds import eventually
from tests.telegram.emulator import Chat, Emulator, Group, Limits, Person
from tests.telegram.world import World

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

BOT = "@coze_bridge_bot"
STORY = "".join(f"This is sentence number {number} of the story. " for number in range(60)).strip()


@pytest.fixture
def anna(telegram: Emulator) -> Person:
    return telegram.person(1001, "Anna")


@pytest.fixture
def bob(telegram: Emulator) -> Person:
    return telegram.person(1002, "Bob")


@pytest.fixture
def group(telegram: Emulator, anna: Person, bob: Person) -> Group:
    return telegram.group("Bridge", anna, bob)


def conversations(world: World) -> list[str]:
    """The conversation at Coze of each question, in order."""
    return [asked.conversation_id for asked in world.coze.asked]


async def answered(chat: Chat, count: int) -> None:
    """Wait until so many answers stand there, all of them whole."""
    await chat.until(lambda _: len(chat.answers) == count and not chat.answers[-1].buttons)


# Groups


@pytest.mark.parametrize("privacy", [True, False], ids=["privacy on", "privacy off"])
async def test_group_is_answered_when_it_asks_and_not_otherwise(
    world: World, group: Group, anna: Person, bob: Person, *, privacy: bool
) -> None:
    world.telegram.privacy = privacy
    world.script("", reply="An answer.")
    async with world.running():
        await group.say(anna, "nice weather")
        question = await group.say(anna, f"😀 {BOT} one?")
        await answered(group, 1)
        assert group.answers[0].reply_to is question
        await group.say(bob, "talking to each other", reply_to=question)
        await group.say(bob, "two?", reply_to=group.answers[0])
        await answered(group, 2)
        await group.say(anna, "/new@coze_bridge_bot")
        await answered(group, 3)
        await group.say(anna, "/new@other_bot")
        await group.say(anna, f"{BOT} three?")
        await answered(group, 4)
    assert world.questions() == ["😀 one?", "two?", "three?"]
    assert "A new conversation" in group.answers[2].text


async def test_deleted_question_is_answered_all_the_same(
    world: World, group: Group, anna: Person
) -> None:
    world.script("", reply="An answer.", first_delay=0.2)
    async with world.running():
        question = await group.say(anna, f"{BOT} one?")
        await group.seat(anna).delete(question)
        await answered(group, 1)
    assert group.answers[0].reply_to is None


@pytest.mark.parametrize(("scope", "shared"), [("user", False), ("chat", True)])
async def test_conversation_in_a_group_is_ones_own_or_everybodys(
    world: World, group: Group, anna: Person, bob: Person, scope: str, *, shared: bool
) -> None:
    world.script("", reply="An answer.")
    async with world.running({"group_scope": scope}):
        for number, person in enumerate((anna, bob, anna)):
            await group.say(person, f"{BOT} hi")
            await answered(group, number + 1)
    first, second, third = conversations(world)
    assert first == third
    assert (first == second) is shared


async def test_anonymous_administrator_is_answered(
    world: World, group: Group, anna: Person
) -> None:
    world.script("", reply="An answer.")
    async with world.running():
        message = await group.say(anna, f"{BOT} hi")
        await answered(group, 1)
        anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        body = message.shown() | {
            "message_id": 4711,
            "from": anonymous,
            "sender_chat": group.brief(),
        }
        group.tell("message", body)
        await answered(group, 2)
    assert len(set(conversations(world))) == 2


async def test_group_limit_is_kept_and_the_final_edit_lands(
    world: World, group: Group, anna: Person
) -> None:
    """Twenty a minute, sends and edits together: animation is given up first."""
    world.telegram.throttle.set(Limits())
    world.script("", reply=STORY, pace=0.004)
    async with world.running(edit_interval_group=0.02):
        await group.say(anna, f"{BOT} a story")
        [message] = await group.final(STORY[-20:])
    assert message.edits >= 5
    calls = world.telegram.journal.of("sendMessage", "editMessageText")
    assert len(calls) <= 20
    assert world.telegram.journal.refusals.total() == 0


async def test_bot_that_was_kicked_says_no_more(world: World, group: Group, anna: Person) -> None:
    world.script("", reply=STORY, pace=0.002)
    async with world.running():
        await group.say(anna, f"{BOT} a story")
        await group.until(lambda _: group.answers)
        await group.kick_bot(anna)
        journal = world.telegram.journal
        await eventually(lambda: any(call.status == 403 for call in journal.of("sendMessage")))
        posts = journal.calls["sendMessage"]
        chat = anna.chat()
        await chat.say("are you well?")
        await chat.final(STORY[-20:])
    assert journal.calls["sendMessage"] == posts + 1


# Topics


async def test_topics_of_a_forum_are_conversations_of_their_own(world: World, anna: Person) -> None:
    forum = world.telegram.forum("Forum", anna)
    world.script("", reply="An answer.")
    trains, bridges = forum.in_topic("Trains"), forum.in_topic("Bridges")
    async with world.running():
        for topic in (trains, bridges):
            await topic.say(anna, f"{BOT} hi")
        await forum.until(lambda _: len(trains.answers) == len(bridges.answers) == 1)
        await trains.say(anna, "and?", reply_to=trains.answers[0])
        await forum.until(lambda _: len(trains.answers) == 2)
        await forum.say(anna, f"{BOT} in general")
        await forum.until(lambda _: any(m.thread is None for m in forum.answers))
    assert len(set(conversations(world))) == 3
    assert len(conversations(world)) == 4
    assert len(bridges.answers) == 1


async def test_topics_of_a_private_chat_are_conversations_of_their_own(
    world: World, anna: Person
) -> None:
    world.telegram.has_topics = True
    chat = anna.chat()
    work, home = chat.in_topic("Work"), chat.in_topic("Home")
    world.script("", reply="An answer.")
    async with world.running():
        for topic in (work, home):
            await topic.say(anna, "hi")
            await chat.until(lambda _, topic=topic: len(topic.answers) == 1)  # type: ignore[misc]
        await chat.say("hi")
        await answered(chat, 3)
    assert len(set(conversations(world))) == 3
    assert [len(work.answers), len(home.answers)] == [1, 1]


async def test_closed_topic_ends_the_answer_and_nothing_else(world: World, anna: Person) -> None:
    forum = world.telegram.forum("Forum", anna)
    topic = forum.in_topic("Trains")
    world.script("", reply="An answer.", first_delay=0.1)
    async with world.running():
        await topic.say(anna, f"{BOT} hi")
        await eventually(world.questions)
        await topic.close()
        await forum.say(anna, f"{BOT} hi")
        await forum.until(lambda _: len(forum.answers) == 1)
    assert topic.answers == []


# Groups that become supergroups


async def test_conversation_goes_on_in_the_supergroup(
    world: World, group: Group, anna: Person
) -> None:
    world.script("", reply="An answer.")
    async with world.running():
        await group.say(anna, f"{BOT} before")
        await answered(group, 1)
        new = await group.migrate(anna)
        await new.say(anna, f"{BOT} after")
        await answered(new, 1)
    before, after = conversations(world)
    assert before == after


async def test_answer_that_streams_goes_on_in_the_supergroup(
    world: World, group: Group, anna: Person
) -> None:
    world.script("", reply=STORY * 3, pace=0.001)
    async with world.running():
        await group.say(anna, f"{BOT} a story")
        await group.until(lambda _: group.answers and group.answers[0].buttons)
        new = await group.migrate(anna)
        await new.until(lambda _: new.answers and not new.answers[-1].buttons)
        text = "".join("".join(message.text.split()) for message in new.answers)
        assert text.endswith("".join(STORY[-30:].split()))
        await new.say(anna, f"{BOT} another")
        await eventually(lambda: len(world.coze.asked) == 2)
    first, second = conversations(world)
    assert first == second


async def test_answer_that_was_not_begun_goes_to_the_supergroup(
    world: World, group: Group, anna: Person
) -> None:
    world.script("", reply="An answer.", first_delay=0.3)
    async with world.running():
        await group.say(anna, f"{BOT} hi")
        await eventually(world.questions)
        new = await group.migrate(anna)
        await answered(new, 1)
    assert new.texts(new.answers) == ["An answer."]
    assert group.answers == []


# Business accounts


async def test_customer_is_answered_in_the_owners_name(world: World, bob: Person) -> None:
    connection = await world.telegram.person(1, "Olga").connect_business()
    shop = connection.chat(bob)
    world.script("", reply=STORY, pace=0.002, first_delay=0.3)
    async with world.running(stream="native"):
        await shop.say("Do you sell bridges?")
        [message] = await shop.final(STORY[-20:])
    assert message.business == connection.id
    assert message.edits > 1
    assert world.telegram.journal.calls["sendMessageDraft"] == 0
    assert bob.chat().answers == []
    typing = world.telegram.journal.of("sendChatAction")
    assert typing[0].params["business_connection_id"] == connection.id


async def test_owner_who_answers_in_person_is_not_answered(world: World, bob: Person) -> None:
    connection = await world.telegram.person(1, "Olga").connect_business()
    shop = connection.chat(bob)
    world.script("", reply="An answer.")
    async with world.running():
        await connection.say(bob, "I shall answer this myself")
        await shop.say("hi")
        await answered(shop, 1)
    assert world.questions() == ["hi"]


async def test_customer_of_two_shops_who_also_knows_the_bot_has_three_conversations(
    world: World, bob: Person
) -> None:
    shops = [
        (await world.telegram.person(number, f"Shop {number}").connect_business()).chat(bob)
        for number in (1, 2)
    ]
    world.script("", reply="An answer.")
    async with world.running():
        for shop in shops:
            await shop.say("hi")
            await answered(shop, 1)
        await bob.chat().say("hi")
        await answered(bob.chat(), 1)
    assert len(set(conversations(world))) == 3


async def test_connection_that_ended_ends_the_answer(world: World, bob: Person) -> None:
    connection = await world.telegram.person(1, "Olga").connect_business()
    shop = connection.chat(bob)
    world.script("", reply="An answer.", first_delay=0.1)
    async with world.running():
        await shop.say("hi")
        await eventually(world.questions)
        await connection.disable()
        journal = world.telegram.journal
        await eventually(lambda: any(call.status == 400 for call in journal.of("sendMessage")))
        posts = journal.calls["sendMessage"]
        await bob.chat().say("hi")
        await answered(bob.chat(), 1)
        async with asyncio.timeout(30):
            await bob.chat().say("again")
            await answered(bob.chat(), 2)
    assert journal.calls["sendMessage"] == posts + 2
    assert shop.answers == []
