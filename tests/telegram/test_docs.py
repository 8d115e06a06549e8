"""docs/telegram.md says what the adapter does: every row of its tables stands for a test here."""

import re
from pathlib import Path

import pytest

from adapters.telegram import (
    adapter,
    downloads,
    enclosures,
    keyboard,
    markup,
    polling,
    webhook,
)
from adapters.telegram.normalise import KINDS, Heard, Stale, understood
from adapters.telegram.settings import TelegramSettings
from tests.telegram.updates import (
    CHANNEL,
    CHECKLIST,
    CONTACT,
    DATE,
    FILE,
    FORUM,
    GROUP,
    HERE,
    INACCESSIBLE,
    ME,
    OTHER_BOT,
    OUR_MESSAGE,
    POLL,
    TELEGRAM,
    VENUE,
    Json,
    business,
    command,
    mentioning,
    press,
    reacted,
    said,
)

PAGE = (Path(__file__).parents[2] / "docs" / "telegram.md").read_text("utf-8")

ASKED, THE_FILE, UNREADABLE = "asked", "the file is asked about", "cannot be read"
STALE, PASSED_OVER = "notice", "passed over"
CHANGED, FEEDBACK = "a change of the question", "/feedback"

UPDATES: dict[str, tuple[str, list[Json]]] = {
    "text": (ASKED, [said("hi")]),
    "a caption": (ASKED, [said(None, photo=[FILE], caption="what is it?")]),
    "an album": (ASKED, [said(None, photo=[FILE], caption="look", media_group_id="1")]),
    "a photo, file, voice message or sticker without words": (
        THE_FILE,
        [said(None, **{kind: FILE}) for kind in ("document", "voice", "sticker")]
        + [said(None, photo=[FILE])],
    ),
    "a location or a venue": (
        ASKED,
        [said(None, location=HERE), said(None, location=HERE, venue=VENUE)],
    ),
    "a contact, poll, checklist or die": (
        ASKED,
        [
            said(None, contact=CONTACT),
            said(None, poll=POLL),
            said(None, checklist=CHECKLIST),
            said(None, dice={"emoji": "🎲", "value": 4}),
        ],
    ),
    "a story, a giveaway, paid media in a private chat": (
        UNREADABLE,
        [said(None, **{kind: {"x": 1}}) for kind in ("story", "giveaway", "paid_media")],
    ),
    "a press of a button": (ASKED, [press("=0"), press("/stop")]),
    "a press of a button too old to be read": (STALE, [press("=0", INACCESSIBLE)]),
    "an edited message or caption": (
        CHANGED,
        [
            {"update_id": 1, "edited_message": said("hi", edit_date=DATE + 9)["message"]},
            {
                "update_id": 1,
                "edited_business_message": business(edit_date=DATE)["business_message"],
            },
            {
                "update_id": 1,
                "edited_message": said(None, photo=[FILE], caption="hi", edit_date=DATE)["message"],
            },
        ],
    ),
    "a live location that moved on": (
        PASSED_OVER,
        [{"update_id": 1, "edited_message": said(None, location=HERE, edit_date=DATE)["message"]}],
    ),
    "👍, 👎 and their like as a reaction": (
        FEEDBACK,
        [reacted("👍"), reacted("💩"), reacted("", "👍")],
    ),
    "a reaction that says neither": (PASSED_OVER, [reacted("🤔"), reacted("🤔", "😱")]),
    "a mention without a word beside it": (PASSED_OVER, [mentioning("@coze_bridge_bot")]),
    "a command for another bot": (PASSED_OVER, [command("/new@other_bot")]),
    "a service message (somebody joined, a new title …)": (
        PASSED_OVER,
        [said(None, GROUP, new_chat_members=[]), said(None, GROUP, new_chat_title="x")],
    ),
    "a post in a channel, and its copy in the discussion group": (
        PASSED_OVER,
        [
            {"update_id": 1, "channel_post": said("hi", CHANNEL, sender=None)["message"]},
            mentioning(
                "@coze_bridge_bot hi",
                sender=TELEGRAM,
                sender_chat=CHANNEL,
                is_automatic_forward=True,
            ),
        ],
    ),
    "a message to a channel's inbox": (
        PASSED_OVER,
        [said("hi", {**FORUM, "is_direct_messages": True}, reply_to_message=OUR_MESSAGE)],
    ),
    "a message of another bot": (PASSED_OVER, [said("hi", sender=OTHER_BOT)]),
}
NEVER_ASKED_FOR = "a changed membership, a payment …"


def rows(heading: str) -> dict[str, str]:
    """First and last column of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return {row[0]: row[-1] for row in cells[2:]}


def outcome(update: Json) -> str:
    match understood(update, ME, "bot"):
        case Heard(event) if event.edits:
            return CHANGED
        case Heard(event) if event.text.startswith("/feedback "):
            return FEEDBACK
        case Heard(event):
            return ASKED if event.text else THE_FILE if event.attachments else UNREADABLE
        case Stale():
            return STALE
        case _:
            return PASSED_OVER


def test_every_row_is_tried_and_nothing_else() -> None:
    assert set(rows("What is understood")) == {*UPDATES, NEVER_ASKED_FOR}


@pytest.mark.parametrize("what", UPDATES)
def test_what_comes_is_understood_as_described(what: str) -> None:
    described, updates = UPDATES[what]
    assert described in rows("What is understood")[what]
    assert {outcome(update) for update in updates} == {described}


def test_what_is_never_asked_for_is_not() -> None:
    kinds = {"message_reaction_count", "my_chat_member", "pre_checkout_query", "channel_post"}
    assert kinds.isdisjoint(KINDS)


def test_limits_are_those_of_the_code() -> None:
    limits = " ".join([*rows("Limits"), *rows("Limits").values()])
    settings = TelegramSettings()
    for words in (
        f"{markup.MAX_TEXT:,} UTF-16 units",
        f"{markup.MAX_ENTITIES} entities",
        f"{settings.edit_interval_private} s apart",
        f"{settings.edit_interval_group} s apart",
        f"{adapter.GROUP_CALLS_PER_MINUTE + 1} calls a minute",
        f"{keyboard.MAX_DATA} bytes",
        f"{markup.MAX_CAPTION:,} UTF-16 units under a file",
        f"{downloads.LARGEST >> 20} MB from people",
        f"pictures of up to {enclosures.LARGEST_PHOTO >> 20} MB",
    ):
        assert words in limits


def test_sizes_are_those_of_the_code() -> None:
    page = re.sub(r"\s+", " ", PAGE)
    assert f"up to {downloads.LARGEST >> 20} MB to bots" in page
    assert f"more than {enclosures.LARGEST_PHOTO >> 20} MB" in page


def test_intervals_and_times_are_those_of_the_code() -> None:
    waits = polling.CONFLICT_WAITS
    assert f"{waits[0]:.0f} to {waits[-1]:.0f} seconds" in re.sub(r"\s+", " ", PAGE)
    assert polling.CALM == webhook.WATCH_EVERY == 60  # "a minute", "every minute"
    assert set(rows("How an answer grows")) == {"`edit`", "`native`", "`final`"}
    assert f"a button {keyboard.STOP_LABEL}," in PAGE
