"""Editing the text of an agent's file so that comments, order and layout stay: pure.

Only what differs is touched; lists are edited element by element, because comments stand
between their elements as well.
"""

import contextlib
import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from difflib import SequenceMatcher
from typing import Any, TypeAlias

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Item

from bridge.agentfile.fields import Fields, Value, canonical, flatten
from bridge.agentfile.lists import amended
from bridge.errors import Misconfigured

Container: TypeAlias = MutableMapping[str, Any]
"""A table of tomlkit, whose values are whatever TOML has. It does not leave this module."""

_ORDER = (
    *("name", "description", "icon_file"),
    *("prompt_mode", "prompt", "prompt_file", "prefix_prompt", "prefix_prompt_file"),
    *("dynamic_prompt", "dynamic_prompt_file", "prologue", "suggested_questions"),
    *("plugins", "workflows", "voice_calls"),
)
_HEAD = """\
# An agent at Coze. After an edit: coze-bridge agent diff, then coze-bridge agent push.
# A key that is removed is left alone at Coze; an empty text or list empties it there.
"""


def written(values: Fields) -> str:
    """Write a new file."""
    first = {key: values[key] for key in _ORDER if key in values}
    return edited(_HEAD, {**first, **values}, ())


def edited(text: str, put: Fields, drop: Sequence[str]) -> str:
    """Set these keys in the text of a file, and remove those.

    Raises `Misconfigured` for a layout that cannot be edited, which has not been seen yet.
    """
    wanted = {**dict(flatten(tomllib.loads(text))), **put}
    for key in drop:
        wanted.pop(key, None)
    # Within dotted keys and inline tables a new table cannot have a header.
    for make in (tomlkit.table, tomlkit.inline_table):
        with contextlib.suppress(TOMLKitError, ValueError):
            result = _edited(text, put, drop, make)
            if _is(dict(flatten(tomllib.loads(result))), wanted):
                return result
    raise Misconfigured([f"{', '.join(put)}: the layout of the file is too unusual to set it"])


def _edited(text: str, put: Fields, drop: Sequence[str], make: Callable[[], Item]) -> str:
    document = tomlkit.parse(text)
    for key in drop:
        *parents, name = key.split(".")
        _table(document, parents, make).pop(name, None)
    for key, value in put.items():
        *parents, name = key.split(".")
        _set(_table(document, parents, make), name, value)
    return tomlkit.dumps(document)


def _is(found: Fields, wanted: Fields) -> bool:
    return canonical(found) == canonical(wanted)


def _table(document: Container, names: Sequence[str], make: Callable[[], Item]) -> Container:
    """Return the table at this path, made where there is none."""
    for name in names:
        if name not in document:
            document[name] = make()
        document = document[name]
    return document


def _set(table: Container, name: str, value: Value) -> None:
    old = table.get(name)
    if isinstance(value, str):
        table[name] = _text(value)
    elif not isinstance(value, Sequence):
        table[name] = value
    elif isinstance(old, Array):
        table[name] = tomlkit.value(amended(old.as_string(), value, _one))
    elif isinstance(old, AoT) and value:
        _amend(old, value)
    else:
        table.pop(name, None)  # no tables in double brackets would be no key
        table[name] = _list(value)


def _amend(old: AoT, new: Sequence[Value]) -> None:
    """Turn tables in double brackets into others; those that stay keep their comments."""
    before = [canonical(table.unwrap()) for table in old]
    after = [canonical(table) for table in new]
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for _, start, end, to_start, to_end in reversed([s for s in steps if s[0] != "equal"]):
        for at in reversed(range(start, end)):
            del old[at]
        for offset, element in enumerate(new[to_start:to_end]):
            table = tomlkit.table()
            table.update(element if isinstance(element, Mapping) else {})
            old.insert(start + offset, table)


def _list(values: Sequence[Value]) -> Item:
    lines = "".join(f"    {_one(value)},\n" for value in values)
    return tomlkit.value(f"[\n{lines}]" if lines else "[]")


def _one(value: Value) -> str:
    """Write an element of a list."""
    if isinstance(value, Mapping):
        pairs = (f"{name} = {_one(inner)}" for name, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return tomlkit.item(value).as_string()


def _text(value: str) -> Item:
    """Write a text over several lines where it has some, if that loses nothing.

    TOML parsers turn a carriage return before a line end into nothing, unless it is escaped.
    """
    if "\n" not in value or "\r" in value:
        return tomlkit.string(value)
    lines = tomlkit.string(value, multiline=True).as_string()
    if value.startswith("\n"):
        return tomlkit.value(lines)
    return tomlkit.value(lines.replace('"""', '"""\n', 1))
