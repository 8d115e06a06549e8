"""The people's side: who is heard where, topics, channels, drafts, and waiting for answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.platforms.budgets import Clock
from tests.telegram.emulator import Emulator, Group, Person, serve
from tests.telegram.emulator.clients import Raw, raw
from tests.telegram.emulator.inbox import Json


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(clock=clock)) as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


@pytest.fixture
def ann(emulator: Emulator) -> Person:
    return emulator.person(1, "Ann")


@pytest.fixture
def group(emulator: Emulator, ann: Person) -> Group:
    return emulator.group("Friends", ann)


def told(updates: list[Json], kind: str = "message") -> list[object]:
    """The texts the bot heard."""
    bodies = [update.get(kind, {}) for update in updates]
    return [body.get("text") for body in bodies if isinstance(body, dict)]


HEARD = ["@coze_bridge_bot hi", "hi @Coze_Bridge_Bot", "/help", "/help@coze_bridge_bot", "/a b"]
UNHEARD = ["hi", "@somebody hi", "/help@other_bot", "mail me@coze_bridge_bot.example", "1/2"]


@pytest.mark.parametrize("text", HEARD)
async def test_privacy_mode_lets_commands_and_mentions_through(
    api: Raw, group: Group, ann: Person, text: str
) -> None:
    await group.say(ann, text)
    assert told(await api.updates()) == [text]


@pytest.mark.parametrize("text", UNHEARD)
async def test_privacy_mode_keeps_the_rest_back(
    api: Raw, group: Group, ann: Person, emulator: Emulator, text: str
) -> None:
    await group.say(ann, text)
    assert await api.updates() == []
    emulator.privacy = False
    await group.say(ann, text)
    assert told(await api.updates()) == [text]


async def test_privacy_mode_lets_replies_to_the_bot_and_service_messages_through(
    api: Raw, group: Group, ann: Person
) -> None:
    await api.ok("sendMessage", chat_id=group.id, text="well?")
    await group.say(ann, "yes", reply_to=group.answers[0])
    await group.seat(ann).service(new_chat_title="Foes")
    reply, service = await api.updates()
    assert told([reply]) == ["yes"]
    message = service["message"]
    assert isinstance(message, dict)
    assert message["new_chat_title"] == "Foes"


async def test_administrators_hear_everything(api: Raw, emulator: Emulator, ann: Person) -> None:
    group = emulator.group("Friends", ann, admin=True)
    await group.say(ann, "hi")
    assert told(await api.updates()) == ["hi"]


async def test_entities_are_where_the_words_are(api: Raw, group: Group, ann: Person) -> None:
    await group.say(ann, "😀 @coze_bridge_bot /new #tag https://x.example/?a")
    (update,) = await api.updates()
    message = update["message"]
    assert isinstance(message, dict)
    found = [(each["type"], each["offset"], each["length"]) for each in message["entities"]]
    assert found == [
        ("mention", 3, 16),
        ("bot_command", 20, 4),
        ("hashtag", 25, 4),
        ("url", 30, 20),
    ]


async def test_other_bots_are_not_heard_unless_that_is_on(
    api: Raw, emulator: Emulator, group: Group
) -> None:
    robot = emulator.person(8, "Robot", bot=True)
    await group.say(robot, "/help")
    assert await api.updates() == []
    emulator.hears_bots = True
    await group.say(robot, "/help")
    (update,) = await api.updates()
    message = update["message"]
    assert isinstance(message, dict)
    assert message["from"]["is_bot"] is True


async def test_topics_are_told_apart(api: Raw, emulator: Emulator, ann: Person) -> None:
    forum = emulator.forum("Work", ann)
    news, talk = forum.in_topic("News"), forum.in_topic("Talk")
    await news.say(ann, "/one")
    await forum.say(ann, "/general")
    one, general = [update["message"] for update in await api.updates()]
    assert isinstance(one, dict)
    assert isinstance(general, dict)
    assert (one["message_thread_id"], one["is_topic_message"]) == (news.id, True)
    assert one["chat"]["is_forum"] is True
    assert "message_thread_id" not in general
    await api.ok("sendMessage", chat_id=forum.id, text="x", message_thread_id=talk.id)
    assert [len(topic.answers) for topic in (news, talk)] == [0, 1]


async def test_private_chat_has_topics_too(api: Raw, emulator: Emulator, ann: Person) -> None:
    emulator.has_topics = True
    topic = ann.chat().in_topic("Trip")
    await topic.say(ann, "where to?")
    (update,) = await api.updates()
    message = update["message"]
    assert isinstance(message, dict)
    assert (message["message_thread_id"], message["is_topic_message"]) == (topic.id, True)


async def test_edits_and_channel_posts_are_kinds_of_their_own(
    api: Raw, emulator: Emulator, ann: Person
) -> None:
    chat, channel = ann.chat(), emulator.channel("Daily", username="daily")
    await chat.edit(await chat.say("a"), "b")
    await channel.edit(await channel.publish("c"), "d")
    updates = await api.updates()
    kinds = ("message", "edited_message", "channel_post", "edited_channel_post")
    assert [told([update], kind) for update, kind in zip(updates, kinds, strict=True)] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]
    sent = await api.message("sendMessage", chat_id="@daily", text="x")
    assert sent["chat"] == {
        "id": channel.id,
        "type": "channel",
        "title": "Daily",
        "username": "daily",
    }


async def test_blocked_bot_hears_of_it_and_of_nothing_else(api: Raw, ann: Person) -> None:
    chat = ann.chat()
    await chat.block()
    await chat.say("anybody there?")
    await chat.unblock()
    first, second = [update["my_chat_member"] for update in await api.updates()]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["new_chat_member"]["status"] == "kicked"
    assert second["old_chat_member"]["status"] == "kicked"


async def test_message_numbers_are_shared_but_in_supergroups(
    emulator: Emulator, ann: Person, group: Group
) -> None:
    forum = emulator.forum("Work", ann)
    first = await ann.chat().say("a")
    second = await group.say(ann, "b")
    own = [await forum.say(ann, "c"), await forum.say(ann, "d")]
    assert second.id == first.id + 1
    assert [message.id for message in own] == [2, 3]


async def test_button_in_a_group_is_pressed_by_somebody(
    api: Raw, group: Group, emulator: Emulator
) -> None:
    bob = emulator.person(2, "Bob")
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    await api.ok("sendMessage", chat_id=group.id, text="x", reply_markup=keyboard)
    with pytest.raises(LookupError, match="by=person"):
        await group.answers[0].press("Go")
    with pytest.raises(LookupError, match="no button 'Stop'"):
        await group.answers[0].press("Stop", bob)
    await group.answers[0].press("Go", bob)
    (update,) = await api.updates()
    query = update["callback_query"]
    assert isinstance(query, dict)
    assert (query["from"]["first_name"], query["data"]) == ("Bob", "g")


async def test_edit_without_a_keyboard_takes_it_away(api: Raw, ann: Person) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    chat = ann.chat()
    await api.ok("sendMessage", chat_id=1, text="x", reply_markup=keyboard)
    (shown,) = chat.answers
    place = {"chat_id": 1, "message_id": shown.id}
    same = await api.error("editMessageText", text="x", reply_markup=keyboard, **place)
    assert "message is not modified" in same
    await api.ok("editMessageText", text="x", **place)
    assert shown.buttons == []
    assert [[button.label for button in each.markup.buttons] for each in shown.revisions] == [
        ["Go"],
        [],
    ]


async def test_draft_lasts_half_a_minute_from_its_last_text(
    api: Raw, ann: Person, clock: Clock
) -> None:
    chat = ann.chat()
    await api.ok("sendMessageDraft", chat_id=1, draft_id=5, text="a")
    clock.move(20)
    await api.ok("sendMessageDraft", chat_id=1, draft_id=5, text="ab")
    clock.move(20)
    assert chat.draft is not None
    assert chat.draft.text == "ab"
    clock.move(10)
    assert chat.draft is None
    assert chat.drafts[0].ended == "expired"
    assert chat.answers == [], "nothing stays"
    with pytest.raises(LookupError, match="no draft"):
        await chat.stop_draft()


async def test_another_number_replaces_the_draft_of_the_same_topic(api: Raw, ann: Person) -> None:
    chat = ann.chat()
    topic = chat.in_topic("Trip")
    await api.ok("sendMessageDraft", chat_id=1, draft_id=5, text="a")
    await api.ok("sendMessageDraft", chat_id=1, draft_id=6, text="b", message_thread_id=topic.id)
    await api.ok("sendMessageDraft", chat_id=1, draft_id=7, text="c", can_stop=True)
    assert [draft.ended for draft in chat.drafts] == ["replaced", "", ""]
    await chat.stop_draft()
    assert [draft.ended for draft in chat.drafts] == ["replaced", "", "stopped"]
    assert told(await api.updates(), "stopped_message_generation") == [None]


async def test_final_waits_until_the_answer_is_whole(
    api: Raw, ann: Person, emulator: Emulator
) -> None:
    chat = ann.chat()
    question = await chat.say("count")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(chat.final("two three", after=question))
        sent = await api.message("sendMessage", chat_id=1, text="one")
        await api.ok("sendMessage", chat_id=1, text=" two three")
        assert sent["text"] == "one"
    assert [message.text for message in waiting.result()] == ["one", "two three"]


async def test_waiting_ends_with_a_timeout(ann: Person) -> None:
    with pytest.raises(TimeoutError):
        await ann.chat().until(lambda messages: len(messages) > 0, within=0.01)
    await ann.chat().say("hi")
    (only,) = await ann.chat().until(lambda messages: len(messages) > 0)
    assert only.text == "hi"
