"""The updates that are no new message: changed words, reactions, presses and the like."""

from datetime import UTC, datetime

import pytest

from adapters.telegram.keyboard import STOP
from adapters.telegram.normalise import ChatMoved, Heard, Stale, understood
from bridge.events import ChatKind, ChatRef, User
from tests.telegram.understanding import heard, ignored
from tests.telegram.updates import (
    ANNA,
    CHANNEL,
    DATE,
    FILE,
    FORUM,
    GROUP,
    HERE,
    INACCESSIBLE,
    ME,
    OTHER_BOT,
    OUR_MESSAGE,
    PRIVATE,
    Json,
    business,
    mentioning,
    press,
    reacted,
    said,
)

# What is changed afterwards


def edited(update: Json, date: int = DATE + 60) -> Json:
    message = {**update["message"], "edit_date": date}
    return {"update_id": 7, "edited_message": message}


def test_changed_words_name_the_message_they_were_in() -> None:
    first, then = heard(said("hi")), heard(edited(said("hello")))
    assert then.edits == first.event_id
    assert then.event_id == f"edit/1001/41/{DATE + 60}"
    assert then.text == "hello"
    assert then.sent_at == datetime.fromtimestamp(DATE + 60, UTC)
    assert heard(edited(said("hi!"), DATE + 61)).event_id != then.event_id


def test_changed_caption_brings_no_file_again() -> None:
    event = heard(edited(said(None, photo=[FILE], caption="another")))
    assert (event.text, event.attachments) == ("another", ())


def test_changed_words_of_a_customer_are_those_of_that_business() -> None:
    event = heard(
        {"update_id": 1, "edited_business_message": business(edit_date=5)["business_message"]}
    )
    assert event.edits == heard(business()).event_id
    assert event.event_id == "edit/b-1/1001/41/5"
    assert event.chat.via == "b-1"


def test_change_in_a_group_is_heard_like_a_message() -> None:
    assert heard(edited(mentioning("@coze_bridge_bot hello"))).text == "hello"
    assert ignored(edited(said("hello", GROUP)))


@pytest.mark.parametrize(
    "update",
    [
        edited(said("hi", sender=OTHER_BOT)),
        edited(said(None, location=HERE)),
        edited(said(None, photo=[FILE])),
        {"update_id": 1, "edited_message": said("hi")["message"]},
    ],
    ids=["another bot's", "live location", "picture", "no change"],
)
def test_change_that_asks_nothing_is_passed_over(update: Json) -> None:
    assert ignored(update)


# Reactions


def test_reaction_is_feedback_about_its_message() -> None:
    event = heard(reacted("👍"))
    assert event.text == "/feedback like"
    assert (event.about, event.pressed, event.user.id) == ("40", True, "1001")
    assert event.chat == ChatRef("telegram", "bot", "1001")
    again = {**reacted("👍"), "update_id": 100000003}
    assert heard(again).event_id != event.event_id


def test_reaction_of_an_anonymous_administrator_is_the_groups() -> None:
    event = heard(reacted("👎", chat=GROUP, user=None, actor_chat=GROUP))
    assert (event.text, event.user.id) == ("/feedback dislike", "-4000001")
    assert event.chat.kind is ChatKind.GROUP


@pytest.mark.parametrize(
    "update",
    [
        reacted("👍", user={**ANNA, "is_bot": True}),
        reacted("👍", chat=CHANNEL),
        reacted("👍", message_id=None),
        reacted("🤔"),
        reacted("🔥", "👍"),
    ],
    ids=["bot", "channel", "no message", "no opinion", "same opinion"],
)
def test_reaction_that_says_nothing_is_passed_over(update: Json) -> None:
    assert ignored(update)


# Business accounts


def test_customer_is_answered_through_the_connection() -> None:
    event = heard(business())
    assert event.chat == ChatRef("telegram", "bot", "1001", via="b-1")
    assert event.event_id == "business/b-1/1001/41"
    assert event.event_id != heard(said("hi")).event_id


def test_owner_of_the_account_reads_along() -> None:
    assert heard(business()).overheard
    assert not heard(said("hi")).overheard
    shown = {**OUR_MESSAGE, "chat": PRIVATE}
    assert heard(press("/link", {**shown, "business_connection_id": "b-1"})).overheard
    assert not heard(press("/link", shown)).overheard


def test_owner_of_the_account_is_not_answered() -> None:
    owner = {"id": 9, "is_bot": False, "first_name": "Olga"}
    assert ignored(business(owner))
    ours = {"id": ME.id, "is_bot": True, "first_name": "Coze"}
    assert ignored(business(owner, sender_business_bot=ours))
    assert ignored(business(ANNA, sender_business_bot=ours))


# Buttons


@pytest.mark.parametrize(
    ("data", "says"),
    [("=0", "Tell me more"), ("=1", "更多"), ("/stop", "/stop"), ("/history 7", "/history 7")],
)
def test_press_says_what_the_button_means(data: str, says: str) -> None:
    found = understood(press(data), ME, "bot")
    assert isinstance(found, Heard)
    assert found.query_id == "4382bfdwdsb323b2d9"
    assert found.event.text == says
    assert found.event.pressed
    assert found.event.event_id == "press/4382bfdwdsb323b2d9"
    assert found.event.about == "40"
    assert found.event.user.id == "1001"
    assert found.event.chat == ChatRef("telegram", "bot", "1001")


def test_press_in_a_topic_is_answered_there() -> None:
    message = {**OUR_MESSAGE, "chat": FORUM, "message_thread_id": 7, "is_topic_message": True}
    chat = heard(press("/stop", message)).chat
    assert (chat.chat, chat.thread, chat.reply_to) == ("-1001000000002", "7", "")


@pytest.mark.parametrize(
    "update",
    [
        press("=0", INACCESSIBLE),
        press("=7"),
        press("=0", None),
        press("/stop", None, inline_message_id="x"),
        press("", game_short_name="chess"),
    ],
    ids=["too old", "gone button", "no message", "inline", "game"],
)
def test_press_that_cannot_be_read_is_stale(update: Json) -> None:
    assert understood(update, ME, "bot") == Stale("4382bfdwdsb323b2d9", "zh-hans")


def test_command_is_understood_from_a_message_of_any_age() -> None:
    assert heard(press("/history 7", INACCESSIBLE)).text == "/history 7"


# Drafts and migrations


def test_stop_under_a_draft_is_the_command() -> None:
    stopped = {"chat": PRIVATE, "message_thread_id": 7, "draft_id": 12}
    event = heard({"update_id": 5, "stopped_message_generation": stopped})
    assert event.text == STOP
    assert event.chat == ChatRef("telegram", "bot", "1001", thread="7")
    assert event.user == User("1001")
    assert event.event_id == "stopped/1001/12/5"


def test_upgraded_group_has_moved_whichever_side_tells_first() -> None:
    new = {**GROUP, "id": -1009, "type": "supergroup"}
    moved = ChatMoved("-4000001", "-1009")
    assert understood(said(None, GROUP, migrate_to_chat_id=-1009), ME, "bot") == moved
    assert understood(said(None, new, migrate_from_chat_id=-4000001), ME, "bot") == moved
