"""What of an answer is read aloud."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.spoken import pieces, speakable


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("Hello **world**, how *are* ~~we~~ you?", "Hello world, how are we you?"),
        ("# Title\n\nText", "Title\nText"),
        ("- one\n- [x] two\n> three", "one\ntwo\nthree"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("See [the page](https://x.org/a_(b)) now", "See the page now"),
        ("A ![cat](https://x.org/c.png) here", "A  here"),
        ("At https://x.org/abc.", "At"),
        ("before\n```py\nprint(1)\n```\nafter", "before\nafter"),
        ("before\n```\nnever closed", "before"),
        ("a\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\nb", "a\nb"),
        ("use `pip install`", "use pip install"),
        ("snake_case and _this_", "snake_case and this"),
        (r"2 \* 3", "2 * 3"),
        ("one\n\n---\n\ntwo", "one\ntwo"),
        ("你好，**世界**！", "你好，世界！"),
        ("```\nonly code\n```", ""),
    ],
)
def test_only_words_are_said(markdown: str, said: str) -> None:
    assert speakable(markdown) == said


def test_pieces_end_with_sentences() -> None:
    text = "One is here. Two is there! Is three? 四在这里。五也在。"
    assert pieces(text, 28) == ["One is here. Two is there!", "Is three? 四在这里。", "五也在。"]


def test_what_fits_is_one_piece() -> None:
    assert pieces("One. Two.", 1024) == ["One. Two."]
    assert pieces("", 1024) == []


def test_a_sentence_that_is_too_long_is_cut_at_a_clause() -> None:
    assert pieces("first half, second half of it", 14) == ["first half,", "second half of", "it"]
    assert pieces("第一部分，第二部分，第三部分", 18) == ["第一部分，", "第二部分，", "第三部分"]


@given(st.text(alphabet="ab .,!?。，汉字😀\n", max_size=500), st.integers(4, 60))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert all(len(piece.encode()) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "markdown",
    [
        "[" * 30_000,
        "![a](" * 10_000,
        "_" * 50_000,
        f"a{'_' * 200_000}a",
        f"\\{'_' * 200_000}a",
        "> " * 30_000,
        "a " * 50_000,
        f"{'.' * 200_000}x",
        ".)" * 100_000,
    ],
    ids=lambda markdown: f"{markdown[:4]}…{len(markdown)}",
)
def test_what_was_written_to_be_slow_is_not(markdown: str) -> None:
    before = time.process_time()
    pieces(speakable(markdown), 1024)
    assert time.process_time() - before < 2
