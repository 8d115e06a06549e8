"""Buttons under a message, and what a press of one says."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.keyboard import (
    MAX_DATA,
    STOP,
    STOP_LABEL,
    asking,
    keyboard,
    pressed,
    remaining,
    too_old,
)
from bridge.events import Button, ChatKind, ChatRef, Page, Wanted

LONG = "这是一个很长的问题，" * 12


def rows(page: Page) -> list[list[tuple[str, str]]]:
    """What Telegram gets: labels and data."""
    markup = keyboard(page)
    shown = markup or {"inline_keyboard": []}
    return [[(b["text"], b["callback_data"]) for b in row] for row in shown["inline_keyboard"]]


def pressing(page: Page, row: int) -> dict[str, Any]:
    """The query of somebody who presses the button in a row."""
    markup = keyboard(page)
    assert markup is not None
    shown = markup
    data = shown["inline_keyboard"][row][0]["callback_data"]
    return {"data": data, "message": {"reply_markup": shown}}


def test_growing_answer_has_a_stop_button_and_nothing_else() -> None:
    page = Page("so far", buttons=(Button("a", "a"),))
    assert rows(page) == [[(STOP_LABEL, STOP)]]
    assert rows(Page("so far", plain=True)) == [[(STOP_LABEL, STOP)]]


def test_finished_answer_without_buttons_has_no_keyboard() -> None:
    assert keyboard(Page("done", final=True)) is None


def test_each_button_has_a_row() -> None:
    buttons = (Button("Why?", "Why?"), Button("A talk", "/history 7342866812345678901"))
    assert rows(Page("done", final=True, buttons=buttons)) == [
        [("Why?", "=0")],
        [("A talk", "/history 7342866812345678901")],
    ]


def test_button_without_a_label_is_left_out() -> None:
    buttons = (Button(" ", " "), Button("Why?", "Why?"))
    assert rows(Page("done", final=True, buttons=buttons)) == [[("Why?", "=1")]]
    assert keyboard(Page("done", final=True, buttons=buttons[:1])) is None


def test_plain_page_has_none_because_they_may_be_what_was_refused() -> None:
    assert keyboard(Page("done", final=True, plain=True, buttons=(Button("a", "a"),))) is None


def test_equal_labels_keep_their_data_apart() -> None:
    page = Page("done", final=True, buttons=(Button("Why?", "Why?"), Button("Why?", "Why?")))
    assert len({data for [(_, data)] in rows(page)}) == 2


labels = st.text(min_size=1, max_size=200).filter(str.strip)


@given(st.lists(st.builds(lambda text: Button(text, text), labels), min_size=1, max_size=8))
def test_every_press_says_its_words_and_fits(buttons: list[Button]) -> None:
    page = Page("done", final=True, buttons=tuple(buttons))
    for row, button in enumerate(buttons):
        query = pressing(page, row)
        assert 1 <= len(query["data"].encode()) <= MAX_DATA
        assert pressed(query) == button.says


def test_words_too_long_for_data_are_read_from_the_label() -> None:
    assert pressed(pressing(Page("x", final=True, buttons=(Button(LONG, LONG),)), 0)) == LONG


# Good or bad


THUMBS = [("👍", "/feedback like"), ("👎", "/feedback dislike")]


def test_answer_can_be_called_good_or_bad_in_one_row() -> None:
    page = Page("done", final=True, rates=True, buttons=(Button("Why?", "Why?"),))
    assert rows(page) == [[("Why?", "=0")], THUMBS]
    assert rows(replace(page, plain=True)) == [THUMBS]
    assert rows(replace(page, final=False)) == [[(STOP_LABEL, STOP)]]


def left(page: Page, *presses: tuple[int, int]) -> list[list[tuple[str, str]]]:
    """The buttons of a page after presses, each by row and column."""
    markup = keyboard(page)
    assert markup is not None
    shown: Any = markup["inline_keyboard"]
    for row, column in presses:
        message = {"reply_markup": {"inline_keyboard": shown}}
        kept = remaining({"data": shown[row][column]["callback_data"], "message": message})
        shown = shown if kept is None else kept
    return [[(b["text"], b["callback_data"]) for b in row] for row in shown]


def test_pressed_thumb_is_marked_and_a_press_of_it_takes_it_back() -> None:
    page = Page("done", final=True, rates=True, buttons=(Button("Why?", "Why?"),))
    why, (up, down) = ("Why?", "=0"), THUMBS
    assert left(page, (1, 0)) == [[why], [("👍 ✓", "/feedback none"), down]]
    assert left(page, (1, 0), (1, 1)) == [[why], [up, ("👎 ✓", "/feedback none")]]
    assert left(page, (1, 0), (1, 0)) == [[why], THUMBS]


def test_question_that_was_asked_goes_with_those_beside_it() -> None:
    buttons = (Button("Why?", "Why?"), Button("How?", "How?"), Button("A talk", "/history 7"))
    page = Page("done", final=True, rates=True, buttons=buttons)
    assert left(page, (1, 0)) == [[("A talk", "/history 7")], THUMBS]
    assert left(replace(page, rates=False, buttons=buttons[:2]), (0, 0)) == []


def test_what_a_command_says_stays() -> None:
    buttons = (Button("A talk", "/history 7"), Button("/new", "/new"), Button("Why?", "Why?"))
    page = Page("done", final=True, rates=True, buttons=buttons)
    assert left(page, (0, 0)) == left(page, (1, 0)) == rows(page)


@pytest.mark.parametrize("message", [None, {}, {"reply_markup": {"inline_keyboard": [["x"]]}}])
def test_press_under_a_message_nobody_can_see_leaves_it_alone(message: object) -> None:
    assert remaining({"data": "/feedback like", "message": message}) is None


# Asking for more than words


ASKS = (
    Button("Here", "", Wanted.LOCATION),
    Button("Me", "", Wanted.CONTACT),
    Button("Skip", "Never mind"),
)
PRIVATE_CHAT = ChatRef("telegram", "bot", "1001")


def test_keys_give_what_is_asked_for() -> None:
    assert asking(PRIVATE_CHAT, Page("Where?", final=True, buttons=ASKS)) == {
        "keyboard": [
            [{"text": "Here", "request_location": True}],
            [{"text": "Me", "request_contact": True}],
            [{"text": "Never mind"}],
        ],
        "resize_keyboard": True,
        "one_time_keyboard": True,
    }


@pytest.mark.parametrize(
    ("chat", "page"),
    [
        (replace(PRIVATE_CHAT, kind=ChatKind.GROUP), Page("x", final=True, buttons=ASKS)),
        (replace(PRIVATE_CHAT, via="b"), Page("x", final=True, buttons=ASKS)),
        (PRIVATE_CHAT, Page("x", final=False, buttons=ASKS)),
        (PRIVATE_CHAT, Page("x", final=True, plain=True, buttons=ASKS)),
        (PRIVATE_CHAT, Page("x", final=True, buttons=ASKS[2:])),
    ],
    ids=["group", "business", "not final", "plain", "only words"],
)
def test_elsewhere_there_are_none(chat: ChatRef, page: Page) -> None:
    assert asking(chat, page) is None


def test_button_that_asks_is_left_out_of_a_message() -> None:
    assert rows(Page("x", final=True, buttons=ASKS)) == [[("Skip", "Never mind")]]


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "过期"), ("en", "too old"), ("", "too old")]
)
def test_stale_press_is_answered_in_ones_language(language: str, words: str) -> None:
    assert words in too_old(language)
    assert len(too_old(language)) <= 200  # https://core.telegram.org/bots/api#answercallbackquery
