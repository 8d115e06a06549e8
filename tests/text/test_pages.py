import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.markdown import mend, prep
from bridge.text.pages import Tail, paginate
from bridge.text.split import width

from .samples import FINISHED, SAMPLES, visible

WORDS = [
    "a",
    "word ",
    "字",
    "。",
    "😀",
    "\ud83d",
    "\n",
    "\n\n",
    "\r\n",
    "    ",
    "**",
    "`",
    "[x](",
    ")",
]
# An info string never stands alone: a fence that is cut before it and closed at once shows nothing.
BLOCKS = ["```py\nx\n", "```\n", "~~~\n", "| a | b |\n", "|---|---|\n", "- ", "> ", "# ", "1. "]
salad = st.lists(st.sampled_from(WORDS + BLOCKS), max_size=60).map("".join)


def ink(text: str) -> str:
    """Everything but white space and the markers that pages add, move or take away."""
    return re.sub(r"[\s`~*>]", "", text)


def shows_everything_once(pages: list[str], source: str) -> bool:
    """Tell whether the pages are the source's ink in order, with nothing lost and nothing added.

    A page may repeat a fence's opening line (one line) or a table's header (two) at its top.
    """
    whole, reached = ink(source), {0}
    for page in pages:
        lines = page.split("\n")
        tries = {ink("\n".join(lines[repeated:])) for repeated in (0, 1, 2)}
        reached = {at + len(each) for at in reached for each in tries if whole.startswith(each, at)}
    return len(whole) in reached


@pytest.mark.parametrize("limit", [50, 77])
@pytest.mark.parametrize("name", SAMPLES)
def test_finished_pages_show_everything_once_at_every_prefix(name: str, limit: int) -> None:
    for end in range(len(SAMPLES[name]) + 1):
        text = SAMPLES[name][:end]
        assert shows_everything_once(paginate(text, limit, tail=Tail.FINAL), text)


@pytest.mark.parametrize("utf16", [False, True])
@pytest.mark.parametrize("limit", [50, 77, 4096])
@pytest.mark.parametrize("name", SAMPLES)
def test_pages_fit_are_never_blank_and_stay_put_at_every_prefix(
    name: str, limit: int, utf16: bool
) -> None:
    text = SAMPLES[name]
    whole = paginate(text, limit, utf16=utf16)
    for end in range(len(text) + 1):
        for tail in Tail:
            pages = paginate(text[:end], limit, utf16=utf16, tail=tail)
            assert all(width(page, utf16=utf16) <= limit for page in pages)
            assert all(page.strip() for page in pages)
            assert not any(page.startswith("\n") for page in pages)
            assert pages[:-1] == whole[: max(0, len(pages) - 1)]


@given(text=salad, utf16=st.booleans(), limit=st.integers(50, 90), data=st.data())
def test_any_source_fits_stays_put_and_is_complete(
    text: str, utf16: bool, limit: int, data: st.DataObject
) -> None:
    end = data.draw(st.integers(0, len(text)))
    whole = paginate(text, limit, utf16=utf16, tail=Tail.FINAL)
    part = paginate(text[:end], limit, utf16=utf16)
    assert part[:-1] == whole[: max(0, len(part) - 1)]
    assert all(page.strip() and width(page, utf16=utf16) <= limit for page in whole + part)
    assert shows_everything_once(whole, text)


@pytest.mark.parametrize("name", FINISHED)
def test_pages_of_a_finished_answer_look_like_the_answer(name: str) -> None:
    """Rendered one by one, they show what the whole shows, except what they repeat."""
    whole, seen = visible(prep(FINISHED[name])), ""
    for page in paginate(FINISHED[name], 90, tail=Tail.FINAL):
        shown = visible(page)
        head = visible("\n".join(page.split("\n")[:2])) if page.startswith("|") else ""
        seen += shown if whole.startswith(seen + shown) else shown.removeprefix(head)
    assert seen == whole


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_that_streams_is_mended_and_prepped(name: str) -> None:
    text = SAMPLES[name]
    for end in range(len(text) + 1):
        pages = paginate(text[:end], 4096)
        expected = prep(mend(text[:end].lstrip("\n"))).strip()
        assert [page.strip() for page in pages] == ([expected] if expected else [])


