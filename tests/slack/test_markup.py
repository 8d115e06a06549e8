"""Markdown of an agent, harmless for Slack."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.markup import escaped, harmless, harmless_so_far

PINGS = re.compile(r"<(!(channel|here|everyone|group|subteam\^|date\^)|[@#]\w)", re.IGNORECASE)
FRAGMENTS = ["<", "!", "@", "#", "channel", "here", "subteam^", "U1", "|", ">", "a", "`", "\n", "^"]
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


@pytest.mark.parametrize(
    "token",
    [
        "<!channel>",
        "<!here|here>",
        "<!everyone>",
        "<!subteam^S123>",
        "<!subteam^S123|@dev>",
        "<!date^1|x>",
        "<@U123>",
        "<@W123|ann>",
        "<#C123|general>",
        "<!CHANNEL>",
        "`<!channel>`",
        "```\n<@U123>\n```",
    ],
)
def test_token_that_pings_is_broken(token: str) -> None:
    assert not PINGS.search(harmless(token))
    assert harmless(token).replace("\u200b", "") == token


@pytest.mark.parametrize(
    "text",
    [
        "<!-- comment -->",
        "<!DOCTYPE html>",
        "a <b> c",
        "ann@example.com",
        "@channel",
        "# Title",
        "x <@> y",
        "<# powershell #>",
        "<https://example.com>",
        "重要：这",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert harmless(text) == text


@given(texts)
def test_nothing_forged_is_left(text: str) -> None:
    assert not PINGS.search(harmless(text))
    assert harmless(text).replace("\u200b", "") == text


@given(texts, st.integers(0, 40))
def test_beginning_stays_a_beginning(text: str, length: int) -> None:
    assert harmless(text).startswith(harmless_so_far(text[:length]))


@given(texts, st.integers(0, 40))
def test_streamed_pieces_never_make_a_token(text: str, length: int) -> None:
    begun = harmless_so_far(text[:length])
    rest = harmless(text)[len(begun) :]
    assert not PINGS.search(begun + rest)


def test_only_a_half_token_is_left_out() -> None:
    assert harmless_so_far("Hello <!chan") == "Hello "
    assert harmless_so_far("Hello <") == "Hello "
    assert harmless_so_far("1 < 2") == "1 < 2"
    assert harmless_so_far("Hello <!channel>!") == "Hello <\u200b!channel>!"


def test_control_characters_are_escaped() -> None:
    assert escaped("<a & b>") == "&lt;a &amp; b&gt;"
