"""Tools by name: built in, of installed packages, and those that the configuration points at.

A package adds one with the entry point group `coze_bridge.tools`; a name of ours wins.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from bridge.config import WEB_REQUEST, ToolSettings, WebRequestSettings
from bridge.errors import Misconfigured
from bridge.tools.builtin import ask_contact, ask_location, current_time
from bridge.tools.tool import Function, Tool, tool
from bridge.tools.toolbox import Toolbox
from bridge.tools.web_request import WebRequest

GROUP = "coze_bridge.tools"

BUILT_IN: Mapping[str, Function] = {
    "ask_contact": ask_contact,
    "ask_location": ask_location,
    "current_time": current_time,
}
_DEFAULTS = ToolSettings()


def open_toolbox(settings: Mapping[str, ToolSettings]) -> Toolbox:
    """Load every tool. Raises `Misconfigured`, a line for each that cannot be loaded."""
    tools, problems = look(settings)
    if problems:
        raise Misconfigured(problems)
    return Toolbox(tools)


def look(settings: Mapping[str, ToolSettings]) -> tuple[dict[str, Tool], list[str]]:
    """Load what can be loaded, and say what is wrong with the rest, with its cure."""
    tools: dict[str, Tool] = {}
    problems: list[str] = []
    for name in sorted({*BUILT_IN, *_packaged(), *settings}):
        its = settings.get(name, _DEFAULTS)
        if not its.enabled:
            continue
        try:
            tools[name] = _tool(name, its)
        except (LookupError, TypeError) as error:
            problems.append(f"tools.{name}.use: {error.args[0]}")
    return tools, problems


def _tool(name: str, settings: ToolSettings) -> Tool:
    """Raises `LookupError` if it is not to be had and `TypeError` if it is no tool."""
    repeats = settings.repeatable
    function: object
    if isinstance(settings, WebRequestSettings):
        web = WebRequest(settings.hosts, settings.methods, settings.max_bytes)
        function = web.http_request
        repeats = web.is_repeatable if repeats is None else repeats
    else:
        function = _function(settings.use or name)
    agents = frozenset(settings.agents)
    try:
        return tool(name, function, may_repeat=repeats, timeout=settings.timeout, agents=agents)
    except TypeError as error:
        raise TypeError(f"{settings.use or name} {error}") from error


def _function(use: str) -> object:
    if use in BUILT_IN:
        return BUILT_IN[use]
    if use in _packaged():
        return _loaded(use, _packaged()[use].load)
    where, colon, name = use.rpartition(":")
    if not colon:
        known = ", ".join(sorted({*BUILT_IN, *_packaged(), WEB_REQUEST}))
        raise LookupError(
            f'there is no tool {use}; write "module:function" or "file.py:function", or one of'
            f" {known}"
        )
    if where.endswith(".py"):
        return _loaded(use, lambda: getattr(_module_of(Path(where)), name))
    return _loaded(use, EntryPoint(name, use, GROUP).load)


def _packaged() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _loaded(use: str, load: Callable[[], object]) -> object:
    try:
        return load()
    except ModuleNotFoundError as error:
        raise LookupError(
            f"{use} cannot be imported: {error}; install it beside the bridge, or correct the name"
        ) from error
    except Exception as error:
        raise LookupError(f"{use} cannot be loaded: {type(error).__name__}: {error}") from error


def _module_of(path: Path) -> ModuleType:
    """Import a file by its path, once; a relative one starts at the working directory."""
    whole = path.resolve()
    name = f"coze_bridge_tools_{hashlib.sha256(str(whole).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, whole)
    if spec is None or spec.loader is None:
        raise ImportError(f"{whole} is not Python")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
