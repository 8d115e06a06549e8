"""From a file and the environment to `Settings`, or to every problem at once."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, SecretStr

from bridge.config.schema import (
    AccessSettings,
    AgentSettings,
    CozeSettings,
    DatabaseSettings,
    FilesSettings,
    LogSettings,
    RetentionSettings,
    Section,
    ServerSettings,
    SessionSettings,
    Settings,
    ToolSettings,
    WebRequestSettings,
)
from bridge.config.sources import (
    CONFIG_VARIABLE,
    Problems,
    Table,
    did_you_mean,
    parse,
    read_tables,
)
from bridge.config.values import is_loopback
from bridge.platform import AdapterSettings, Outline

S = TypeVar("S", bound=Section)
M = TypeVar("M", bound=BaseModel)

WEB_REQUEST = "http_request"
"""The built-in tool that needs its table."""

Platforms = Callable[[str], type[AdapterSettings]]
"""Gives the settings model of a platform; raises `KeyError` with a sentence if there is none."""


def find(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Choose the file: the one given, the one the environment names, ./config.toml, or none."""
    if given or environ.get(CONFIG_VARIABLE):
        return given or Path(environ[CONFIG_VARIABLE])
    usual = Path("config.toml")
    return usual if usual.exists() else None


def load(path: Path | None, environ: Mapping[str, str], platforms: Platforms) -> Settings:
    """Read and check everything. Raises `Misconfigured` with all problems together.

    path: None where the environment alone configures the bridge.
    """
    problems = Problems(environ)
    tables = read_tables(path, environ, problems)
    if path is None and not tables:
        problems.add(
            "config.toml",
            "not found; `coze-bridge init` writes it; or copy config.example.toml, give --config"
            " FILE, or set variables such as COZE_BRIDGE_COZE__TOKEN",
        )
        problems.raise_if_any()
    settings = _settings(tables, platforms, problems)
    _fit_together(settings, platforms, problems)
    problems.raise_if_any()
    return settings


def load_coze(path: Path | None, environ: Mapping[str, str]) -> CozeSettings:
    """Read and check `[coze]` alone, for what needs nothing else. Raises `Misconfigured`."""
    problems = Problems(environ)
    table = read_tables(path, environ, problems).get("coze", {})
    settings = parse(CozeSettings, table, "coze", problems) or CozeSettings()
    _report("coze", settings.conflicts(), problems)
    problems.raise_if_any()
    return settings


def load_outline(
    path: Path | None, environ: Mapping[str, str], platforms: Platforms, platform: str
) -> Outline:
    """Read what a platform's own commands need, of a configuration that may not be finished.

    Raises `Misconfigured` for keys of `[adapters]` and `[server]` that are wrong by themselves.
    """
    problems = Problems(environ)
    tables = read_tables(path, environ, problems)
    server = parse(ServerSettings, tables.get("server", {}), "server", problems)
    accounts = _named("adapters", tables, _platform_settings(platforms), problems)
    problems.raise_if_any()
    mine = {name: its for name, its in accounts.items() if its.platform == platform}
    return Outline(server.public_url if server else "", mine)


def _settings(tables: Table, platforms: Platforms, problems: Problems) -> Settings:
    """Judge every key on its own. What was refused is at its default in the result."""

    def section(model: type[S], name: str) -> S:
        return parse(model, tables.get(name, {}), name, problems) or model()

    for name in tables:
        if name not in Settings.model_fields:
            near = did_you_mean(name, Settings.model_fields)
            problems.add(name, f"unknown section{near}")
    return Settings(
        coze=section(CozeSettings, "coze"),
        agents=_named("agents", tables, lambda _name, _table: AgentSettings, problems),
        adapters=_named("adapters", tables, _platform_settings(platforms), problems),
        tools=_named("tools", tables, _tool_settings, problems),
        sessions=section(SessionSettings, "sessions"),
        access=section(AccessSettings, "access"),
        database=section(DatabaseSettings, "database"),
        retention=section(RetentionSettings, "retention"),
        files=section(FilesSettings, "files"),
        server=section(ServerSettings, "server"),
        log=section(LogSettings, "log"),
    )


