"""What people do without writing: thumbs, reactions, reasons, and other words for old ones."""

import pytest

from adapters.slack.heard import Heard
from adapters.slack.normalise import understood
from adapters.slack.why import About, dialogue, reason
from bridge.events import AttachmentKind, ChatKind
from tests.slack.deliveries import (
    ANN,
    BOT,
    CHANNEL,
    DM,
    TEAM,
    THREAD,
    TS,
    Json,
    here,
    pressed,
    reacted,
    said,
    told,
)


def hear(body: Json, **keys: bool) -> Heard:
    heard = understood(body, here(**keys))
    assert isinstance(heard, Heard)
    return heard


def passed_over(body: Json) -> bool:
    return understood(body, here()) is None


# Thumbs


@pytest.mark.parametrize("says", ["/feedback like", "/feedback dislike"])
def test_thumb_is_about_the_message_it_stands_below(says: str) -> None:
    body = pressed(says)
    body["actions"][0]["action_id"] = "feedback/thumb"
    event = hear(body).event
    assert (event.text, event.about, event.pressed) == (says, TS, True)
    assert event.chat.thread == THREAD


def test_only_who_found_fault_is_asked_why() -> None:
    triggers = {}
    for says in ("/feedback like", "/feedback dislike", "Tell me more"):
        press = hear(pressed(says)).pressed
        assert press is not None
        triggers[says] = press.trigger
    assert triggers == {"/feedback like": "", "/feedback dislike": "1.2.3", "Tell me more": ""}


@pytest.mark.parametrize(("says", "offered"), [("Tell me more", True), ("/history 2", False)])
def test_question_that_was_pressed_is_offered_no_longer(says: str, offered: bool) -> None:
    words = {"type": "markdown", "text": "x"}
    offers = {"type": "actions", "elements": [{"action_id": "say/0"}]}
    press = hear({**pressed(says), "message": {"text": "x", "blocks": [words, offers]}}).pressed
    assert press is not None
    assert (press.message, press.offered, press.fallback) == (TS, offered, "x")
    assert press.left == [words]


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("+1", "reaction_added", "/feedback like"),
        ("thumbsup", "reaction_added", "/feedback like"),
        ("+1::skin-tone-4", "reaction_added", "/feedback like"),
        ("-1", "reaction_added", "/feedback dislike"),
        ("+1", "reaction_removed", "/feedback none"),
        ("-1", "reaction_removed", "/feedback none"),
    ],
)
def test_reaction_is_a_thumb(name: str, kind: str, says: str) -> None:
    heard = hear(reacted(name, type=kind))
    assert (heard.event.text, heard.event.about, heard.event.pressed) == (says, TS, True)
    assert heard.event.event_id == f"{kind}/{TEAM}/{CHANNEL}/{TS}/{ANN}/1712345701.5"
    assert heard.reacted


@pytest.mark.parametrize(
    "body",
    [
        reacted("tada"),
        reacted(item_user="U2BOB"),
        reacted(user=BOT),
        reacted(user=None),
        reacted(item={"type": "message", "ts": TS}),
        reacted(item={"type": "file", "file": "F1"}),
        reacted(event_ts="soon"),
    ],
)
def test_other_reactions_are_passed_over(body: Json) -> None:
    assert passed_over(body)


def test_reaction_slack_does_not_say_to_whom_is_looked_at() -> None:
    assert hear(reacted(item_user=None)).reacted


def test_reaction_in_a_shared_channel_may_be_an_outsiders() -> None:
    body = reacted() | {"is_ext_shared_channel": True}
    assert hear(body).doubtful
    assert not hear(body, outsiders=True).doubtful
    assert not hear(reacted()).doubtful


# Reasons


def submitted(why: str | None = "too long", *, language: str = "") -> Json:
    view = dialogue(About(TEAM, CHANNEL, THREAD, TS), language)
    state = {"values": {"why": {"why": {"type": "plain_text_input", "value": why}}}}
    return {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": ANN, "team_id": TEAM},
        "view": {**view, "id": "V1", "state": state},
    }


def test_reason_goes_with_the_thumb() -> None:
    event = hear(submitted("too\n long ")).event
    assert (event.text, event.about) == ("/feedback dislike too long", TS)
    assert (event.chat.thread, event.chat.kind) == (THREAD, ChatKind.THREAD)
    assert event.event_id == f"why/{TEAM}/{CHANNEL}/{TS}/V1"


def test_no_reason_is_the_thumb_alone() -> None:
    assert hear(submitted(None)).event.text == "/feedback dislike"


