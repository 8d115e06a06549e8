"""Pages as arguments, and what is below them."""

import pytest

from adapters.slack import blocks
from bridge.events import Button, Page, Wanted

BUTTONS = (Button("Why?", "Why is that?"), Button("More", "/more"))


def labels(rows: list[blocks.Block]) -> list[str]:
    return [element["text"]["text"] for row in rows for element in row["elements"]]  # type: ignore[index,attr-defined]


def press(*actions: object) -> dict[str, object]:
    return {"type": "block_actions", "actions": list(actions)}


def test_finished_page_offers_its_buttons() -> None:
    (row,) = blocks.under(Page("x", final=True, buttons=BUTTONS))
    assert labels([row]) == ["Why?", "More"]
    said = [blocks.pressed(press(element)) for element in row["elements"]]  # type: ignore[attr-defined]
    assert said == ["Why is that?", "/more"]


def test_many_buttons_are_a_menu() -> None:
    many = tuple(Button(f"Chat {n}", f"/history {n}") for n in range(6))
    (row,) = blocks.under(Page("x", final=True, buttons=many))
    (menu,) = row["elements"]  # type: ignore[misc]
    assert menu["type"] == "static_select"
    chosen = {"action_id": menu["action_id"], "selected_option": menu["options"][5]}
    assert blocks.pressed(press(chosen)) == "/history 5"


def test_long_words_stay_buttons_because_a_menu_could_not_say_them() -> None:
    many = tuple(Button(f"Question {n}", "x" * 151) for n in range(6))
    (row,) = blocks.under(Page("x", final=True, buttons=many))
    assert labels([row]) == [f"Question {n}" for n in range(6)]


def test_button_that_cannot_be_said_whole_is_not_offered() -> None:
    buttons = (
        Button("Long", "x" * 2001),
        Button(" ", "blank"),
        Button("Mute", ""),
        Button("Where?", "here", wants=Wanted.LOCATION),
    )
    assert blocks.under(Page("x", final=True, buttons=buttons)) == []


def test_label_is_shortened_and_harmless() -> None:
    buttons = (Button("y" * 80, "a"), Button("<!channel>", "b"))
    rows = blocks.under(Page("x", final=True, buttons=buttons))
    assert labels(rows) == ["y" * 74 + "…", "<\u200b!channel>"]


def test_growing_page_can_be_stopped() -> None:
    (row,) = blocks.under(Page("x", buttons=BUTTONS))
    assert [blocks.pressed(press(each)) for each in row["elements"]] == ["/stop"]  # type: ignore[attr-defined]


def test_plain_page_has_nothing_below() -> None:
    assert blocks.under(Page("x", final=True, buttons=BUTTONS, plain=True, rates=True)) == []
    assert blocks.under(Page("x", plain=True)) == []


def test_thumbs_say_what_they_are_about() -> None:
    (row,) = blocks.under(Page("x", final=True, rates=True))
    (thumbs,) = row["elements"]  # type: ignore[misc]
    for name, says in (("positive_button", blocks.LIKE), ("negative_button", blocks.DISLIKE)):
        pressed = press({"action_id": thumbs["action_id"], "value": thumbs[name]["value"]})
        assert blocks.pressed(pressed) == says


def test_thumbs_that_are_plain_buttons_say_the_same() -> None:
    (row,) = blocks.under(Page("x", final=True, rates=True), blocks.Thumbs.BUTTONS)
    said = [blocks.pressed(press(each)) for each in row["elements"]]  # type: ignore[attr-defined]
    assert said == [blocks.LIKE, blocks.DISLIKE]


@pytest.mark.parametrize(
    ("page", "thumbs"),
    [
        (Page("x", final=True), blocks.Thumbs.NATIVE),
        (Page("x", final=True, rates=True), blocks.Thumbs.NONE),
    ],
)
def test_what_cannot_be_rated_has_no_thumbs(page: Page, thumbs: blocks.Thumbs) -> None:
    assert blocks.under(page, thumbs) == []


def test_what_was_said_is_offered_no_longer_and_thumbs_stay() -> None:
    page = Page("x", final=True, buttons=BUTTONS, rates=True)
    for thumbs in (blocks.Thumbs.NATIVE, blocks.Thumbs.BUTTONS):
        shown = blocks.posted(page, blocks.under(page, thumbs))
        text, offers, rating = shown["blocks"]  # type: ignore[misc]
        assert offers["type"] == "actions"
        assert blocks.without_offers(shown) == [text, rating]


def test_offers_stay_where_the_words_are_not_beside_them() -> None:
    page = Page("x", final=True, buttons=BUTTONS, rates=True)
    assert blocks.without_offers({"text": "x", "blocks": blocks.under(page)}) == []


@pytest.mark.parametrize("message", [{}, {"blocks": None}, {"blocks": [{}, "x"]}])
def test_message_without_offers_stays_as_it_is(message: dict[str, object]) -> None:
    assert blocks.without_offers(message) == []


def test_post_without_anything_below_is_markdown() -> None:
    assert blocks.posted(Page("**x** <!here>", final=True)) == {
        "markdown_text": "**x** <\u200b!here>"
    }


def test_post_with_buttons_has_a_text_for_notifications() -> None:
    page = Page("a < b", final=True, buttons=BUTTONS)
    shown = blocks.posted(page, blocks.under(page))
    assert shown["text"] == "a &lt; b"
    assert [block["type"] for block in shown["blocks"]] == ["markdown", "actions"]  # type: ignore[attr-defined]


def test_plain_post_is_literal() -> None:
    page = Page("*a* <b> & <!here>", final=True, plain=True)
    assert blocks.posted(page) == {"text": "*a* &lt;b&gt; &amp; &lt;!here&gt;", "mrkdwn": False}


@pytest.mark.parametrize("text", ["x" * 7000, "line\n" * 1400, "x" * 2999 + "\n" + "y" * 10])
def test_plain_update_keeps_every_character_in_sections_of_a_size(text: str) -> None:
    sections = blocks.updated(Page(text, plain=True))["blocks"]
    parts = [section["text"]["text"] for section in sections]  # type: ignore[attr-defined]
    assert "".join(parts) == text
    assert all(0 < len(part) <= 3000 for part in parts)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"actions": None},
        {"actions": ["x", {}]},
        {"actions": [{"action_id": "other", "value": "x"}]},
        {"actions": [{"action_id": "feedback/thumb", "value": "up/turn-1/0"}]},
        {"actions": [{"action_id": "say/0", "value": 7}]},
        {"actions": [{"action_id": "say/menu", "selected_option": {}}]},
    ],
)
def test_unreadable_press_says_nothing(payload: dict[str, object]) -> None:
    assert blocks.pressed(payload) == ""


@pytest.mark.parametrize(("letter", "most"), [("a", 4000), ("字", 1333), ("<", 1000)])
def test_notification_says_as_much_as_an_update_takes(letter: str, most: int) -> None:
    short, long = (blocks.updated(Page(letter * count)) for count in (most, most + 1))
    assert "text" in short
    assert "text" not in long
    assert long["blocks"] == [{"type": "markdown", "text": letter * (most + 1)}]


def test_long_literal_text_is_no_text_that_slack_would_cut_in_two() -> None:
    page = Page("<!channel>" * 500, plain=True)
    assert "text" not in blocks.posted(page)
    shown = "".join(str(block["text"]["text"]) for block in blocks.posted(page)["blocks"])  # type: ignore[attr-defined]
    assert shown.replace("\u200b", "") == page.text
