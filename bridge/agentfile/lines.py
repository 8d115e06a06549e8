"""On which line of a TOML text each key stands: pure.

tomllib tells values without places and tomlkit does not tell places either. The text has been
through tomllib before, so only valid TOML is looked at.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]

TOKEN = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<string> \"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<newline> \n )
    | (?P<sign> [\[\]{},=] )
    | (?P<word> [^\s\[\]{},=\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)
"""What TOML is made of; blanks are what is between."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def lines(text: str) -> Mapping[Place, int]:
    """Map tables, keys and elements of lists, as pydantic names them, to lines from 1."""
    found: dict[Place, int] = {}
    seen: Counter[Place] = Counter()
    table: Place = ()
    for statement in _statements(text):
        first = statement[0]
        if first.text == "[":
            table = _table(statement, seen)
            found.setdefault(table, first.line)
        else:
            found.update(_entry(table, statement))
    return found


def line_of(found: Mapping[Place, int], place: Sequence[str | int]) -> int:
    """Return the line of a place, or of the nearest thing around it."""
    rest = tuple(place)
    while rest and rest not in found:
        rest = rest[:-1]
    return found.get(rest, 1)


def depth_change(token: str) -> int:
    """Tell whether a token opens (1) or closes (-1) a bracket."""
    return {"[": 1, "{": 1, "]": -1, "}": -1}.get(token, 0)


def _statements(text: str) -> Iterator[Sequence[_Token]]:
    """Cut into headers and entries; a line end inside brackets or a text cuts nothing."""
    statement: list[_Token] = []
    depth = 0
    for token in _tokens(text):
        if token.kind == "newline" and depth == 0:
            if statement:
                yield statement
            statement = []
        elif token.kind not in ("comment", "newline"):
            depth += depth_change(token.text)
            statement.append(token)
    if statement:
        yield statement


def _tokens(text: str) -> Iterator[_Token]:
    line, end = 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        yield _Token(str(match.lastgroup), match[0], line)


def _table(header: Sequence[_Token], seen: Counter[Place]) -> Place:
    """Read `[a.b]`, or `[[a.b]]`, which is the next element of a list."""
    place = _key(token for token in header if token.text not in ("[", "]"))
    if header[1].text != "[":
        return place
    seen[place] += 1
    return (*place, seen[place] - 1)


def _entry(table: Place, statement: Sequence[_Token]) -> Iterator[tuple[Place, int]]:
    """Read `key = value`, and the elements of the value if it is a list."""
    equals = next(at for at, token in enumerate(statement) if token.text == "=")
    place = (*table, *_key(statement[:equals]))
    yield place, statement[0].line
    value = statement[equals + 1 :]
    if value[0].text == "[":
        for index, token in enumerate(_elements(value)):
            yield (*place, index), token.line


def _elements(value: Sequence[_Token]) -> Iterator[_Token]:
    """Yield the first token of every element of a list."""
    depth = 0
    fresh = False
    for token in value:
        if depth == 1 and fresh and token.text != "]":
            yield token
            fresh = False
        depth += depth_change(token.text)
        if depth == 1 and token.text in ("[", ","):
            fresh = True


def _key(tokens: Iterable[_Token]) -> Place:
    parts: list[str] = []
    for token in tokens:
        if token.kind == "string":
            parts.append(tomllib.loads(f"x = {token.text}")["x"])
        else:
            parts += [part for part in token.text.split(".") if part]
    return tuple(parts)
