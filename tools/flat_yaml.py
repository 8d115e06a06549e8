"""Read an OpenAPI document whose YAML lost its line ends and indentation.

The keys still stand in the order a Go serialiser writes them (sorted), and each kind of
mapping in an OpenAPI document has a known set of keys. So a key belongs to the innermost open
mapping that can still take it; a text ends where such a key begins.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCALAR, SCALARS = "scalar", "scalars"
_HAS = {
    "root": {
        "components": "components",
        "info": "info",
        "openapi": SCALAR,
        "paths": "map:path",
        "security": SCALAR,
        "servers": SCALAR,
    },
    "components": {"schemas": "map:schema", "securitySchemes": "map:scheme"},
    "info": {"description": SCALAR, "title": SCALAR, "version": SCALAR},
    "scheme": {"description": SCALAR, "scheme": SCALAR, "type": SCALAR},
    "path": dict.fromkeys(("delete", "get", "patch", "post", "put"), "operation"),
    "operation": {
        "description": SCALAR,
        "operationId": SCALAR,
        "parameters": "list:parameter",
        "requestBody": "body",
        "responses": "map:response",
        "summary": SCALAR,
    },
    "parameter": {
        "description": SCALAR,
        "example": SCALAR,
        "in": SCALAR,
        "name": SCALAR,
        "required": SCALAR,
        "schema": "schema",
    },
    "body": {"content": "map:media", "description": SCALAR, "required": SCALAR},
    "response": {"content": "map:media", "description": SCALAR},
    "media": {"schema": "schema"},
    "schema": {
        "$ref": SCALAR,
        "additionalProperties": "schema",
        "default": SCALAR,
        "description": SCALAR,
        "enum": SCALARS,
        "example": SCALAR,
        "format": SCALAR,
        "items": "schema",
        "maxLength": SCALAR,
        "minLength": SCALAR,
        "nullable": SCALAR,
        "properties": "map:schema",
        "required": SCALARS,
        "title": SCALAR,
        "type": SCALAR,
    },
}
_KEY = re.compile(r"""(?:"(\d+)"|([A-Za-z0-9_$/{}.*\-]+)):(?=\s|$)""")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_GAP = re.compile(r"\s+")


class NotRead(Exception):
    """The text is not what this reader was made for."""


@dataclass
class Open:
    """A mapping that is being read. kind: of `_HAS`, or `map:<kind>`, or `list:<kind>`."""

    kind: str
    value: Any = field(default_factory=dict)
    last: str = ""


def read(text: str) -> Mapping[str, Any]:
    """Return the whole document. Raises `NotRead` with the place that made no sense."""
    return _Reader(text).root()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = " ".join(text.split("\n")).rstrip() + " "
        self._at = 0
        self._stack: list[Open] = []

    def root(self) -> Mapping[str, Any]:
        whole = self._mapping("root")
        if self._at < len(self._text):
            raise NotRead(f"at {self._at}: {self._text[self._at : self._at + 80]!r}")
        return whole

    def _mapping(self, kind: str) -> Any:
        top = Open(kind, [] if kind.startswith("list:") else {})
        self._stack.append(top)
        while (key := self._taken_by(self._at, len(self._stack) - 1)) is not None:
            self._at += len(_match(self._text, self._at, top.kind))
            self._skip()
            top.last = key
            value = self._value(self._kind_of(top, key))
            if isinstance(top.value, list):
                top.value.append(value)
            else:
                top.value[key] = value
        self._stack.pop()
        return top.value

    def _kind_of(self, top: Open, key: str) -> str:
        outer, _, inner = top.kind.partition(":")
        if inner:
            return inner
        return _HAS[outer].get(key, "any")

    def _value(self, kind: str) -> Any:
        if self._text.startswith(("{} ", "[] "), self._at):
            self._at += 3
            return {}
        if kind == SCALARS or (kind == "any" and self._text.startswith("- ", self._at)):
            return self._scalars()
        if kind in (SCALAR, "any"):
            return self._scalar()
        return self._mapping(kind)

    def _scalars(self) -> list[str]:
        found = []
        while self._text.startswith("- ", self._at) and not self._is_key(self._at):
            self._at += 2
            found.append(self._scalar(in_list=True))
        return found

    def _scalar(self, *, in_list: bool = False) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted:
            self._at = quoted.end()
            self._skip()
            single, double = quoted.groups()
            return single.replace("''", "'") if single is not None else double.replace('\\"', '"')
        end = self._at
        while end < len(self._text) and not self._ends(end, in_list=in_list):
            gap = _GAP.search(self._text, end)
            end = gap.end() if gap else len(self._text)
        text = self._text[self._at : end].strip()
        self._at = end
        return re.sub(r"^[|>]-? ", "", text)

    def _ends(self, at: int, *, in_list: bool) -> bool:
        return (in_list and self._text.startswith("- ", at)) or self._is_key(at)

    def _is_key(self, at: int) -> bool:
        return any(self._taken_by(at, place) is not None for place in range(len(self._stack)))

    def _taken_by(self, at: int, place: int) -> str | None:
        """Name the key at `at`, if the open mapping at `place` of the stack can take it."""
        top = self._stack[place]
        mark = _match(self._text, at, top.kind)
        if not mark:
            return None
        key = mark.strip().rstrip(":").strip('"')
        follows = self._text[at + len(mark) :][:200].lstrip()
        return key if _fits(top, key, follows) else None

    def _skip(self) -> None:
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at


def _match(text: str, at: int, kind: str) -> str:
    """Return the key at `at` with its colon, or the dash of a list; empty if there is none."""
    if kind.startswith("list:"):
        inner = _HAS[kind.removeprefix("list:")]
        found = _KEY.match(text, at + 2) if text.startswith("- ", at) else None
        return "- " if found and found[2] in inner else ""
    found = _KEY.match(text, at)
    return found[0] if found else ""


def _fits(top: Open, key: str, follows: str) -> bool:
    outer, _, inner = top.kind.partition(":")
    if outer == "list":
        return True
    if outer == "map":
        return key not in top.value and _opens(inner, follows)
    if outer == "root":  # its keys are ordinary words, but all of them are there
        return key == next((name for name in _HAS["root"] if name > top.last), "")
    kind = _HAS[outer].get(key)
    if kind is None:
        return _is_extension(top, key)
    # Keys are sorted, and nothing stands beside a reference.
    return top.last != "$ref" and key > top.last and _suits(kind, follows)


def _suits(kind: str, follows: str) -> bool:
    """Tell whether what follows a key could be its value."""
    if kind == SCALAR:
        return not _opens("schema", follows)
    return follows.startswith(("- ", "[] ")) if kind == SCALARS else True


def _is_extension(top: Open, key: str) -> bool:
    return (
        top.kind in ("schema", "operation", "parameter")
        and key.startswith("x-")
        and key not in top.value
    )


def _opens(kind: str, follows: str) -> bool:
    """Tell whether a mapping of this kind could begin so."""
    if follows.startswith("{} "):
        return True
    found = _KEY.match(follows)
    return found is not None and (found[2] or "") in _HAS[kind]
