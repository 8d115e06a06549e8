"""Nobody's words and no secret in any log: watched over the whole run of the tests.

After each test, every line is read that was logged in this process (from debug on, as
`bridge.logs` would write it) and every `*.log` of the processes that the test started. None may
have

- a text that is stored in a database of the test: what people said, what the agent said, the names
  of people, the values of their variables;
- a question that the emulated Coze of the test was asked (its database may be on a server);
- a secret that the test gave to a process of its own, or anything that looks like a token.

It is a plugin of pytest; `tests/conftest.py` takes it in.
"""

import json
import logging
import re
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from bridge import logs

PIECE = 40  # characters of a long text that give it away
SHORTEST = 6  # characters of a secret that is one, and not left empty
WORDS = 12  # characters of a single word that is no coincidence
STORED = {
    "inbox": ["payload"],
    "turns": ["question", "answer"],
    "conversations": ["title"],
    "transcript": ["text"],
    "files": ["content"],
    "tool_calls": ["output"],
    "variables": ["wanted", "synced", "remote"],
    "guests": ["name"],
    "broadcasts": ["text"],
}
"""Columns with what people, agents and tools say, and with names."""

SEALED = {"secrets": ["value"], "vault": ["value"]}
"""Columns with secrets that the bridge made, or was lent."""

PERSONAL = {"text", "name", "first_name", "username", "title", "email"}
"""Keys of a stored message."""

SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PRIVATE_KEY|DATABASE__URL")
"""Settings, as the environment names them."""


class Ear(StringIO):
    """Where the log of this process goes."""

    def take(self) -> list[str]:
        """The lines since the last time."""
        heard = self.getvalue().splitlines()
        self.seek(0)
        self.truncate()
        return heard


@dataclass
class Watch:
    """What was read so far. leaks: the tests that said too much."""

    ear: Ear = field(default_factory=Ear)
    tests: int = 0
    lines: int = 0
    texts: int = 0
    leaks: int = 0

    def listen(self) -> None:
        """Let every logger write here, unless it does already; a test may have changed that."""
        handlers = logging.getLogger().handlers
        ours = any(getattr(each, "stream", None) is self.ear for each in handlers)
        if not ours or not structlog.is_configured():
            logs.configure("debug", "json", self.ear)
        logs.set_level("debug")

    def judge(self, item: pytest.Item) -> list[str]:
        """Read what a test has logged; return what it should not have."""
        found = getattr(item, "funcargs", None) or {}
        folder = found.get("tmp_path")
        lines = self.ear.take()
        texts, secrets = set[str](), set[str]()
        if isinstance(folder, Path):
            lines += [line for path in folder.rglob("*.log") for line in lines_of(path)]
            for path in folder.rglob("*.db"):
                texts |= set(stored(path, STORED))
                secrets |= set(stored(path, SEALED))
        for value in found.values():
            texts |= set(asked(value))
            secrets |= set(entrusted(value))
        texts = {text for text in texts if is_telling(text)}
        secrets = {secret for secret in secrets if len(secret) >= SHORTEST}
        self.tests += 1
        self.lines += len(lines)
        self.texts += len(texts)
        leaked = leaks(lines, texts, secrets)
        self.leaks += bool(leaked)
        return leaked


def leaks(lines: Iterable[str], texts: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """The lines that say too much, each with what it should not have."""
    telling = [piece for text in texts for piece in pieces(text)]
    hidden = list(secrets)
    found = []
    for line in lines:
        too_much = [each for each in (*telling, *hidden) if each in line]
        if logs.redact(line) != line:
            too_much.append("something that looks like a token")
        found += [f"{each!r} in {line}" for each in too_much]
    return found


def pieces(text: str) -> Iterator[str]:
    """What gives a text away, as a line of JSON would have it: whole, or parts of a long one."""
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    if len(written) <= PIECE:
        yield written
        return
    middle = (len(written) - PIECE) // 2
    for start in (0, middle, len(written) - PIECE):
        yield written[start : start + PIECE]


def is_telling(text: str) -> bool:
    """Whether to find it in a line is no coincidence: "ok" may be anybody's word."""
    stripped = text.strip()
    if not stripped.isascii():
        return len(stripped) > 1
    return len(stripped) >= WORDS or (len(stripped) > 6 and " " in stripped)


def stored(path: Path, where: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Every text in these columns of a database; nothing, where it is none of ours."""
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database,
    ):
        for table, columns in where.items():
            for column in columns:
                with suppress(sqlite3.OperationalError):  # an older schema, or a test's own
                    rows = database.execute(f"SELECT {column} FROM {table}").fetchall()
                    for (value,) in rows:
                        yield from said(value, column)


def said(value: object, column: str) -> Iterator[str]:
    """The texts in a column."""
    if not isinstance(value, str):
        return
    if column != "payload":
        yield value
        return
    with suppress(ValueError):  # a row of a test's own, which is no message
        yield from personal(json.loads(value))


def personal(value: Any) -> Iterator[str]:
    """The texts in a message that are somebody's."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in PERSONAL and isinstance(inner, str):
                yield inner
            else:
                yield from personal(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from personal(inner)


def asked(fixture: object) -> Iterator[str]:
    """What an emulated Coze was asked, where a fixture has one."""
    emulator = getattr(fixture, "coze", fixture)
    questions = getattr(emulator, "asked", None)
    for question in questions if isinstance(questions, list) else ():
        text = getattr(question, "text", question)
        if isinstance(text, str):
            yield text


def entrusted(fixture: object) -> Iterator[str]:
    """The secrets in the environments of the processes that a fixture started."""
    for daemon in getattr(fixture, "daemons", None) or ():
        for name, value in getattr(daemon, "environment", {}).items():
            if not SECRET.search(name) or name.endswith("_FILE"):
                continue
            if "://" not in value:
                yield value
            elif password := re.search(r"://[^/@:]*:([^/@]+)@", value):
                yield password[1]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


# What pytest calls

WATCH = Watch()


def pytest_configure() -> None:
    WATCH.listen()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    WATCH.listen()
    WATCH.ear.take()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if leaked := WATCH.judge(item):
        shown = "\n".join(leaked[:5])
        pytest.fail(f"the log says what it must not ({len(leaked)} times):\n{shown}", pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    counted = {"tests": WATCH.tests, "lines": WATCH.lines, "texts": WATCH.texts}
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["discretion"] = {**counted, "leaks": WATCH.leaks}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for name, count in getattr(node, "workeroutput", {}).get("discretion", {}).items():
        setattr(WATCH, name, getattr(WATCH, name) + count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not hasattr(terminalreporter.config, "workerinput"):
        verdict = f"{WATCH.leaks} tests leaked" if WATCH.leaks else "nothing leaked"
        read = f"{WATCH.lines} log lines of {WATCH.tests} tests against {WATCH.texts} texts"
        terminalreporter.write_line(f"discretion: read {read}: {verdict}")
