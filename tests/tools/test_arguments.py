"""What a model has written is judged by the signature, before the tool sees it."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from bridge.tools import Caller
from bridge.tools.arguments import Arguments, BadArguments


class Place(BaseModel):
    city: str
    zip: str = ""


async def weather(
    city: str,
    caller: Caller,
    days: Annotated[int, Field(ge=1)] = 1,
    *,
    unit: Literal["C", "F"] = "C",
    schema: Place | None = None,
) -> None:
    """The names are those that a class would not allow for a field."""


@pytest.fixture
def arguments() -> Arguments:
    return Arguments(weather, Caller)


def test_only_what_was_given_is_passed_on(arguments: Arguments) -> None:
    assert arguments.read('{"city": "Rome"}') == {"city": "Rome"}
    assert arguments.read('{"city": "Rome", "days": "3", "schema": {"city": "Bari"}}') == {
        "city": "Rome",
        "days": 3,
        "schema": Place(city="Bari"),
    }


def test_the_caller_is_ours_to_fill_in(arguments: Arguments) -> None:
    assert arguments.callers == ("caller",)
    assert arguments.names == ("city", "days", "unit", "schema")
    with pytest.raises(BadArguments) as caught:
        arguments.read('{"city": "Rome", "caller": {"uid": "somebody else"}}')
    assert caught.value.problems == ("caller: unknown argument",)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{}", ["city: missing"]),
        ("", ["city: missing"]),
        ('{"city": "Rome", "town": 1}', ["town: unknown argument"]),
        ('{"city": 1}', ["city: Input should be a valid string"]),
        (
            '{"city": "Rome", "days": 0, "unit": "K"}',
            [
                "days: Input should be greater than or equal to 1",
                "unit: Input should be 'C' or 'F'",
            ],
        ),
        ('{"city": "x", "schema": {}}', ["schema.city: missing"]),
    ],
)
def test_every_problem_is_named(arguments: Arguments, text: str, problems: list[str]) -> None:
    with pytest.raises(BadArguments) as caught:
        arguments.read(text)
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize("text", ["oops", "[]", "null", '"text"', '{"city"', "[" * 3000])
def test_what_is_no_object_is_refused(arguments: Arguments, text: str) -> None:
    with pytest.raises(BadArguments):
        arguments.read(text)


async def untyped(city) -> None: ...  # type: ignore[no-untyped-def]
async def any_number(*cities: str) -> None: ...
async def anything(**more: str) -> None: ...
async def by_place(city: str, /) -> None: ...
async def unreadable(city: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Opaque: ...


async def no_json(city: Opaque) -> None: ...


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (untyped, "parameter city has no type"),
        (any_number, "parameter cities cannot be given by its name"),
        (anything, "parameter more cannot be given by its name"),
        (by_place, "parameter city cannot be given by its name"),
        (unreadable, "has a type that cannot be read"),
        (no_json, "has a parameter that JSON cannot give"),
    ],
)
def test_a_signature_that_does_not_say_enough_is_refused(function: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Arguments(function, Caller)
