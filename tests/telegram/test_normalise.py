"""From raw updates, the odd ones among them, to what the bridge understands."""

from datetime import UTC, datetime

import pytest

from adapters.telegram.keyboard import STOP
from adapters.telegram.normalise import (
    KINDS,
    ChatMoved,
    Heard,
    Stale,
    understood,
)
from bridge.events import Attachment, AttachmentKind, ChatKind, ChatRef, Inbound, Place, User
from tests.telegram.updates import (
    ANNA,
    ANONYMOUS,
    AS_CHANNEL,
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
    TELEGRAM,
    VENUE,
    Json,
    business,
    command,
    entity,
    mentioning,
    press,
    reacted,
    said,
)


def heard(update: Json) -> Inbound:
    found = understood(update, ME, "bot")
    assert isinstance(found, Heard)
    return found.event


def ignored(update: Json) -> bool:
    return understood(update, ME, "bot") is None


# Who, where and when


def test_private_message_has_all_that_telegram_tells() -> None:
    assert heard(said("hi")) == Inbound(
        event_id="message/1001/41",
        chat=ChatRef("telegram", "bot", "1001"),
        user=User(
            "1001",
            name="Anna Karenina",
            first_name="Anna",
            username="anna_k",
            language="zh-hans",
        ),
        text="hi",
        sent_at=datetime.fromtimestamp(DATE, UTC),
    )


def test_person_of_whom_only_the_id_is_known() -> None:
    assert heard(said(sender={"id": 5, "is_bot": False})).user == User("5")


def test_group_message_is_answered_as_a_reply_to_it() -> None:
    chat = heard(mentioning("@coze_bridge_bot hi")).chat
    assert chat == ChatRef("telegram", "bot", "-4000001", kind=ChatKind.GROUP, reply_to="41")


@pytest.mark.parametrize("date", [None, "yesterday", 10**30, -(10**30), True])
def test_message_without_a_readable_date_is_old(date: object) -> None:
    assert heard(said(date=date)).sent_at == datetime.fromtimestamp(0, UTC)


# Topics


@pytest.mark.parametrize("chat", [FORUM, PRIVATE], ids=["forum", "private"])
def test_topic_is_a_place_of_its_own(chat: Json) -> None:
    update = said("hi", chat, message_thread_id=7, is_topic_message=True, reply_to_message=None)
    if chat is FORUM:
        update["message"] |= {"text": "/ask", "entities": [entity("bot_command", 0, 4)]}
    assert heard(update).chat.thread == "7"


def test_thread_of_replies_is_no_topic() -> None:
    """Telegram numbers the threads of ordinary groups as well."""
    update = mentioning("@coze_bridge_bot hi", message_thread_id=40)
    assert heard(update).chat.thread == ""


def test_message_that_opened_the_topic_is_not_replied_to() -> None:
    root = {**OUR_MESSAGE, "chat": FORUM, "forum_topic_created": {"name": "t", "icon_color": 1}}
    update = said("hi", FORUM, message_thread_id=40, is_topic_message=True, reply_to_message=root)
    assert ignored(update)


def test_reply_to_the_bot_in_a_topic_is_heard() -> None:
    reply = {**OUR_MESSAGE, "chat": FORUM, "message_thread_id": 40, "is_topic_message": True}
    update = said("and?", FORUM, message_thread_id=40, is_topic_message=True)
    update["message"]["reply_to_message"] = reply
    assert heard(update).text == "and?"
    assert heard(update).chat.thread == "40"


# Whom it is for


