"""From raw updates, the odd ones among them, to what the bridge understands."""

from datetime import UTC, datetime

import pytest

from adapters.telegram.normalise import (
    KINDS,
    Heard,
    understood,
)
from bridge.events import Attachment, AttachmentKind, ChatKind, ChatRef, Inbound, Place, User
from tests.telegram.understanding import heard, ignored
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
    ME,
    OTHER_BOT,
    OUR_MESSAGE,
    PRIVATE,
    TELEGRAM,
    VENUE,
    Json,
    command,
    entity,
    mentioning,
    said,
)

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


def test_a_group_is_known_by_its_name_and_a_person_has_none() -> None:
    assert heard(mentioning("@coze_bridge_bot hi")).title == "Bridge"
    assert heard(said("hi")).title == ""


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
