"""Turning a list in a TOML text into another one, with its comments: pure.

tomlkit can do this where a list has no comments; among comments it loses commas and elements.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from bridge.agentfile.fields import Value, canonical
from bridge.agentfile.lines import TOKEN, depth_change


@dataclass(frozen=True, slots=True)
class _Entry:
    """An element as it is written, the comments above it and the one behind it."""

    text: str
    above: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What was read of a list so far."""

    entries: list[_Entry] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    element: tuple[int, int] | None = None
    same_line: bool = False


def amended(array: str, new: Sequence[Value], write: Callable[[Value], str]) -> str:
    """Return the text of a list with other elements; what stays keeps its text.

    An element that takes another's place takes its comments as well; a comment above one that
    goes stays.
    """
    entries, last_words = _read(array)
    before = [canonical(its) for its in tomllib.loads(f"x = {array}")["x"]]
    after = [canonical(its) for its in new]
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    result: list[_Entry] = []
    homeless: tuple[str, ...] = ()
    for kind, start, end, to_start, to_end in steps:
        old = entries[start:end]
        if kind != "equal":
            texts = [write(its) for its in new[to_start:to_end]]
            homeless += tuple(c for its in old[len(texts) :] for c in its.above)
            old = [
                replace(old[at], text=text) if at < len(old) else _Entry(text)
                for at, text in enumerate(texts)
            ]
        for entry in old:
            result.append(replace(entry, above=(*homeless, *entry.above)))
            homeless = ()
    return _written(result, (*homeless, *last_words), array)


def _read(array: str) -> tuple[list[_Entry], list[str]]:
    """Take a list apart: its elements, and the comments behind the last of them."""
    seen = _Reading()
    depth = 0
    for match in list(TOKEN.finditer(array))[1:-1]:
        if depth == 0 and not _starts_or_continues(match):
            _between(seen, match, array)
            continue
        start = seen.element[0] if seen.element else match.start()
        seen.element = (start, match.end())
        depth += depth_change(match[0])
    _close(seen, array)
    return seen.entries, seen.above


def _starts_or_continues(token: re.Match[str]) -> bool:
    return token.lastgroup not in ("comment", "newline") and token[0] != ","


def _between(seen: _Reading, token: re.Match[str], array: str) -> None:
    """Read what stands between two elements."""
    _close(seen, array)
    if token.lastgroup == "newline":
        seen.same_line = False
    elif token[0] == ",":
        seen.same_line = True
    elif seen.same_line and seen.entries and not seen.above:
        last = seen.entries[-1]
        seen.entries[-1] = replace(last, behind=(*last.behind, token[0].rstrip()))
    else:
        seen.above.append(token[0].rstrip())


def _close(seen: _Reading, array: str) -> None:
    """End the element that was being read, if one was."""
    if seen.element is not None:
        start, end = seen.element
        seen.entries.append(_Entry(array[start:end], tuple(seen.above)))
        seen.above.clear()
        seen.element, seen.same_line = None, True


def _written(entries: Sequence[_Entry], last_words: Iterable[str], array: str) -> str:
    """Write a list on one line if it was on one, else a line for each element."""
    lines = list(_lines(entries, last_words))
    if "\n" not in array or not lines:
        return f"[{', '.join(entry.text for entry in entries)}]"
    found = re.search(r"\n([ \t]*)[^\s\]]", array)
    indent = found[1] if found else "    "
    end = "\r\n" if "\r\n" in array else "\n"
    return end.join(["[", *(indent + line for line in lines), "]"])


def _lines(entries: Sequence[_Entry], last_words: Iterable[str]) -> Iterator[str]:
    for entry in entries:
        yield from entry.above
        yield "  ".join([f"{entry.text},", *entry.behind])
    yield from last_words
