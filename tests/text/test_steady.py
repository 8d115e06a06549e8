"""What is appended to a message can never be taken back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.markdown import prep, steady
from bridge.text.pages import Tail, paginate

from .samples import SAMPLES

LONG = "word " * 30


def growth(text: str) -> list[str]:
    """What is shown of every beginning of a text, and at last the whole of it."""
    shown = [prep(steady(text[:end]).rstrip()) for end in range(len(text) + 1)]
    return [*shown, prep(text.rstrip())]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_shown_stays(name: str) -> None:
    for before, after in pairwise(growth(SAMPLES[name])):
        assert after.startswith(before)


@given(st.text())
def test_it_is_a_beginning_of_any_text(text: str) -> None:
    assert text.startswith(steady(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("All of it. ", "All of it. "),
        ("This is **bo", "This is "),
        ("This is **bold**", "This is "),
        ("This is **bold** ", "This is **bold** "),
        ("Run `ls", "Run "),
        ("See [the page]", "See "),
        ("See [the page](https://exa", "See "),
        ("```py\nx = 1", "```py\nx = 1"),
        ("```py\nx = 1\n``", "```py\nx = 1\n"),
        ("| a | b |\n|---|---|\n| 1 | 2", "| a | b |\n|---|---|\n"),
    ],
)
def test_half_of_something_waits_for_its_other_half(text: str, shown: str) -> None:
    assert steady(text) == shown


def test_what_was_open_for_long_was_never_markup() -> None:
    assert steady(f"2 ** {LONG}") == f"2 ** {LONG}"


def test_a_page_that_goes_on_by_appending_leaves_its_fence_open() -> None:
    source = "```py\nx = 1\ny = 2"
    assert paginate(source, 50, tail=Tail.STEADY) == [source]
    assert paginate(source, 50, tail=Tail.FINAL) == [f"{source}\n```"]


@given(data=st.data())
@pytest.mark.parametrize("name", ["chinese prose", "table", "fence", "links"])
def test_a_break_ends_a_page_and_loses_nothing(name: str, data: st.DataObject) -> None:
    text = SAMPLES[name]
    at = data.draw(st.integers(1, len(text)))
    broken = paginate(text, 4000, tail=Tail.FINAL, breaks=[at])
    assert len(broken[0]) <= at + len("\n```")
    for end in range(at + 1, len(text) + 1):
        assert paginate(text[:end], 4000, breaks=[at])[:-1] in ([], broken[:1])
    assert "".join("".join(broken).split()).endswith("".join(text.split())[-5:])


def test_breaks_lie_where_a_reader_would_turn_the_page() -> None:
    source = "One paragraph.\n\nAnother one that goes on and on and on."
    pages = paginate(source, 4000, tail=Tail.FINAL, breaks=[28])
    assert pages == ["One paragraph.", "Another one that goes on and on and on."]