@pytest.mark.parametrize(
    ("text", "heard_as"),
    [
        ("@coze_bridge_bot what now?", "what now?"),
        ("@coze_bridge_bot, what now?", "what now?"),
        ("@coze_bridge_bot：现在呢", "现在呢"),
        ("what now @coze_bridge_bot", "what now"),
        ("so @coze_bridge_bot what now?", "so what now?"),
        ("👨‍👩‍👧‍👦 family @coze_bridge_bot 😀 what?", "👨‍👩‍👧‍👦 family 😀 what?"),
        ("一😀 @coze_bridge_bot 好", "一😀 好"),
        ("first line\n@coze_bridge_bot\nlast line", "first line\n\nlast line"),
        ("@coze_bridge_bot\n- a\n  - b", "- a\n  - b"),
        ("@coze_bridge_bot /new", "/new"),
    ],
)
def test_mention_is_heard_without_the_name(text: str, heard_as: str) -> None:
    assert heard(mentioning(text)).text == heard_as


def test_mention_in_other_letters_is_ours() -> None:
    update = mentioning("@Coze_Bridge_BOT hi", "@Coze_Bridge_BOT")
    assert heard(update).text == "hi"


def test_name_is_heard_wherever_it_is_marked_and_nowhere_else() -> None:
    text = "@coze_bridge_bot2 @coze_bridge_bot hi"
    marks = [entity("mention", 0, 17), entity("mention", 18, 16)]
    assert heard(said(text, GROUP, entities=marks)).text == "@coze_bridge_bot2 hi"
    assert ignored(said(text, GROUP, entities=marks[:1]))
    assert ignored(said("@coze_bridge_bot hi", GROUP))


@pytest.mark.parametrize(("user", "ours"), [(ME.id, True), (1001, False)])
def test_text_mention_is_ours_by_its_id(user: int, ours: bool) -> None:
    mark = entity("text_mention", 0, 4, user={"id": user, "is_bot": True, "first_name": "Coze"})
    update = said("Coze what now?", GROUP, entities=[mark])
    assert ignored(update) is not ours
    if ours:
        assert heard(update).text == "what now?"


def test_reply_to_the_bot_is_for_it_and_to_others_is_not() -> None:
    assert heard(said("and?", GROUP, reply_to_message=OUR_MESSAGE)).text == "and?"
    theirs = {**OUR_MESSAGE, "from": ANNA}
    assert ignored(said("and?", GROUP, reply_to_message=theirs))
    assert ignored(said("and?", GROUP))


def test_mention_alone_says_nothing() -> None:
    assert ignored(mentioning("@coze_bridge_bot"))


def test_caption_is_what_is_said_about_a_photo() -> None:
    photo = [{"file_id": "small", "file_size": 10}, {"file_id": "large", "file_size": 99}]
    text = "😀 @coze_bridge_bot what is it?"
    update = said(None, GROUP, photo=photo, caption=text)
    assert ignored(update)
    update["message"]["caption_entities"] = [entity("mention", 3, 16)]
    event = heard(update)
    assert event.text == "😀 what is it?"
    assert event.attachments == (
        Attachment(AttachmentKind.PHOTO, "large", "photo.jpg", 99, "image/jpeg"),
    )


@pytest.mark.parametrize(
    ("text", "heard_as"),
    [
        ("/new", "/new"),
        ("/new@coze_bridge_bot", "/new"),
        ("/new@COZE_bridge_bot", "/new"),
        ("/history@coze_bridge_bot 123", "/history 123"),
        ("/weather in 北京", "/weather in 北京"),
    ],
)
@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_command_is_heard_without_the_name(chat: Json, text: str, heard_as: str) -> None:
    assert heard(command(text, chat)).text == heard_as


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_command_of_another_bot_is_not_ours(chat: Json) -> None:
    assert ignored(command("/new@other_bot", chat))


def test_slash_that_is_no_command_is_text() -> None:
    assert heard(said("/usr/bin is a folder")).text == "/usr/bin is a folder"


# Who is listened to


def test_anonymous_administrator_is_the_group() -> None:
    update = mentioning("@coze_bridge_bot hi", sender=ANONYMOUS, sender_chat=GROUP)
    assert heard(update).user == User("-4000001", name="Bridge")


