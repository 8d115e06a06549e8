"""docs/slack.md says what the adapter does: every row of its tables stands for a test here."""

import re
from pathlib import Path

import pytest

from adapters.slack import adapter, addresses, manifest, socket, tiers, ways
from adapters.slack.blocks import LIKE, STOP_LABEL
from adapters.slack.heard import Heard
from adapters.slack.normalise import understood
from adapters.slack.settings import SlackSettings
from adapters.slack.why import About, dialogue
from tests.slack.deliveries import (
    ANN,
    BOT,
    CHANNEL,
    THREAD,
    TS,
    Json,
    commanded,
    here,
    mentioning,
    pressed,
    reacted,
    said,
    told,
)

PAGE = (Path(__file__).parents[2] / "docs" / "slack.md").read_text("utf-8")
FLAT = re.sub(r"\s+", " ", PAGE)
FILE = {"id": "F1", "name": "paper.pdf", "mimetype": "application/pdf", "size": 5}
SNIPPET = {"id": "F2", "name": "Untitled", "mimetype": "text/plain", "mode": "snippet"}
CLIP = {"id": "F3", "mimetype": "audio/mp4", "subtype": "slack_audio"}
ELSEWHERE = {"id": "F4", "is_external": True, "url_private": "https://drive.example/4"}
FORWARDED = {"is_share": True, "author_name": "Bob", "text": "hi"}

ASKED, AGAIN, OBEYED, PASSED_OVER = "asked", "asked again", "obeyed", "passed over"
OVERHEARD = "asked where the bot takes part"


def chosen(value: str) -> Json:
    body = pressed()
    option = {"text": {"type": "plain_text", "text": value}, "value": value}
    action = {"type": "static_select", "action_id": "say/menu", "selected_option": option}
    return body | {"actions": [action | {"action_ts": "1712345700.5"}]}


def thumb() -> Json:
    action = {"type": "feedback_buttons", "action_id": "feedback/thumb", "value": LIKE}
    return pressed() | {"actions": [action | {"action_ts": "1712345700.5"}]}


def explained() -> Json:
    view = {**dialogue(About("T1", CHANNEL, THREAD, TS), ""), "id": "V1"}
    return {"type": "view_submission", "user": {"id": ANN}, "team": {"id": "T1"}, "view": view}


def edited(text: str) -> Json:
    message = {"user": ANN, "text": text, "ts": TS, "edited": {"user": ANN, "ts": TS}}
    more = {"message": message, "previous_message": {"text": "hi"}}
    return said("", subtype="message_changed", hidden=True, **more)


def stop_button() -> Json:
    event = {"type": "agent_session_stopped", "channel": CHANNEL, "thread_ts": THREAD}
    return told(event | {"user": ANN, "streaming_message_ts": [TS], "event_ts": TS})


IN_THREAD = said("hi", CHANNEL, thread_ts=THREAD)
DELIVERIES: dict[str, tuple[str, list[Json]]] = {
    "a direct message": (ASKED, [said("hi")]),
    "a mention": (ASKED, [mentioning(), said(f"hi <@{BOT}>", CHANNEL)]),
    "a message in a thread where the bot takes part": (
        ASKED,
        [said("hi", CHANNEL, thread_ts=THREAD, parent_user_id=BOT)],
    ),
    "a message in a thread that is shown in the channel as well": (
        ASKED,
        [said("hi", CHANNEL, thread_ts=THREAD, parent_user_id=BOT, subtype="thread_broadcast")],
    ),
    "files, with words beside them or without": (
        ASKED,
        [said(text, subtype="file_share", files=[FILE, SNIPPET]) for text in ("look", "")],
    ),
    "a voice or video clip": (ASKED, [said("", subtype="file_share", files=[CLIP])]),
    "a file of another service (Google Drive …)": (
        ASKED,
        [said("", subtype="file_share", files=[ELSEWHERE])],
    ),
    "a forwarded message": (ASKED, [said("", attachments=[FORWARDED])]),
    "a file that was deleted meanwhile": (
        PASSED_OVER,
        [said("", subtype="file_share", files=[{"id": "F5", "mode": "tombstone"}])],
    ),
    "a press of a button, a choice from a menu": (ASKED, [pressed("more"), chosen("more")]),
    "`/coze` with a question": (ASKED, [commanded("what is the time?")]),
    "`/coze new`, `!new` and the other commands": (
        OBEYED,
        [commanded("new"), commanded("help"), commanded(""), said("!new"), said("!stop")],
    ),
    "Slack's Stop button": (OBEYED, [stop_button()]),
    "a message in a thread without the bot": (OVERHEARD, [IN_THREAD]),
    "a message in a channel that mentions nobody": (PASSED_OVER, [said("hi", CHANNEL)]),
    "a mention without a word beside it": (PASSED_OVER, [mentioning(f"<@{BOT}>")]),
    "other words of a message": (AGAIN, [edited("hi?")]),
    "a preview that Slack adds to a message, an edit that mentions once more": (
        PASSED_OVER,
        [edited("hi"), mentioning(edited={"user": ANN, "ts": TS})],
    ),
    "a service message (somebody joined, a new topic …)": (
        PASSED_OVER,
        [said("hi", CHANNEL, subtype=kind) for kind in ("channel_join", "channel_topic")],
    ),
    "a message of another bot, a workflow or Slackbot": (
        PASSED_OVER,
        [
            said("hi", bot_id="B2"),
            said("hi", subtype="bot_message", bot_id="B2", user=None),
            said("hi", user="USLACKBOT"),
        ],
    ),
    "somebody of another organisation": (
        PASSED_OVER,
        [mentioning(user_team="T9", team="T9") | {"is_ext_shared_channel": True}],
    ),
    "👍 or 👎 under an answer, the reason for 👎": (OBEYED, [thumb(), explained()]),
    "👍 or 👎 as a reaction to an answer, given or taken back": (
        OBEYED,
        [reacted("+1"), reacted("-1"), reacted("+1", type="reaction_removed")],
    ),
    "another reaction": (PASSED_OVER, [reacted("tada"), reacted("+1", item_user="U2BOB")]),
}
NEVER_ASKED_FOR = "a pin, a changed channel …"


