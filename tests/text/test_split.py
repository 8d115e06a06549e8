import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.split import split, width

from .samples import SAMPLES

texts = st.text(
    st.sampled_from("ab .。！\n\n  *`[]()_-#é字😀👍🏽\u200d\u0301🇩🇪\r\ud83d\ude00"), max_size=120
)
limits = st.integers(min_value=2, max_value=40)


@pytest.mark.parametrize("utf16", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_on_every_prefix_nothing_is_lost_limits_hold_and_pieces_stay_put(
    name: str, utf16: bool
) -> None:
    text = SAMPLES[name]
    for limit in (7, 50):
        whole = split(text, limit, utf16=utf16)
        for end in range(len(text) + 1):
            pieces = split(text[:end], limit, utf16=utf16)
            assert "".join(pieces) == text[:end]
            assert all(0 < width(piece, utf16=utf16) <= limit for piece in pieces)
            assert pieces[:-1] == whole[: max(0, len(pieces) - 1)]


@given(text=texts, limit=limits, utf16=st.booleans(), data=st.data())
def test_any_text_survives_and_stays_put_while_it_grows(
    text: str, limit: int, utf16: bool, data: st.DataObject
) -> None:
    end = data.draw(st.integers(min_value=0, max_value=len(text)))
    whole, part = (split(each, limit, utf16=utf16) for each in (text, text[:end]))
    assert "".join(whole) == text
    assert all(0 < width(piece, utf16=utf16) <= limit for piece in whole)
    assert part[:-1] == whole[: max(0, len(part) - 1)]


@pytest.mark.parametrize(
    ("text", "utf16", "units"),
    [("abc", True, 3), ("字", True, 1), ("😀", True, 2), ("😀", False, 1), ("\ud83d", True, 1)],
)
def test_width_counts_what_the_platform_counts(text: str, utf16: bool, units: int) -> None:
    assert width(text, utf16=utf16) == units


@pytest.mark.parametrize(
    ("text", "limit", "first"),
    [
        ("aaa bbb\n\nccc\nddd. eee fff", 17, "aaa bbb\n\n"),
        ("a paragraph.\n\nline\nmore words follow", 25, "a paragraph.\n\n"),
        ("a line\nmore. words follow", 13, "a line\n"),
        ("One sentence. More words follow", 24, "One sentence. "),
        ("第一句话。第二句话很长很长", 8, "第一句话。"),
        ("他说：“好。”然后走了很远", 9, "他说：“好。”"),
        ("version 3.5 of it", 10, "version "),
        ("some words follow here", 13, "some words "),
        ("nospacesatallhere", 10, "nospacesat"),
        ("one two - three", 9, "one "),
        ("in the year 2024 it was", 13, "in the "),
    ],
)
def test_the_kindest_place_is_chosen(text: str, limit: int, first: str) -> None:
    assert split(text, limit)[0] == first


@pytest.mark.parametrize(
    "unit",
    [
        "[a b](http://e.com/x)",
        "`a b c`",
        "**bold text**",
        "![a b](http://e.com)",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "e\u0301\u0323",
        "\r\n",
        "👍🏽",
        "\\*",
        "x \u0301y",
    ],
)
def test_what_belongs_together_is_not_torn_apart(unit: str) -> None:
    for pad in range(24):
        text = "x" * pad + " " + unit + " tail that goes on"
        pieces = split(text, 26)
        assert any(unit in piece for piece in pieces), pieces


def test_a_link_is_moved_on_as_a_whole_though_its_end_is_not_in_sight() -> None:
    assert split("twenty characters ok [label](http://example.com/)", 30)[1].startswith("[label]")


def test_a_cluster_that_fits_nowhere_is_cut_but_a_surrogate_pair_never() -> None:
    pieces = split("\ud83d\ude00" * 9, 3)
    assert set(pieces) == {"\ud83d\ude00"}
    assert len(split("e" + "\u0301" * 99, 10)) == 10


@pytest.mark.parametrize("limit", [1, 0, -3])
def test_a_limit_nothing_fits_into_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        split("text", limit)


def test_ten_thousand_characters_without_a_space_are_full_pieces() -> None:
    assert [len(piece) for piece in split("x" * 10_000, 4096)] == [4096, 4096, 1808]