def test_nothing_makes_no_page() -> None:
    for source in ("", "\n\n", "  \t\r\n", "```py", "- ", "**"):
        assert paginate(source, 50) == []


def test_a_cut_fence_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(8))
    pages = paginate(f"Look:\n\n```python\n{code}\n```\nDone.", 70)
    assert pages == [
        "Look:\n\n```python\nline_0 = 0\nline_1 = 1\nline_2 = 2\n```",
        "```python\nline_3 = 3\nline_4 = 4\nline_5 = 5\nline_6 = 6\n```",
        "```python\nline_7 = 7\n```\nDone.",
    ]


def test_a_fence_in_a_quote_goes_on_in_the_quote() -> None:
    source = "> ```sh\n" + "".join(f"> echo number {n}\n" for n in range(5)) + "> ```\n"
    assert paginate(source, 60)[1].startswith("> ```sh\n> echo number")
    assert all(page.endswith("\n> ```") for page in paginate(source, 60))


def test_a_fence_in_a_list_goes_on_at_the_margin_with_its_own_indentation() -> None:
    source = "1. do\n   ```py\n   if x:\n       one()\n       two()\n   three()\n   ```\n2. end"
    assert paginate(source, 54) == [
        "1. do\n   ```py\n   if x:\n       one()\n   ```",
        "```py\n    two()\nthree()\n```",
        "2. end",
    ]


def test_a_cut_never_leaves_an_empty_fence_behind() -> None:
    source = "a" * 30 + "\n\n```py\n" + "code line number one\ncode line number two\n```"
    assert paginate(source, 50) == [
        "a" * 30,
        "```py\ncode line number one\n```",
        "```py\ncode line number two\n```",
    ]


def test_a_cut_table_repeats_its_header() -> None:
    rows = "".join(f"| key {n} | value {n} |\n" for n in range(5))
    pages = paginate(f"| Key | Value |\n|-----|-------|\n{rows}\nThe end.", 90)
    assert len(pages) > 1
    assert all(page.startswith("| Key | Value |\n|-----|-------|\n| key") for page in pages)
    assert pages[-1].endswith("\n\nThe end.")


def test_a_header_too_wide_to_repeat_is_not_repeated() -> None:
    header = "| a long name | a longer name |\n|---|---|\n"
    pages = paginate(header + "| some value | other value |\n" * 3, 80)
    assert pages[1].startswith("| some value |")


def test_a_page_that_begins_in_a_nested_list_moves_to_the_margin() -> None:
    source = "- top level item one\n" + "".join(f"    - nested item {n}\n" for n in range(4))
    pages = paginate(source, 60)
    assert pages[1].startswith("- nested item")
    assert "\n- nested item" in pages[1]


def test_a_block_is_not_cut_where_a_fragment_would_look_like_another_block() -> None:
    pages = paginate("word " * 9 + "word - not an item and more words", 61)
    assert not any(page.startswith("-") for page in pages)


def test_only_the_end_of_a_stream_hides_what_is_half_there() -> None:
    source = "See [the page](http://exam"
    assert paginate(source, 50) == ["See the page"]
    assert paginate(source, 50, tail=Tail.FINAL) == [source]
    assert paginate("x\n```py\ncode", 50, tail=Tail.FINAL) == ["x\n```py\ncode\n```"]
    assert paginate("Costs 5*", 50, tail=Tail.FINAL) == ["Costs 5*"]


def test_utf16_pages_count_an_emoji_as_two() -> None:
    source = "😀" * 100
    assert max(len(page) for page in paginate(source, 50, utf16=True)) <= 25
    assert "".join(paginate(source, 50, utf16=True)) == source


@pytest.mark.parametrize("limit", [49, 0, -1])
def test_a_limit_too_small_for_a_page_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 50"):
        paginate("text", limit)


def test_thirty_thousand_characters_cost_milliseconds() -> None:
    source = "\n\n".join(FINISHED.values()) * 20
    source = source[:30_000]
    began = time.process_time()
    for _ in range(5):
        paginate(source, 4096, utf16=True)
    assert (time.process_time() - began) / 5 < 0.05  # about 3 ms; generous for a busy machine