def rows(heading: str) -> dict[str, str]:
    """First and last column of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return {row[0]: row[-1] for row in cells[2:]}


def outcome(body: Json) -> str:
    match understood(body, here()):
        case Heard(overheard=True):
            return OVERHEARD
        case Heard(event) if event.edits:
            return AGAIN
        case Heard(event):
            return OBEYED if event.text.startswith("/") else ASKED
        case _:
            return PASSED_OVER


def test_every_row_is_tried_and_nothing_else() -> None:
    assert set(rows("What is understood")) == {*DELIVERIES, NEVER_ASKED_FOR}


@pytest.mark.parametrize("what", DELIVERIES)
def test_what_comes_is_understood_as_described(what: str) -> None:
    wanted, bodies = DELIVERIES[what]
    described = PASSED_OVER if wanted == OVERHEARD else wanted  # where it takes no part
    assert described in rows("What is understood")[what]
    assert {outcome(body) for body in bodies} == {wanted}


def test_people_of_other_organisations_are_heard_where_that_is_wanted() -> None:
    [body] = DELIVERIES["somebody of another organisation"][1]
    assert understood(body, here(outsiders=True)) is not None


def test_what_is_never_asked_for_is_not() -> None:
    events = manifest.manifest(manifest.app("slack", SlackSettings(), ""))["settings"]
    asked_for = set(events["event_subscriptions"]["bot_events"])
    assert asked_for.isdisjoint({"pin_added", "channel_rename"})


def test_limits_are_those_of_the_code() -> None:
    limits = " ".join([*rows("Limits"), *rows("Limits").values()])
    minutes = SlackSettings().stream_life / 60
    for words in (
        f"after {adapter.MAX_TEXT:,}",
        f"after {minutes:.0f} minutes",
        f"{tiers.PER_MINUTE[tiers.START]} streams begun, and {tiers.PER_MINUTE[tiers.STOP]} ended",
        f"{tiers.PER_MINUTE[tiers.APPEND]} additions",
        f"{tiers.PER_MINUTE[tiers.UPDATE]} edits",
        f"{adapter.BUTTONS} buttons",
        f"{tiers.PER_MINUTE[tiers.UPLOAD]} files begun, and {tiers.PER_MINUTE[tiers.SHARE]} shared",
    ):
        assert words in limits
    assert f"after {minutes:.0f} minutes (`stream_life`)" in FLAT
    assert f"longer than {adapter.MAX_TEXT:,} characters" in FLAT
    assert 1.0 <= ways.POST_EVERY < 1.5  # "one message a second"


def test_how_an_answer_grows_is_as_the_settings_have_it() -> None:
    table = rows("How an answer grows")
    assert list(table) == [f"`{kind}`" for kind in ("auto", "edit", "final")]
    assert f"every {ways.APPEND_EVERY} s" in table["`auto`"]
    assert f"every {ways.UPDATE_EVERY} s, with a button {STOP_LABEL}" in table["`edit`"]


def test_addresses_and_connections_are_those_of_the_code() -> None:
    for path in (addresses.events_path, addresses.install_path, addresses.redirect_path):
        assert f"`<public_url>{path('<account>')}`" in PAGE
    assert f"opens {socket.CONNECTIONS} connections" in FLAT


def test_five_lines_lead_to_a_working_app() -> None:
    section = PAGE.split("\n## From the manifest link")[1].split("\n## ")[0]
    assert re.findall(r"^(\d)\.", section, re.MULTILINE) == list("12345")
    for step in manifest.next_steps("slack", SlackSettings(), ""):
        assert step.partition(",")[0].partition(":")[0] in section
