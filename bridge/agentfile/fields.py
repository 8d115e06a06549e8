"""An agent's configuration as one flat table, the dotted key of the file to its value: pure.

A key that is missing is unknown, or nobody's business here; an empty text or list is a value.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

Value: TypeAlias = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]
Fields: TypeAlias = Mapping[str, Value]

ICON = "icon_file"
"""Its value is `sha256:…` of the picture, because Coze shows an address and no content."""

PROMPTS = ("prompt", "prefix_prompt", "dynamic_prompt")
"""Texts that may stand in a file of their own, named by `<key>_file`."""

_SETS = frozenset({"plugins", "workflows", "knowledge.dataset_ids"})
"""Lists whose order Coze does not promise to keep."""

_TOGETHER = {
    "prologue": "onboarding",
    "suggested_questions": "onboarding",
    **dict.fromkeys((*PROMPTS, "prompt_mode"), "prompt"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a push would change. `coze` is None where nothing is known of it."""

    key: str
    coze: Value | None
    file: Value


def flatten(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, Value]]:
    """Yield dotted keys and values of what came out of JSON or TOML; None is left out."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{above}{name}.")
        elif isinstance(value, str | int | float | Sequence):
            yield f"{above}{name}", value


def nested(fields: Mapping[str, object]) -> dict[str, object]:
    """Make tables within tables of dotted keys."""
    whole: dict[str, object] = {}
    for key, value in fields.items():
        *parents, name = key.split(".")
        table = whole
        for parent in parents:
            inner = table.setdefault(parent, {})
            if not isinstance(inner, dict):  # both a value and a table: no such pair of keys
                break
            table = inner
        else:
            table[name] = value
    return whole


def group(key: str) -> str:
    """Name the part of the configuration that Coze can only be sent as a whole."""
    return _TOGETHER.get(key, key.partition(".")[0])


def same(key: str, one: Value | None, other: Value | None) -> bool:
    """Compare two values of a key.

    Numbers may have been through single precision at Coze, where 0.7 becomes 0.69999999.
    """
    if one is None or other is None:
        return one is other
    if _is_number(one) and _is_number(other):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    if key in _SETS and isinstance(one, Sequence) and isinstance(other, Sequence):
        return sorted(map(canonical, one)) == sorted(map(canonical, other))
    return canonical(one) == canonical(other)


def changes(mine: Fields, coze: Fields) -> list[Change]:
    """List where the file and Coze differ, in the file's order."""
    return [
        Change(key, coze.get(key), value)
        for key, value in mine.items()
        if not same(key, value, coze.get(key))
    ]


def completed(mine: Fields, coze: Fields) -> Fields:
    """Fill the parts that `mine` touches with what is known of the rest of them.

    Nobody could try whether `bot/update` keeps or resets what a part leaves out; so nothing is
    left out. The prompt's part is the exception: its mode says which texts belong in it.
    """
    touched = {group(key) for key in mine}
    wanted = {key: value for key, value in coze.items() if group(key) in touched}
    if "prompt" in touched:
        keep = {"prefix_prompt", "dynamic_prompt"} if mine.get("prompt_mode") == "prefix" else set()
        wanted = {key: v for key, v in wanted.items() if group(key) != "prompt" or key in keep}
    return {**wanted, **mine}


def canonical(value: Value) -> str:
    """Write a value so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