@pytest.mark.parametrize(
    "metadata",
    ["", "{}", "7", '["C1"]', "x"],
)
def test_dialogue_of_somebody_else_is_passed_over(metadata: str) -> None:
    body = submitted()
    assert passed_over({**body, "view": {**body["view"], "private_metadata": metadata}})
    assert passed_over({**body, "view": {**body["view"], "callback_id": "other"}})
    assert reason({}) is None


def test_dialogue_speaks_its_readers_language() -> None:
    titles = [
        dialogue(About(TEAM, CHANNEL, "", TS), tag)["title"] for tag in ("", "en-GB", "zh-CN")
    ]
    assert [title["text"] for title in titles] == ["Thank you", "Thank you", "谢谢"]  # type: ignore[index]


# Other words


def edited(text: str = "Hello?", *, before: str = "Hello", **more: object) -> Json:
    message = {"type": "message", "user": ANN, "text": text, "ts": TS, "team": TEAM}
    message |= {"edited": {"user": ANN, "ts": "1712345702.5"}, **more}
    changed = {"subtype": "message_changed", "hidden": True, "message": message}
    old = {"previous_message": {"text": before}, "text": "", "user": None}
    return said(**{**changed, **old, "ts": "1712345702.6"})


def test_other_words_name_the_message_they_replace() -> None:
    event = hear(edited()).event
    assert (event.text, event.edits) == ("Hello?", hear(said("Hello")).event.event_id)
    assert event.event_id == f"{event.edits}/edited/1712345702.5"
    assert (event.chat, event.user) == (hear(said()).event.chat, hear(said()).event.user)


@pytest.mark.parametrize(
    "body",
    [
        edited(before="Hello?"),  # a preview was added
        edited(edited=None),
        edited(edited={"user": "U2BOB", "ts": "1712345702.5"}),
        edited(edited={"user": ANN, "ts": "soon"}),
        edited(bot_id="B1"),
        edited(user=BOT, edited={"user": BOT, "ts": "1712345702.5"}),
        edited(subtype="tombstone"),
        edited(text=""),
    ],
)
def test_change_that_is_no_question_is_passed_over(body: Json) -> None:
    assert passed_over(body)


def test_other_words_in_a_thread_are_for_us_where_we_take_part() -> None:
    body = edited(thread_ts=THREAD)
    body["event"] |= {"channel": CHANNEL, "channel_type": "channel"}
    assert hear(body).overheard
    assert passed_over(
        told({**body["event"], "message": {**body["event"]["message"], "thread_ts": None}})
    )


# What a message carries


def shared(**more: object) -> Json:
    return {"is_share": True, "author_name": "Bob", "text": "see &lt;b&gt; <@U2BOB>", **more}


def test_forwarded_message_is_a_quote() -> None:
    assert hear(said("", attachments=[shared()])).event.text == "> Bob: see <b> @Bob"
    assert hear(said("Why?", attachments=[shared(text="a\n\nb")])).event.text == (
        "Why?\n\n> Bob: a\n>\n> b"
    )


def test_files_of_a_forwarded_message_come_along() -> None:
    files = [{"id": "F1", "mimetype": "image/png"}]
    (found,) = hear(said("", attachments=[shared(text="", files=files)])).event.attachments
    assert found.kind is AttachmentKind.PHOTO


def test_preview_of_a_link_is_nothing_that_was_said() -> None:
    preview = {"title": "Example", "text": "a page", "from_url": "https://example.com"}
    assert hear(said("https://example.com", attachments=[preview])).event.text == (
        "https://example.com"
    )


def test_command_takes_nothing_of_what_is_forwarded_with_it() -> None:
    assert hear(said("!new", attachments=[shared()])).event.text == "/new"


def test_file_that_lies_elsewhere_is_a_link() -> None:
    file = {"id": "F1", "is_external": True, "title": "Plan", "url_private": "https://d.example/1"}
    event = hear(said("look", subtype="file_share", files=[file])).event
    assert (event.text, event.attachments) == ("look\n\n[Plan](https://d.example/1)", ())


@pytest.mark.parametrize(
    ("name", "kind", "called"),
    [
        ("Untitled", "text", "Untitled.txt"),
        ("Untitled", "python", "Untitled.py"),
        ("Untitled", "go", "Untitled.go"),
        ("Untitled", "", "Untitled.txt"),
        ("notes.md", "markdown", "notes.md"),
    ],
)
def test_snippet_has_an_ending(name: str, kind: str, called: str) -> None:
    file = {"id": "F1", "mode": "snippet", "name": name, "filetype": kind}
    (found,) = hear(said("", DM, subtype="file_share", files=[file])).event.attachments
    assert found.name == called
