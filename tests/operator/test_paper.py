"""How things are written down: aligned for people, and harmless to their terminals."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.operator import paper

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_columns_are_aligned_and_no_line_has_blanks_at_its_end() -> None:
    assert paper.columns(("who", "n", "lane"), [("Anna", "1", "x"), ("李", "20", "")]) == [
        "who   n   lane",
        "Anna  1   x",
        "李    20",
    ]


def test_numbers_stand_at_the_right() -> None:
    assert paper.columns(("n", "of"), [("7", "a"), ("1,234", "b")], right=("n",)) == [
        "    n  of",
        "    7  a",
        "1,234  b",
    ]


def test_east_asian_letters_take_two_columns() -> None:
    assert paper.width("李雷") == 4
    assert paper.width("e\u0301") == 1
    assert paper.shortened("李雷雷雷", 5) == "李雷…"
    assert paper.shortened("Anna", 4) == "Anna"
    assert paper.shortened("Anna K", 4) == "Ann…"


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "a\rb", "\u202egnol", "\x07bell"])
def test_a_name_cannot_steer_a_terminal(name: str) -> None:
    [_, line] = paper.columns(("who",), [(name,)])
    assert line.isprintable()
    assert paper.pairs([("who", name)])[0].isprintable()
    assert all(line.isprintable() for line in paper.indented(name))


def test_a_reason_is_wrapped_below_its_line() -> None:
    lines = paper.indented("the agent is not published " * 6)
    assert len(lines) == 3
    assert all(line.startswith(" " * 7) for line in lines)
    assert all(len(line) <= paper.WIDTH for line in lines)
    assert paper.indented("") == []


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(-5, "0 s"), (0, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "2 h"), (129_600, "2 d")],
)
def test_spans_are_told_roughly(seconds: int, written: str) -> None:
    assert paper.lasting(timedelta(seconds=seconds)) == written


def test_scripts_get_utc() -> None:
    assert paper.iso(NOW) == "2026-01-02T03:04:05+00:00"
    assert paper.iso(None) is None
    assert paper.local(None) == ""
