"""What is heard, where it is answered, and what is passed over."""

from datetime import UTC, datetime

import pytest

from adapters.slack.heard import Heard, Opened
from adapters.slack.normalise import understood
from bridge.events import Attachment, AttachmentKind, ChatKind, ChatRef, Inbound
from tests.slack.deliveries import (
    ANN,
    BOT,
    CHANNEL,
    DM,
    TEAM,
    THREAD,
    TS,
    Json,
    commanded,
    here,
    mentioning,
    pressed,
    said,
    told,
)

FILE = {"id": "F1", "name": "paper.pdf", "mimetype": "application/pdf", "size": 5}


def hear(body: Json, **how: object) -> Heard:
    found = understood(body, here(**how))  # type: ignore[arg-type]
    assert isinstance(found, Heard)
    return found


def event(body: Json, **how: object) -> Inbound:
    return hear(body, **how).event


def passed_over(body: Json, **how: object) -> bool:
    return understood(body, here(**how)) is None  # type: ignore[arg-type]


# Where


def test_direct_message_is_answered_in_its_thread() -> None:
    found = hear(said("hi"))
    assert found.event == Inbound(
        event_id=f"message/{TEAM}/{DM}/{TS}",
        chat=ChatRef("slack", "slack", f"{TEAM}/{DM}", thread=TS, reply_to=TS),
        user=found.event.user,
        text="hi",
        sent_at=datetime.fromtimestamp(float(TS), UTC),
    )
    assert (found.event.user.id, found.person) == (f"{TEAM}/{ANN}", ANN)
    assert (found.overheard, found.opening) == (False, True)


def test_thread_in_direct_messages_goes_on() -> None:
    chat = event(said("hi", thread_ts=THREAD)).chat
    assert (chat.thread, chat.reply_to, chat.kind) == (THREAD, TS, ChatKind.PRIVATE)


def test_mention_begins_a_thread_of_everybodys() -> None:
    found = hear(mentioning())
    assert found.event.text == "hi"
    assert (found.event.chat.thread, found.event.chat.kind) == (TS, ChatKind.THREAD)
    assert not found.overheard


def test_mention_is_one_event_however_it_is_told() -> None:
    as_message = mentioning(type="message")
    assert event(mentioning()) == event(as_message)


def test_mention_in_a_thread_is_answered_there() -> None:
    assert event(mentioning(thread_ts=THREAD)).chat.thread == THREAD


def test_what_is_said_in_a_channel_to_nobody_is_not_for_us() -> None:
    assert passed_over(said("hi", CHANNEL))
    assert passed_over(said("hi", "G1", channel_type="mpim"))


def test_what_is_said_in_a_thread_is_overheard() -> None:
    found = hear(said("hi", CHANNEL, thread_ts=THREAD))
    assert found.overheard
    assert (found.event.chat.thread, found.event.chat.kind) == (THREAD, ChatKind.THREAD)


def test_thread_below_a_message_of_ours_is_ours() -> None:
    assert not hear(said("hi", CHANNEL, thread_ts=THREAD, parent_user_id=BOT)).overheard


def test_app_of_a_whole_organisation_is_reached_through_it() -> None:
    assert event(said(), enterprise="E1").chat.via == "E1"


# Who


@pytest.mark.parametrize(
    "more",
    [
        {"user": BOT},
        {"bot_id": "B9"},
        {"user": "USLACKBOT"},
        {"user": ""},
        {"hidden": True},
        {"edited": {"ts": "1"}},
        *(
            {"subtype": subtype}
            for subtype in (
                "bot_message",
                "message_changed",
                "message_deleted",
                "channel_join",
                "assistant_app_thread",
                "of_tomorrow",
                7,
            )
        ),
    ],
    ids=str,
)
def test_what_no_person_just_said_is_passed_over(more: Json) -> None:
    assert passed_over(said("hi", **more))
    assert passed_over(mentioning(**more))


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast", "me_message"])
def test_some_kinds_of_message_are_messages(subtype: str) -> None:
    assert event(said("hi", subtype=subtype)).text == "hi"


@pytest.mark.parametrize("field", ["user_team", "source_team", "team"])
@pytest.mark.parametrize("body", [said("hi"), mentioning()], ids=["dm", "mention"])
def test_outsiders_are_heard_only_where_they_are_welcome(body: Json, field: str) -> None:
    shared = {**body, "is_ext_shared_channel": True}
    shared["event"] = {**body["event"], field: "T9"}
    assert passed_over(shared)
    assert event(shared, outsiders=True).user.id == f"T9/{ANN}"
    del shared["is_ext_shared_channel"]
    assert passed_over(shared)


def test_colleagues_from_another_workspace_are_no_outsiders() -> None:
    assert event(said("hi", user_team="T2")).user.id == f"{TEAM}/{ANN}"
    grid = {**said("hi", user_team="E1"), "is_ext_shared_channel": True}
    assert event(grid).user.id == f"{TEAM}/{ANN}"


