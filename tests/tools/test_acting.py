"""A call is known again, however it is spelt the next time."""

from dataclasses import replace

import pytest

from bridge.tools.acting import key_of
from bridge.upstream import ToolCall

CALL = ToolCall("1", "look", '{"where": "Rome", "how": {"x": 1, "y": [2]}}')


@pytest.mark.parametrize(
    "arguments",
    ['{"how":{"y":[2],"x":1},"where":"Rome"}', '\n{"where": "Rome", "how": {"x":1,"y":[2]}} '],
)
def test_the_same_arguments_spelt_otherwise_are_the_same_call(arguments: str) -> None:
    assert key_of(replace(CALL, arguments=arguments)) == key_of(CALL)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, id="2"),
        replace(CALL, name="peek"),
        replace(CALL, arguments='{"where": "Oslo"}'),
        replace(CALL, arguments='{"where": "Rome", "how": {"x": 1, "y": [2, 3]}}'),
    ],
)
def test_another_call_is_another_one_even_if_an_agent_numbers_each_step_anew(
    other: ToolCall,
) -> None:
    assert key_of(other) != key_of(CALL)


@pytest.mark.parametrize("arguments", ["", "{oops", "[" * 100_000, "\ud83d"])
def test_what_is_no_json_has_a_key_as_well(arguments: str) -> None:
    call = replace(CALL, id="i" * 1000, arguments=arguments)
    assert len(key_of(call)) == 64
    assert key_of(call) == key_of(replace(call, arguments=f" {arguments}\n"))
