"""What a function may be given: read from its signature, judged when a model has written it."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NotRequired, Required, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class BadArguments(Exception):
    """problems: one line each, for the model that wrote them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Arguments:
    """The typed parameters of a function.

    told: the type of parameters that we fill in ourselves; `callers` are their names.
    Raises `TypeError` with a sentence for a function whose signature does not say enough.
    """

    def __init__(self, function: Callable[..., Any], told: type) -> None:
        hints = _hints(function)
        parameters = _parameters(function)
        self.callers = tuple(name for name in parameters if hints.get(name) is told)
        asked = {name: its for name, its in parameters.items() if name not in self.callers}
        if untyped := [name for name in asked if name not in hints]:
            raise TypeError(f"parameter {untyped[0]} has no type")
        self._adapter = _adapter({name: (hints[name], its) for name, its in asked.items()})
        self.names = tuple(asked)

    def read(self, text: str) -> dict[str, Any]:
        """Judge JSON text; no text is an empty object. Raises `BadArguments`."""
        try:
            return self._adapter.validate_json(text.strip() or "{}")
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
            raise BadArguments([_line(detail) for detail in details]) from error


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise TypeError(f"has a type that cannot be read: {error}") from error


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(function).parameters)
    for name, parameter in parameters.items():
        if parameter.kind not in _NAMED:
            raise TypeError(f"parameter {name} cannot be given by its name")
    return parameters


def _adapter(asked: dict[str, tuple[Any, inspect.Parameter]]) -> TypeAdapter[dict[str, Any]]:
    """Describe an object of these fields and no other; defaults stay the function's own."""
    make: Any = TypedDict  # at run time, which a type checker does not want to hear of
    shape = make("Arguments", dict(_fields(asked)))
    shape.__pydantic_config__ = ConfigDict(extra="forbid")
    try:
        return TypeAdapter(shape)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        first = str(error).partition("\n")[0]
        raise TypeError(f"has a parameter that JSON cannot give: {first}") from error


def _fields(asked: dict[str, tuple[Any, inspect.Parameter]]) -> Iterator[tuple[str, Any]]:
    for name, (hint, parameter) in asked.items():
        needed = parameter.default is inspect.Parameter.empty
        yield name, Required[hint] if needed else NotRequired[hint]


def _line(detail: ErrorDetails) -> str:
    where = ".".join(map(str, detail["loc"]))
    what = {"extra_forbidden": "unknown argument", "missing": "missing"}.get(detail["type"])
    return ": ".join(filter(None, (where, what or detail["msg"])))
