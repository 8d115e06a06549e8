"""From the words of a command line to a checked request: pure, but for the files they name."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.api.index import Endpoint, bare, find, nearest
from bridge.config.sources import did_you_mean
from bridge.coze.exchange import Ask, Attachment
from bridge.errors import Misconfigured

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on the command line, as it stands there.

    query: `k=v`. data: JSON, or `@file`. form: `k=v` and `k=@file`. unchecked: paths and names
    that the index does not know are sent all the same.
    """

    method: str
    path: str
    query: Sequence[str] = ()
    data: str | None = None
    form: Sequence[str] = ()
    unchecked: bool = False


@dataclass(slots=True)
class _Problems:
    """Everything that is wrong, so that it is told at once."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.lines.append(line)


def understood(words: Words) -> Ask:
    """Check the words against the index. Raises `Misconfigured` with everything wrong at once."""
    problems = _Problems()
    method, path = words.method.upper(), words.path
    endpoint = _endpoint(method, path, problems, unchecked=words.unchecked)
    query = _pairs("-q", words.query, problems)
    texts, attachments = _form(words.form, problems)
    body = _body(words.data, problems)
    if words.data is not None and words.form:
        problems.add("-d: does not go with -F; a body is JSON or a form")
    if endpoint is not None:
        _judge("-q", [name for name, _ in query], endpoint.query, problems)
        _judge("-F", [*texts, *(each.name for each in attachments)], endpoint.form, problems)
        _judge_body(words, body or {}, endpoint, problems)
    if problems.lines:
        raise Misconfigured(problems.lines)
    headers = endpoint.headers if endpoint is not None else {}
    # A POST of Coze's has a body, be it an empty object.
    if body is None and method != "GET" and not words.form:
        body = {}
    return Ask(method, path, query, body, texts, attachments, headers)


def _endpoint(method: str, path: str, problems: _Problems, *, unchecked: bool) -> Endpoint | None:
    """Find what a call is meant for; what cannot be meant for Coze at all is a problem always."""
    if method not in METHODS:
        near = did_you_mean(method, METHODS)
        problems.add(f"{method}: must be one of {', '.join(METHODS)}{near}")
    elif not path.startswith("/") or path.startswith("//"):
        # An address of another host would get the token.
        problems.add(
            f"{path}: must begin with one /, such as /v1/bots; [coze] base_url has the host"
        )
    elif "?" in path or "{" in path:
        problems.add(f"{path}: parameters go into -q NAME=VALUE, and a value in place of {{…}}")
    elif not unchecked:
        found = find(method, path)
        if found is None:
            near = nearest(method, path)
            problems.add(f"{method} {path}: no endpoint of Coze{near}")
        return found
    return None


def _pairs(option: str, given: Iterable[str], problems: _Problems) -> list[tuple[str, str]]:
    found = []
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            problems.add(f"{option} {name}: must be name=value")
        else:
            found.append((name, value))
    return found


def _form(
    given: Sequence[str], problems: _Problems
) -> tuple[Mapping[str, str], Sequence[Attachment]]:
    texts, attachments = {}, []
    for name, value in _pairs("-F", given, problems):
        if not value.startswith("@"):
            texts[name] = value
        elif (path := Path(value[1:])).is_file():
            attachments.append(Attachment(name, path))
        else:
            problems.add(f"-F {name}: there is no file {path}")
    return texts, tuple(attachments)


def _body(data: str | None, problems: _Problems) -> Mapping[str, object] | None:
    if data is None:
        return None
    try:
        text = Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
        value = json.loads(text)
    except OSError as error:
        problems.add(f"-d {data}: cannot be read: {error.strerror}")
    except ValueError as error:  # also bytes that are no text
        problems.add(f"-d: not JSON: {error}")
    else:
        if isinstance(value, dict):
            return value
        problems.add("-d: must be a JSON object")
    return None


def _judge(option: str, given: Iterable[str], known: Sequence[str], problems: _Problems) -> None:
    names = bare(known)
    for name in given:
        if name not in names:
            takes = f"; it takes {', '.join(names)}" if names else "; it takes none"
            near = did_you_mean(name, names) or takes
            problems.add(f"{option} {name}: the endpoint has no such parameter{near}")


def _judge_body(
    words: Words, body: Mapping[str, object], endpoint: Endpoint, problems: _Problems
) -> None:
    if not endpoint.form:
        _judge("-d", body, endpoint.body, problems)
        return
    if words.data is not None:
        problems.add("-d: this endpoint takes a form, -F name=@FILE")
        return
    given = {pair.partition("=")[0] for pair in words.form}
    for name in endpoint.form:
        if name.endswith("*@") and bare([name])[0] not in given:
            problems.add(f"-F: missing {bare([name])[0]}; give it as {bare([name])[0]}=@FILE")
