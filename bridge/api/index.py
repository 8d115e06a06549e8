"""Which endpoints Coze has, from `endpoints.json`, which tools/openapi_index.py makes."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path, and the names it knows.

    path: with `{name}` where a value belongs. query, body, form: names, a required one with
    `*` behind it, a file with `@`. headers: sent always. binary: it answers with bytes.
    """

    method: str
    path: str
    about: str
    query: Sequence[str] = ()
    body: Sequence[str] = ()
    form: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    binary: bool = False

    def fits(self, method: str, path: str) -> bool:
        """Tell whether a call is meant for this endpoint."""
        return method == self.method and self.fits_path(path)

    def fits_path(self, path: str) -> bool:
        """Tell whether a path, with values in it, is this one."""
        pattern = "".join(
            "[^/]+" if hole else re.escape(part) for part, hole in _parts(self.path) if part or hole
        )
        return re.fullmatch(pattern, path) is not None


def _parts(path: str) -> Iterable[tuple[str, bool]]:
    for place, part in enumerate(_HOLE.split(path)):
        yield part, bool(place % 2)


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Return every endpoint, sorted by path."""
    text = files("bridge.api").joinpath("endpoints.json").read_text(encoding="utf-8")
    return tuple(
        Endpoint(*name.split(" ", 1), **entry)  # the file is ours, and tested
        for name, entry in json.loads(text).items()
    )


def bare(names: Iterable[str]) -> list[str]:
    """Return names without their marks."""
    return [name.rstrip("*@") for name in names]


def find(method: str, path: str) -> Endpoint | None:
    """Return the endpoint of a call. One with words beats one with `{name}` in their place."""
    found = [endpoint for endpoint in endpoints() if endpoint.fits(method, path)]
    return min(found, key=lambda endpoint: endpoint.path.count("{"), default=None)


def nearest(method: str, path: str) -> str:
    """Say what else a call without an endpoint may have meant, as the tail of a sentence."""
    others = [each.method for each in endpoints() if each.fits_path(path)]
    if others:
        return f"; it knows {' and '.join(others)}"
    shapes = {_shaped(each.path, path): each for each in endpoints()}
    near = difflib.get_close_matches(path, shapes, n=1, cutoff=0.7)
    if near:
        return f"; did you mean {shapes[near[0]].method} {shapes[near[0]].path}?"
    return "; --list shows them, --unchecked sends it all the same"


def _shaped(known: str, given: str) -> str:
    """Put the given values where a known path has holes, so that only the words differ."""
    parts, values = known.split("/"), given.split("/")
    if len(parts) != len(values):
        return known
    return "/".join(
        value if _HOLE.fullmatch(part) else part for part, value in zip(parts, values, strict=True)
    )


def matching(words: Iterable[str]) -> list[Endpoint]:
    """Return the endpoints in whose method, path or description every word occurs."""
    wanted = [word.lower() for word in words]
    return [
        each
        for each in endpoints()
        if all(word in f"{each.method} {each.path} {each.about}".lower() for word in wanted)
    ]
