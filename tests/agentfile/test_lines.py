"""Where in a TOML text something stands."""

import tomllib

import pytest

from bridge.agentfile.lines import line_of, lines

TEXT = '''\
# a comment with "quotes" and [brackets
name = "a=b[ # no comment"  # a comment
"quoted.key" = """
several lines,
[not a table]
\\""" still not the end
"""
suggested_questions = [
    "one",  # [

    "two, with a comma",
    { in = "a table" },
]
a . b = 1
inline = { x = 1, y = [1, 2] }

[knowledge]
dataset_ids = ["1",
"2"]

[[plugins]]
plugin_id = "1"
[[plugins]]
plugin_id = "2"

[ model . "parameters" ]
literal = \'\'\'
'quotes' and """
\'\'\'
last = 1'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("name",), 2),
        (("quoted.key",), 3),
        (("suggested_questions",), 8),
        (("suggested_questions", 0), 9),
        (("suggested_questions", 1), 11),
        (("suggested_questions", 2), 12),
        (("a", "b"), 14),
        (("inline",), 15),
        (("knowledge",), 17),
        (("knowledge", "dataset_ids", 1), 19),
        (("plugins", 0, "plugin_id"), 22),
        (("plugins", 1), 23),
        (("plugins", 1, "plugin_id"), 24),
        (("model", "parameters", "literal"), 27),
        (("model", "parameters", "last"), 30),
    ],
)
def test_every_key_and_element_has_its_line(place: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert lines(TEXT)[place] == line


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("suggested_questions", 2, "in"), 12),
        (("inline", "y", 1), 15),
        (("plugins", 0, "api_id"), 21),
        (("nowhere",), 1),
    ],
)
def test_what_has_no_line_has_that_of_what_is_around_it(
    place: tuple[str | int, ...], line: int
) -> None:
    assert line_of(lines(TEXT), place) == line


def test_line_ends_of_other_systems_count_once() -> None:
    assert lines('a = 1\r\n\r\nb = """\r\n"""\r\nc = 2\r\n') == {("a",): 1, ("b",): 3, ("c",): 5}
