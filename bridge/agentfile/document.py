"""Editing the text of an agent's file so that comments, order and layout stay: pure.

Only what differs is touched; lists are edited element by element, because comments stand
between their elements as well.
"""

import json
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from difflib import SequenceMatcher
from typing import Any, TypeAlias

import tomlkit
from tomlkit.items import AoT, InlineTable, Item, Table

from bridge.agentfile.fields import Fields, Value

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
    """Set these keys in the text of a file, and remove those."""
    document = tomlkit.parse(text)
    for key in drop:
        *parents, name = key.split(".")
        table = _table(document, parents)
        table.pop(name, None)
    for key, value in put.items():
        *parents, name = key.split(".")
        _set(_table(document, parents), name, value)
    return tomlkit.dumps(document)


def _table(document: Container, names: Sequence[str]) -> Container:
    """Return the table at this path, made where there is none."""
    for name in names:
        if name not in document:
            document[name] = tomlkit.table()
        document = document[name]
    return document


def _set(table: Container, name: str, value: Value) -> None:
    old = table.get(name)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if isinstance(old, MutableSequence):
            _amend(old, value)
        else:
            table[name] = _list(value)
    else:
        table[name] = _text(value) if isinstance(value, str) else value


def _amend(old: MutableSequence[Any], new: Sequence[Value]) -> None:
    """Turn one list into another by as few insertions and deletions as there are."""
    before = [_plain(element) for element in old]
    after = [_plain(element) for element in new]
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for _, start, end, to_start, to_end in reversed([s for s in steps if s[0] != "equal"]):
        for at in reversed(range(start, end)):
            del old[at]
        for offset, element in enumerate(new[to_start:to_end]):
            old.insert(start + offset, _element(element, in_tables=isinstance(old, AoT)))


def _plain(element: object) -> str:
    value = element.unwrap() if isinstance(element, Item) else element
    return json.dumps(value, sort_keys=True, default=dict)


def _list(values: Sequence[Value]) -> Item:
    array = tomlkit.array()
    for value in values:
        array.append(_element(value))
    return array.multiline(multiline=bool(values))


def _element(value: Value, *, in_tables: bool = False) -> Item:
    if isinstance(value, Mapping):
        table: Table | InlineTable = tomlkit.table() if in_tables else tomlkit.inline_table()
        table.update(value)
        return table
    return tomlkit.item(value)


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
