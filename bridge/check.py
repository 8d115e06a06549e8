"""Looking before the leap: what is wrong with an installation, each with its cure.

Findings are values; `cli.py` prints them.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from adapters.registry import connects, settings_model
from bridge.config import Settings, find, load
from bridge.errors import BridgeError, Misconfigured, Transient
from bridge.platform import Finding
from bridge.store import OLD, SchemaState, schema_state
from bridge.tools.registry import BUILT_IN, look

_SQLITE = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html, section 1.3


def not_yet(settings: Settings) -> list[str]:
    """Name what is set and valid, but what this version would silently ignore."""
    return [
        f"adapters.{name}: this version cannot connect to {adapter.platform} yet"
        for name, adapter in settings.adapters.items()
        if not connects(adapter.platform)
    ]


async def offline(config: Path | None, environ: Mapping[str, str]) -> list[Finding]:
    """Look at everything that needs no network. Changes nothing, not even a missing database."""
    try:
        path = find(config, environ)
        settings = load(path, environ, settings_model)
    except Misconfigured as error:
        return [Finding("wrong", problem) for problem in error.problems]
    tables = f"{_count(settings.agents, 'agent')}, {_count(settings.adapters, 'adapter')}"
    return [
        Finding("ok", f"configuration: {path or 'environment'} ({tables})"),
        *(Finding("wrong", line) for line in not_yet(settings)),
        *_readable_by_others(path, settings, environ),
        *_service_key(settings),
        *_tools(settings),
        await _database(settings.database.url),
    ]


def _count(things: Mapping[str, object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _readable_by_others(
    path: Path | None, settings: Settings, environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Look at who may read the file, if a token stands in it rather than elsewhere."""
    if path is None or not path.stat().st_mode & 0o077:
        return
    text = path.read_text(encoding="utf-8")
    elsewhere = set(environ.values())
    if any(secret in text and secret not in elsewhere for secret in _secrets(settings)):
        yield Finding("wrong", f"{path}: others may read its tokens; chmod 600 {path}")


def _service_key(settings: Settings) -> Iterator[Finding]:
    """Look at the key of `[coze.oauth]`, if there is one."""
    app = settings.coze.oauth
    if app is None:
        return
    from bridge.coze.oauth import ServiceKey  # noqa: PLC0415 - loads all of cryptography

    try:
        ServiceKey.read(app.client_id, app.public_key_id, app.private_key.get_secret_value())
    except Misconfigured as error:
        yield from (Finding("wrong", problem) for problem in error.problems)
    else:
        yield Finding("ok", "coze.oauth: the private key can sign")


def _tools(settings: Settings) -> Iterator[Finding]:
    """Load the tools, as `run` would; those that are always there go without saying."""
    tools, problems = look(settings.tools)
    yield from (Finding("wrong", problem) for problem in problems)
    shown = [f"{name}({', '.join(its.arguments.names)})" for name, its in tools.items()]
    if not tools.keys() <= BUILT_IN.keys():
        yield Finding("ok", f"tools: {', '.join(shown)}")


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr) and value.get_secret_value():
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner)


async def _database(url: str) -> Finding:
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and (finding := _database_file(path)):
        return finding
    try:
        state = await schema_state(url)
    except Transient as error:
        cure = "is database.url right, does the server run, and may this machine reach it?"
        told = str(error).removeprefix("database: ")
        return Finding("wrong", f"database: {told}; {cure}")
    except BridgeError as error:
        return Finding("wrong", f"database: {error}")
    return _schema(state, url)


def _schema(state: SchemaState, url: str) -> Finding:
    if state.up_to_date:
        return Finding("ok", f"database: schema {state.head} is up to date")
    if state.is_newer:
        text = f"a later version made schema {state.current}; this one ({state.head}) may still run"
        return Finding("note", f"database: {text} with it, but install the later one soon")
    if not url.startswith("sqlite:"):
        return Finding("wrong", f"database: {OLD}")
    return Finding("ok", f"database: schema {state.current} becomes {state.head} at the next run")


def _database_file(path: Path) -> Finding | None:
    """Look at a SQLite file from outside. None if it can be opened for writing."""
    if not path.parent.is_dir():
        return Finding("wrong", f"database: there is no folder {path.parent}; create it")
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            return Finding("wrong", f"database: cannot write to {place}; change its owner or mode")
    if not path.exists():
        return Finding("ok", f"database: {path} will be created")
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) not in {_SQLITE, b""}:
            return Finding("wrong", f"database: {path} is another kind of file; move it away")
    return None