def test_outsiders_presses_and_commands_are_passed_over_too() -> None:
    press, command = pressed(), commanded("hi")
    press["user"]["team_id"] = command["team_id"] = "T9"
    assert passed_over(press)
    assert passed_over(command)
    assert event(press, outsiders=True).user.id == f"T9/{ANN}"


# What


def test_text_is_as_it_was_typed() -> None:
    assert event(said("a &lt; b, <@U2BOB>")).text == "a < b, @Bob"


def test_words_with_a_bang_are_commands_everywhere() -> None:
    assert event(said("!new")).text == "/new"
    assert event(mentioning(f"<@{BOT}> !stop")).text == "/stop"
    assert not hear(said("!new")).opening


def test_nothing_said_is_passed_over() -> None:
    assert passed_over(said(""))
    assert passed_over(said("  "))
    assert passed_over(mentioning(f"<@{BOT}>"))


def test_files_come_along() -> None:
    files = [
        FILE,
        {"id": "F2", "mimetype": "image/png"},
        {"id": "F3", "mimetype": "audio/webm", "subtype": "slack_audio"},
        {"id": "F4", "mimetype": "audio/mpeg"},
        {"id": "F5", "mimetype": "video/mp4"},
        {"id": "F6", "file_access": "check_file_info"},
        {"id": "F7", "mode": "tombstone"},
        {"id": "F8", "mode": "external", "url_private": "https://drive.example/8"},
    ]
    found = event(said("", subtype="file_share", files=files))
    assert found.attachments[0] == Attachment(
        AttachmentKind.DOCUMENT, "F1", "paper.pdf", 5, "application/pdf"
    )
    assert [(each.ref, each.kind.value) for each in found.attachments[1:]] == [
        ("F2", "photo"),
        ("F3", "voice"),
        ("F4", "audio"),
        ("F5", "video"),
        ("F6", "document"),
    ]


# Presses and commands


def test_button_says_its_words_in_its_thread() -> None:
    found = event(pressed())
    assert (found.text, found.pressed) == ("Tell me more", True)
    assert (found.chat.thread, found.chat.reply_to) == (THREAD, TS)
    assert found.chat.kind is ChatKind.THREAD
    assert found.event_id == f"press/{TEAM}/{CHANNEL}/{TS}/{ANN}/1712345700.5"


def test_button_outside_of_threads_is_answered_beside_it() -> None:
    chat = event(pressed(thread_ts=None)).chat
    assert (chat.thread, chat.kind) == ("", ChatKind.GROUP)


def test_menu_says_what_was_chosen() -> None:
    body = pressed()
    body["actions"] = [
        {
            "type": "static_select",
            "action_id": "say/menu",
            "selected_option": {"value": "/history 2"},
            "action_ts": "1712345700.5",
        }
    ]
    assert event(body).text == "/history 2"


def test_press_of_something_else_is_passed_over() -> None:
    body = pressed()
    body["actions"][0]["action_id"] = "other/thumb"
    assert passed_over(body)


def test_command_is_answered_in_place() -> None:
    found = event(commanded("new"))
    assert (found.text, found.event_id) == ("/new", f"command/{TEAM}/1.2.3")
    assert (found.chat.chat, found.chat.thread) == (f"{TEAM}/{CHANNEL}", "")
    assert found.chat.kind is ChatKind.GROUP
    assert event(commanded("new", DM)).chat.kind is ChatKind.PRIVATE


def test_question_behind_a_command_is_quoted_because_nobody_saw_it() -> None:
    found = event(commanded("what is &lt;b&gt;?"))
    assert (found.text, found.pressed) == ("what is <b>?", True)


# What agents have beside


def stopped(**more: object) -> Json:
    event = {
        "type": "agent_session_stopped",
        "channel": DM,
        "thread_ts": THREAD,
        "user": ANN,
        "streaming_message_ts": ["1712345699.1"],
        "event_ts": "1712345700.5",
    }
    return told({**event, **more})


def test_native_stop_is_the_command() -> None:
    found = hear(stopped())
    assert (found.event.text, found.stopped) == ("/stop", ("1712345699.1",))
    assert (found.event.chat.thread, found.event.chat.kind) == (THREAD, ChatKind.PRIVATE)
    assert not found.overheard


def test_stop_without_a_place_is_passed_over() -> None:
    assert passed_over(stopped(thread_ts=None))


def test_empty_conversation_is_opened() -> None:
    tab = {"type": "app_home_opened", "channel": DM, "tab": "messages", "user": ANN}
    assert understood(told(tab), here()) == Opened(DM, "")
    assert understood(told({**tab, "tab": "home"}), here()) is None
    about = {"channel_id": DM, "thread_ts": THREAD, "user_id": ANN, "context": {}}
    pane = {"type": "assistant_thread_started", "assistant_thread": about}
    assert understood(told(pane), here()) == Opened(DM, THREAD)


def test_other_events_are_passed_over() -> None:
    for kind in ("member_joined_channel", "assistant_thread_context_changed", "reaction_added"):
        assert passed_over(told({"type": kind, "channel": CHANNEL, "user": ANN}))
    assert passed_over({"type": "view_submission"})
    assert passed_over({})
