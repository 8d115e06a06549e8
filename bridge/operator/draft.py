"""The configuration that `coze-bridge init` writes, while it is not yet written.

What a file has already stays as it is, with its comments; a copy of it is kept.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bridge.agentfile.document import edited
from bridge.agentfile.fields import Value, flatten, nested
from bridge.config.sources import Problems, read_tables
from bridge.errors import Misconfigured

_HEAD = """\
# Written by `coze-bridge init`. `coze-bridge check` tells what is wrong with it.
# Every setting: config.example.toml and docs/configuration.md

"""

_SECTIONS = ("coze", "agents", "adapters")


@dataclass
class Draft:
    """Keys are dotted, such as coze.token. A secret may stand there as its file, coze.token_file.

    before: the text of the file; empty if there is none. known: what it says. fresh: what is
    to be written into it.
    """

    path: Path
    before: str = ""
    known: Mapping[str, Value] = field(default_factory=dict)
    fresh: dict[str, Value] = field(default_factory=dict)

    @property
    def is_change(self) -> bool:
        """Whether there is a file already."""
        return self.path.exists()

    def get(self, key: str) -> str:
        """A value as text; empty where there is none."""
        return str(self._all().get(key, ""))

    def has(self, key: str) -> bool:
        """Whether there is a value, here or in a file of its own."""
        return bool(self.get(key) or self.get(f"{key}_file"))

    def put(self, key: str, value: str) -> None:
        """Set a key; a secret is from then on no longer read from its file."""
        self.fresh[key] = value
        self.fresh.pop(_other(key), None)

    def table(self, name: str) -> dict[str, object]:
        """One table, as it will be read."""
        mine = f"{name}."
        found = {k.removeprefix(mine): v for k, v in self._all().items() if k.startswith(mine)}
        return nested(found)

    def names(self, section: str) -> list[str]:
        """The tables [section.<name>], in their order."""
        keys = (key.split(".") for key in self._all())
        return list(dict.fromkeys(key[1] for key in keys if key[0] == section and len(key) > 2))

    def text(self) -> str:
        """The file as it will be. Raises `Misconfigured` for a layout nobody can edit."""
        fresh = dict(sorted(self.fresh.items(), key=_place))
        return edited(self.before or _HEAD, fresh, list(self._dropped()))

    def write(self) -> Path | None:
        """Write the file, for its owner's eyes only: all of it or nothing.

        Returns the copy of what was there before; None if there was nothing. Raises `OSError`.
        """
        path, text = self.path.resolve(), self.text()  # a link stays one
        copy = _kept(path, self.before) if self.is_change else None
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            _write_new(fresh, text)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return copy

    def _all(self) -> dict[str, Value]:
        dropped = set(self._dropped())
        kept = {key: value for key, value in self.known.items() if key not in dropped}
        return {**kept, **self.fresh}

    def _dropped(self) -> Iterator[str]:
        return (_other(key) for key in self.fresh if _other(key) in self.known)


def draft(path: Path, environ: Mapping[str, str], given: Mapping[str, str]) -> Draft:
    """Begin with the file, if there is one, the environment, and then what is `given`.

    What comes from the environment is written into the file as well. Raises `Misconfigured` for
    a file, or a variable, that cannot be read.
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise Misconfigured([f"{path}: there is no folder {folder}; create it"])
    if not os.access(folder, os.W_OK | os.X_OK):  # better said before all the questions
        raise Misconfigured([f"{path}: cannot write to {folder}; change its owner or mode"])
    problems = Problems(environ)
    variables = read_tables(None, environ, problems)
    known = read_tables(path, {}, problems) if path.exists() else {}
    problems.raise_if_any()
    # Line ends stay as they are; that it is text is known by now.
    before = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    made = Draft(path, before, dict(flatten(known)))
    for key, value in (*flatten(variables), *given.items()):
        made.put(key, str(value))
    return made


def _place(item: tuple[str, Value]) -> int:
    """Write the sections in the order of the example; within one, keys stay in theirs."""
    section = item[0].partition(".")[0]
    return _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)


def _other(key: str) -> str:
    """The same secret in its other form."""
    return key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"


def _kept(path: Path, text: str) -> Path:
    """Keep a copy under the first name that is free."""
    for number in count():
        copy = path.with_name(f"{path.name}.bak{number or ''}")
        if not copy.exists():
            break
    _write_new(copy, text)
    return copy


def _write_new(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a handle
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