def test_who_writes_as_a_channel_is_that_channel() -> None:
    update = mentioning("@coze_bridge_bot hi", sender=AS_CHANNEL, sender_chat=CHANNEL)
    assert heard(update).user == User("-1002000000003", name="News", username="the_news")


@pytest.mark.parametrize(
    "update",
    [
        mentioning("@coze_bridge_bot hi", sender=OTHER_BOT),
        said("hi", sender=OTHER_BOT),
        said("hi", sender=None),
        mentioning(
            "@coze_bridge_bot hi",
            sender=TELEGRAM,
            sender_chat=CHANNEL,
            is_automatic_forward=True,
        ),
        said("hi", CHANNEL, sender=None, sender_chat=CHANNEL),
        said("hi", {**FORUM, "is_direct_messages": True}, reply_to_message=OUR_MESSAGE),
    ],
    ids=["other bot", "bot in private", "nobody", "copy of a post", "channel", "channel's inbox"],
)
def test_nobody_else_is_listened_to(update: Json) -> None:
    assert ignored(update)


@pytest.mark.parametrize(
    "kind",
    [
        "channel_post",
        "edited_channel_post",
        "message_reaction_count",
        "deleted_business_messages",
        "my_chat_member",
        "poll",
        "something_new",
    ],
)
def test_other_kinds_of_updates_are_passed_over_and_not_asked_for(kind: str) -> None:
    message = said("hi")["message"]
    assert ignored({"update_id": 1, kind: message})
    assert kind not in KINDS


@pytest.mark.parametrize(
    "event",
    [
        {"new_chat_members": [ANNA]},
        {"left_chat_member": ANNA},
        {"new_chat_title": "x"},
        {"pinned_message": OUR_MESSAGE},
        {"forum_topic_created": {"name": "t", "icon_color": 1}},
        {"group_chat_created": True},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
    ],
    ids=lambda event: next(iter(event)),
)
@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_service_messages_are_passed_over(event: Json, chat: Json) -> None:
    assert ignored(said(None, chat, **event))


# What is not text


@pytest.mark.parametrize("name", ["story", "giveaway", "paid_media", "contact", "location"])
def test_what_nobody_can_read_gets_an_answer_in_private_only(name: str) -> None:
    event = heard(said(None, **{name: {"x": 1}}))
    assert (event.text, event.attachments, event.place) == ("", (), None)
    assert ignored(said(None, GROUP, **{name: {"x": 1}}))


def test_position_comes_with_its_words() -> None:
    event = heard(said(None, location=HERE, venue=VENUE))
    assert event.place == Place(51.5055, -0.0754)
    assert event.text == "位置：Tower Bridge, Tower Bridge Rd, London"


def test_position_in_a_group_is_meant_for_the_bot_only_as_a_reply() -> None:
    assert ignored(said(None, GROUP, location=HERE))
    event = heard(said(None, GROUP, location=HERE, reply_to_message=OUR_MESSAGE))
    assert event.place == Place(51.5055, -0.0754)


def test_parts_of_an_album_are_messages_of_their_own() -> None:
    first = heard(said(None, photo=[FILE], caption="Look", media_group_id="13"))
    second = heard(said(None, photo=[FILE], media_group_id="13", message_id=42))
    assert (first.text, second.text) == ("Look", "")
    assert first.event_id != second.event_id
    assert first.album == second.album == "13"


def test_album_in_a_group_is_meant_as_a_whole() -> None:
    other = said(None, GROUP, photo=[FILE], media_group_id="13", message_id=42)
    assert ignored(other)
    found = understood(other, ME, "bot", {"13"})
    assert isinstance(found, Heard)
    assert (found.event.text, len(found.event.attachments)) == ("", 1)
    nobody = said("hi", GROUP)
    assert understood(nobody, ME, "bot", {"13"}) is None


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


def test_a_group_is_known_by_its_name_and_a_person_has_none() -> None:
    assert heard(mentioning("@coze_bridge_bot hi")).title == "Bridge"
    assert heard(said("hi")).title == ""
