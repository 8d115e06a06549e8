"""From the text of an agent's file to values, or to every problem at once with its line: pure."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.agentfile.blueprint import LONGEST_PROMPT, Blueprint
from bridge.agentfile.fields import ICON, PROMPTS, Fields, Value, flatten
from bridge.agentfile.icon import Icon, icon
from bridge.agentfile.lines import Place, line_of, lines
from bridge.config.sources import did_you_mean
from bridge.errors import Misconfigured

Beside = Callable[[str], bytes]
"""Reads a file beside the agent's. Raises `OSError`."""

_PLAIN_WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "missing",
    "model_type": "must be a table",
    "string_too_short": "must not be empty",
    "string_type": "must be text in quotes",
    "too_long": "has {actual_length} entries; Coze takes up to {max_length}",
    "tuple_type": "must be a list",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A file that may be sent. `fields` has the texts of prompt files and the icon's digest.

    beside: which file a prompt stands in, by the prompt's key.
    """

    fields: Fields
    beside: Mapping[str, str]
    icon: Icon | None


def judge(path: str, text: str, read: Beside) -> Judged:
    """Read and check the file `path`. Raises `Misconfigured`, a line for each problem."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # it names line and column
        raise Misconfigured([f"{path}: not valid TOML: {error}"]) from error
    problems = _Problems(path, text)
    blueprint = _validated(table, problems)
    problems.raise_if_any()
    fields = dict(flatten(blueprint.model_dump(exclude_none=True)))
    beside = {
        key: name for key in PROMPTS if isinstance(name := fields.pop(f"{key}_file", None), str)
    }
    for key, name in beside.items():
        fields[key] = _prompt(key, name, read, problems)
    picture = _icon(fields.pop(ICON, None), read, problems)
    if picture is not None:
        fields[ICON] = picture.digest
    problems.raise_if_any()
    return Judged(fields, beside, picture)


class _Problems:
    """Lines such as `agents/default.toml:3: name: has 21 characters; Coze takes up to 20`."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._places = lines(text)
        self._found: list[tuple[int, str]] = []

    def add(self, place: Place, text: str) -> None:
        line = line_of(self._places, place)
        self._found.append((line, f"{self._path}:{line}: {_dotted(place)}: {text}"))

    def raise_if_any(self) -> None:
        if self._found:
            raise Misconfigured([text for _, text in sorted(self._found)])


def _validated(table: Mapping[str, object], problems: _Problems) -> Blueprint:
    """Return the file, or anything where there are problems."""
    try:
        blueprint = Blueprint.model_validate(table)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems.add(detail["loc"], _explain(detail))
        return Blueprint()
    for key, text in blueprint.conflicts():
        problems.add(tuple(key.split(".")), text)
    return blueprint


def _explain(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        *parents, key = detail["loc"]
        return f"unknown key{did_you_mean(str(key), _known(Blueprint, parents))}"
    if kind == "string_too_long":
        return _too_long(detail["input"], context["max_length"])
    return _PLAIN_WORDS.get(kind, detail["msg"]).format(**context)


def _too_long(text: str, most: int) -> str:
    return f"has {len(text):,} characters; Coze takes up to {most:,}"


def _known(model: type[BaseModel], parents: Sequence[str | int]) -> Iterator[str]:
    """List the keys of the table at `parents`."""
    for name in parents:
        if isinstance(name, str):
            annotation = model.model_fields[name].annotation
            model = next(_models(annotation), Blueprint)
    yield from model.model_fields


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Find the tables within an annotation such as `tuple[Plugin, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models(inner)


def _prompt(key: str, name: str, read: Beside, problems: _Problems) -> str:
    """Read a prompt's own file. One line end at the end belongs to the file, not the prompt."""
    place = (f"{key}_file",)
    content = _content(name, place, read, problems)
    try:
        text = content.decode().removesuffix("\n")
    except UnicodeDecodeError:
        problems.add(place, f"{name} is not text in UTF-8")
        return ""
    if key == "prompt" and len(text) > LONGEST_PROMPT:
        problems.add(place, f"{name} {_too_long(text, LONGEST_PROMPT)}")
    return text


def _icon(name: Value | None, read: Beside, problems: _Problems) -> Icon | None:
    if not isinstance(name, str):
        return None
    try:
        return icon(name, _content(name, (ICON,), read, problems))
    except ValueError as error:
        problems.add((ICON,), f"{name} {error}")
        return None


def _content(name: str, place: Place, read: Beside, problems: _Problems) -> bytes:
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts:
        problems.add(place, "must stay in the folder of the file, so that both travel together")
        return b" "
    try:
        return read(name)
    except OSError as error:
        problems.add(place, f"{name} cannot be read: {error.strerror}")
        return b" "


def _dotted(place: Place) -> str:
    """Write a place as people do: `plugins[0].api_id`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).removeprefix(".") or "file"
