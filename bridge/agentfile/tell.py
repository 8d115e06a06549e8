"""Differences as lines for a person: pure."""

import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff

from bridge.agentfile.fields import ICON, Change, Value


def lines_of(changes: Iterable[Change]) -> Iterator[str]:
    """Describe every change; `-` is at Coze, `+` in the file."""
    for change in changes:
        if change.key == ICON:
            yield f"{change.key}: another picture"
        elif isinstance(change.coze, str) and _is_long(change.coze, change.file):
            yield f"{change.key}:"
            yield from _of_text(change.coze, str(change.file))
        elif _is_list(change.file) and _is_list(change.coze or ()):
            yield f"{change.key}:"
            yield from _of_list(change.coze or (), change.file)
        else:
            before = "(unknown)" if change.coze is None else _shown(change.coze)
            yield f"{change.key}: {before} -> {_shown(change.file)}"


def _is_long(one: str, other: Value) -> bool:
    return "\n" in one or "\n" in str(other) or len(one) + len(str(other)) > 80


def _is_list(value: Value) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _of_text(one: str, other: str) -> Iterator[str]:
    steps = unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=1)
    yield from (f"  {line}" for line in list(steps)[2:])  # without the names of two files
    if one.splitlines() == other.splitlines():
        yield "  only line ends differ"


def _of_list(one: Value, other: Value) -> Iterator[str]:
    before = [_shown(element) for element in one] if isinstance(one, Sequence) else []
    after = [_shown(element) for element in other] if isinstance(other, Sequence) else []
    steps = unified_diff(before, after, lineterm="", n=0)
    yield from (f"  {line}" for line in list(steps)[2:] if not line.startswith("@@"))


def _shown(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
