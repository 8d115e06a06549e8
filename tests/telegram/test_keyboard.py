"""Buttons under a message, and what a press of one says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.keyboard import MAX_DATA, STOP, STOP_LABEL, keyboard, pressed, too_old
from bridge.events import Button, Page

LONG = "这是一个很长的问题，" * 12


def rows(page: Page) -> list[list[tuple[str, str]]]:
    """What Telegram gets: labels and data."""
    markup = keyboard(page)
    shown: dict[str, Any] = markup.to_dict() if markup else {"inline_keyboard": []}
    return [[(b["text"], b["callback_data"]) for b in row] for row in shown["inline_keyboard"]]


def pressing(page: Page, row: int) -> dict[str, Any]:
    """The query of somebody who presses the button in a row."""
    markup = keyboard(page)
    assert markup is not None
    shown = markup.to_dict()
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


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "过期"), ("en", "too old"), ("", "too old")]
)
def test_stale_press_is_answered_in_ones_language(language: str, words: str) -> None:
    assert words in too_old(language)
    assert len(too_old(language)) <= 200  # https://core.telegram.org/bots/api#answercallbackquery
