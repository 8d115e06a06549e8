import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from bridge.text.blocks import fences, open_fence, table_head

from .samples import FINISHED, parser

MARGINS = ["", " ", "   "]
LINES = ["```", "```py", "~~~", "````", "text", "x = 1", ""]
fenced = st.lists(st.tuples(st.sampled_from(MARGINS), st.sampled_from(LINES)), max_size=8)


def where_the_parser_sees_fences(text: str) -> list[int]:
    tokens: list[Token] = parser.parse(text)
    return [token.map[0] for token in tokens if token.type == "fence" and token.map]


def where_we_see_fences(text: str) -> list[int]:
    return [text.count("\n", 0, fence.start) for fence in fences(text)]


@pytest.mark.parametrize("name", FINISHED)
def test_fences_are_where_a_commonmark_parser_sees_them(name: str) -> None:
    text = FINISHED[name]
    assert where_we_see_fences(text) == where_the_parser_sees_fences(text)


@given(fenced)
def test_fences_at_the_margin_are_where_a_commonmark_parser_sees_them(
    lines: list[tuple[str, str]],
) -> None:
    text = "".join(f"{margin}{line}\n" for margin, line in lines)
    assert where_we_see_fences(text) == where_the_parser_sees_fences(text)


@pytest.mark.parametrize(
    "text",
    [
        "```\ncode",
        "````\n```\n",
        "~~~\n```\n",
        "> ```\n> code\n",
        "1. x\n   ```\n   code\n\n   more",
        "- ```\n  code",
        "```\n    ```\n",
        "```\n> ```\n",
    ],
)
def test_a_fence_stays_open_until_its_own_closing_line(text: str) -> None:
    assert open_fence(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "```\ncode\n```",
        "```\ncode\n````\n",
        "   ```\ncode\n  ```",
        "> ```\n> code\nout",
        "1. x\n   ```\n   code\nout",
        "text\n\n    ```\n    indented code",
        "```inline``` code",
        "text ```",
    ],
)
def test_no_fence_is_open_after_its_end_or_where_none_begins(text: str) -> None:
    assert open_fence(text) is None


def test_a_tables_head_is_known_after_its_rows_only() -> None:
    head = "| a | b |\n|---|:-:|\n"
    assert table_head(f"intro\n\n{head}| 1 | 2 |\n") == head
    assert table_head(head) == head
    assert table_head(f"{head}| 1 | 2") == ""
    assert table_head(f"{head}| 1 | 2 |\n\n") == ""
    assert table_head("| a | b |\n| 1 | 2 |\n") == ""
    assert table_head("| a | b |\n|---|\n| 1 | 2 |\n") == ""


@pytest.mark.parametrize(
    "line",
    ["> > ```\n", "  ```\n", "   ~~~\n", "> ```a\n\n", "- ```\n  x\n  ```\n", "```` \n```\n"],
)
def test_what_was_written_to_be_slow_is_not(line: str) -> None:
    before = time.process_time()
    fences(line * 8_000)
    assert time.process_time() - before < 2  # minutes where each looked at all that follows


@given(st.integers(0, 3), st.integers(0, 3000))
def test_a_fence_ends_as_far_away_as_it_may(quotes: int, lines: int) -> None:
    margin = "> " * quotes
    text = f"{margin}```\n" + f"{margin}text\n" * lines + f"{margin}```\n"
    (fence,) = fences(f"{text}after\n")
    assert fence.end == len(text)
