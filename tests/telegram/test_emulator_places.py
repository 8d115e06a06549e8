"""Which messages and which places a bot may touch, and for how long."""

from collections.abc import AsyncIterator

import pytest

from tests.platforms.budgets import Clock
from tests.telegram.emulator import Emulator, Limits, serve
from tests.telegram.emulator.clients import Raw, raw

HOUR = 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(clock=clock)) as emulator:
        emulator.person(1, "Ann").chat()
        yield emulator


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


async def test_edit_is_refused(api: Raw, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    mine = await ann.say("mine")
    sent = await api.message("sendMessage", chat_id=1, text="same")
    number = sent["message_id"]

    async def error(**params: object) -> str:
        return await api.error("editMessageText", **params)

    assert await error(chat_id=1, message_id=99, text="x") == (
        "Bad Request: message to edit not found"
    )
    assert await error(chat_id=1, text="x") == "Bad Request: message identifier is not specified"
    assert await error(message_id=1, text="x") == "Bad Request: chat identifier is not specified"
    assert await error(chat_id=1, message_id=mine.id, text="x") == (
        "Bad Request: message can't be edited"
    )
    assert await error(chat_id=1, message_id=number, text=" same ") == (
        "Bad Request: message is not modified: specified new message content and reply markup "
        "are exactly the same as a current content and reply markup of the message"
    )
    assert await error(chat_id=1, message_id=number, text="x" * 4097) == (
        "Bad Request: message is too long"
    )
    await ann.delete(ann.answers[0])
    assert await error(chat_id=1, message_id=number, text="x") == (
        "Bad Request: message to edit not found"
    )


async def test_live_location_that_is_none_is_refused_by_whose_message_it_is(
    api: Raw, emulator: Emulator
) -> None:
    """Word for word as TDLib, and before anything is counted or changed."""
    emulator.throttle.set(Limits(private_burst=1))
    chat = emulator.person(1, "Ann").chat()
    theirs = await chat.say("hi")
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]}
    ours = await api.message("sendMessage", chat_id=1, text="mine", reply_markup=keyboard)
    there = {
        ours["message_id"]: "there is no live location in the message to edit",
        theirs.id: "message can't be edited",
        99: "message to edit not found",
    }
    for number, told in there.items():
        found = await api.error("stopMessageLiveLocation", chat_id=1, message_id=number)
        assert found == f"Bad Request: {told}"
    [message] = chat.answers
    assert (message.edits, len(message.buttons)) == (0, 1)


async def test_business_message_of_others_is_editable_for_48_hours(
    api: Raw, emulator: Emulator, clock: Clock
) -> None:
    connection = await emulator.person(5, "Shop").connect_business()
    customer = connection.chat(emulator.person(2))
    said = await customer.say("hi")
    place = {"business_connection_id": connection.id, "chat_id": 2, "message_id": said.id}
    await api.ok("editMessageText", text="one", **place)
    clock.move(48 * HOUR + 1)
    found = await api.error("editMessageText", text="two", **place)
    assert found == "Bad Request: message can't be edited"
    await connection.disable()
    found = await api.error("editMessageText", text="two", **place)
    assert found == "Bad Request: BUSINESS_CONNECTION_INVALID"


async def test_reply_to_a_deleted_message_may_go_without(api: Raw, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    question = await ann.say("why?")
    reply = {"message_id": question.id, "allow_sending_without_reply": True}
    answer = await api.message("sendMessage", chat_id=1, text="so", reply_parameters=reply)
    assert "reply_to_message" in answer
    wrong = {**reply, "quote": "how?"}
    found = await api.error("sendMessage", chat_id=1, text="so", reply_parameters=wrong)
    assert found == "Bad Request: QUOTE_TEXT_INVALID"
    await ann.delete(question)
    answer = await api.message("sendMessage", chat_id=1, text="so", reply_parameters=reply)
    assert "reply_to_message" not in answer


async def test_deletion_has_its_limits(api: Raw, emulator: Emulator, clock: Clock) -> None:
    ann = emulator.person(1)
    group = emulator.group("Friends", ann)
    said = await group.say(ann, "hi")
    found = await api.error("deleteMessage", chat_id=group.id, message_id=said.id)
    assert found == "Bad Request: message can't be deleted"
    found = await api.error("deleteMessage", chat_id=group.id, message_id=99)
    assert found == "Bad Request: message to delete not found"
    sent = await api.message("sendMessage", chat_id=1, text="x")
    clock.move(48 * HOUR + 1)
    found = await api.error("deleteMessage", chat_id=1, message_id=sent["message_id"])
    assert found == "Bad Request: message can't be deleted"
    await api.ok("deleteMessages", chat_id=1, message_ids=[sent["message_id"], 99])
    assert ann.chat().answers == []


async def test_place_the_bot_may_not_write_to_is_forbidden(api: Raw, emulator: Emulator) -> None:
    ann = emulator.person(1)
    group, forum = emulator.group("A", ann), emulator.forum("B", ann)
    other = emulator.person(8, "Robot", bot=True).chat()
    stranger = emulator.person(9).chat(started=False)
    gone = emulator.person(10).chat()
    gone.deactivated = True
    await ann.chat().block()
    await group.kick_bot(ann)
    await forum.kick_bot(ann)
    expected = {
        1: "bot was blocked by the user",
        group.id: "bot was kicked from the group chat",
        forum.id: "bot was kicked from the supergroup chat",
        other.id: "bot can't send messages to bots",
        stranger.id: "bot can't initiate conversation with a user",
        gone.id: "user is deactivated",
    }
    for chat_id, description in expected.items():
        answer = await api.call("sendMessage", chat_id=chat_id, text="x")
        assert answer.status == 403
        assert answer.description == f"Forbidden: {description}"
    await ann.chat().unblock()
    await group.set_bot_status("left", ann)
    await api.ok("sendMessage", chat_id=1, text="x")
    found = await api.error("sendMessage", chat_id=group.id, text="x")
    assert found == "Forbidden: bot is not a member of the group chat"


async def test_upgraded_group_says_where_it_went(api: Raw, emulator: Emulator) -> None:
    ann = emulator.person(1)
    group = emulator.group("Friends", ann)
    new = await group.migrate(ann)
    answer = await api.call("sendMessage", chat_id=group.id, text="x")
    assert answer.body == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": new.id},
    }


async def test_closed_and_missing_topics_are_refused(api: Raw, emulator: Emulator) -> None:
    ann = emulator.person(1)
    forum, group = emulator.forum("B", ann), emulator.group("A", ann)
    topic = forum.in_topic("News")
    sent = await api.message("sendMessage", chat_id=forum.id, text="x", message_thread_id=topic.id)
    assert sent["is_topic_message"] is True
    await topic.close()
    place = {"chat_id": forum.id, "text": "x"}
    found = await api.error("sendMessage", message_thread_id=topic.id, **place)
    assert found == "Bad Request: TOPIC_CLOSED"
    for thread in (1, 999):  # the general topic is no thread either
        found = await api.error("sendMessage", message_thread_id=thread, **place)
        assert found == "Bad Request: message thread not found"
    sent = await api.message("sendMessage", chat_id=group.id, text="x", message_thread_id=999)
    assert "message_thread_id" not in sent