def _platform_settings(platforms: Platforms) -> Callable[[str, Table], type[AdapterSettings]]:
    """An adapter's model depends on its platform, which is its table's name unless it says so."""

    def choose(name: str, table: Table) -> type[AdapterSettings]:
        return platforms(str(table.setdefault("platform", name)))

    return choose


def _tool_settings(name: str, table: Table) -> type[ToolSettings]:
    """The one built-in tool that may do harm has keys of its own."""
    return WebRequestSettings if table.get("use", name) == WEB_REQUEST else ToolSettings


def _named(
    section: str, tables: Table, choose: Callable[[str, Table], type[M]], problems: Problems
) -> dict[str, M]:
    """Judge the tables `[section.<name>]`, each by the model that `choose` finds for it."""
    named = tables.get(section, {})
    if not isinstance(named, dict):
        problems.add(section, f"must hold tables such as [{section}.default]")
        return {}
    judged = {}
    for name, table in named.items():
        where = f"{section}.{name}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):  # the database holds no longer one
            problems.add(where, "a name has up to 64 letters, digits, - and _")
        elif not isinstance(table, dict):
            problems.add(where, f"must be a table, [{where}]")
        elif (settings := _judge(where, table, choose, problems)) is not None:
            judged[name] = settings
    return judged


def _judge(
    where: str, table: Table, choose: Callable[[str, Table], type[M]], problems: Problems
) -> M | None:
    try:
        model = choose(where.rpartition(".")[2], table)
    except KeyError as error:
        problems.add(f"{where}.platform", str(error.args[0]))
        return None
    return parse(model, table, where, problems)


def _fit_together(settings: Settings, platforms: Platforms, problems: Problems) -> None:
    """Report what each table makes of its keys together, then what the tables make of another."""
    _report("coze", settings.coze.conflicts(), problems)
    for name, agent in settings.agents.items():
        _report(f"agents.{name}", agent.conflicts(), problems)
    for name, tool in settings.tools.items():
        _report(f"tools.{name}", tool.conflicts(), problems)
        _report(f"tools.{name}", _unknown_agents(tool, settings), problems)
    server = settings.server
    for name, adapter in settings.adapters.items():
        where = f"adapters.{name}"
        if adapter.agent not in settings.agents and not problems.mentions(
            f"agents.{adapter.agent}"
        ):
            problems.add(f"{where}.agent", f"there is no table [agents.{adapter.agent}]")
        local = is_loopback(server.host)
        conflicts = adapter.conflicts(local=local, public_url=server.public_url)
        _report(where, conflicts, problems)
        if adapter.keeps_secrets() and not settings.database.secret_key.get_secret_value():
            problems.add("database.secret_key", f"missing; it seals what {where} has to keep")
    _report_shared(settings, problems)
    for name in ("allow", "deny", "admins"):
        _report("access", _strangers(name, settings, platforms), problems)
    if not settings.adapters and not problems.mentions("adapters"):
        problems.add("adapters", "nobody can reach the agent; add a table such as [adapters.web]")


def _report(where: str, conflicts: Iterable[tuple[str, str]], problems: Problems) -> None:
    for key, text in conflicts:
        problems.add(f"{where}.{key}", text)


def _report_shared(settings: Settings, problems: Problems) -> None:
    """Report what two accounts may not share: each would take the other's messages away."""
    seen: dict[tuple[str, object], str] = {}
    for name, adapter in settings.adapters.items():
        for key in adapter.its_own:
            value = getattr(adapter, key)
            secret = value.get_secret_value() if isinstance(value, SecretStr) else value
            first = seen.setdefault((key, secret), name) if secret else name
            if first != name:
                text = f"the same as adapters.{first}.{key}; each account needs one of its own"
                problems.add(f"adapters.{name}.{key}", text)


def _unknown_agents(tool: ToolSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    for agent in tool.agents:
        if agent not in settings.agents:
            yield "agents", f"there is no table [agents.{agent}]"


def _strangers(key: str, settings: Settings, platforms: Platforms) -> Iterator[tuple[str, str]]:
    """A misspelt platform would lock everybody out, or let somebody in."""
    for person in getattr(settings.access, key):
        try:
            platforms(person.partition(":")[0])
        except KeyError as error:
            yield key, f"begins with an unknown platform: {error.args[0]}"
