"""Platforms by name, each imported only when somebody asks for it.

A third party adds one with the entry point group `coze_bridge.adapters`; a name of ours wins.
"""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from bridge.adapter import Adapter
from bridge.errors import Misconfigured
from bridge.lent import Host
from bridge.platform import AdapterSettings, Examine, Interview, Platform

GROUP = "coze_bridge.adapters"

_BUILT_IN = tuple(
    EntryPoint(name, f"adapters.{name}.settings:PLATFORM", GROUP)
    for name in ("console", "slack", "telegram", "web")
)


def settings_model(name: str) -> type[AdapterSettings]:
    """Give the model of a platform's `[adapters.<account>]` tables.

    Raises `KeyError` with a sentence for people if there is no such platform.
    """
    return _platform(name).settings


def connects(name: str) -> bool:
    """Tell whether this version can connect to the platform, or only knows its settings."""
    return _platform(name).adapter is not None


def build(account: str, settings: AdapterSettings, host: Host) -> Adapter:
    """Import the platform's adapter and make one for this account.

    Raises `Misconfigured` for a platform that this version cannot connect to.
    """
    platform = _platform(settings.platform or account)
    if platform.adapter is None:
        raise Misconfigured([f"adapters.{account}: this version cannot connect to it yet"])
    module, _, name = platform.adapter.partition(":")
    make = cast(
        "Callable[[str, AdapterSettings, Host], Adapter]", getattr(import_module(module), name)
    )
    return make(account, settings, host)


def examiner(name: str) -> Examine | None:
    """Import what looks at a platform's side of things; None if it has no such thing.

    Raises `KeyError` with a sentence if it cannot be loaded.
    """
    where = _platform(name).examine
    return None if where is None else cast("Examine", _part(name, where))


def interview(name: str) -> Interview | None:
    """Import what `init` asks for an account; None for a platform that it does not offer.

    Raises `KeyError` with a sentence if it cannot be loaded.
    """
    where = _platform(name).interview
    return None if where is None else cast("Interview", _part(name, where))


def names() -> list[str]:
    """Every platform there is, in order."""
    return sorted(_known())


def _part(name: str, where: str) -> object:
    try:
        return cast("object", EntryPoint(name, where, GROUP).load())
    except (ImportError, AttributeError) as error:
        raise KeyError(f"the platform's package cannot be loaded: {error}") from error


def _known() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in (*entry_points(group=GROUP), *_BUILT_IN)}


def _platform(name: str) -> Platform:
    known = _known()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise KeyError(f"unknown platform; this version knows {', '.join(sorted(known))}{meant}")
    try:
        platform = known[name].load()
    except (ImportError, AttributeError) as error:
        raise KeyError(f"the platform's package cannot be loaded: {error}") from error
    if not isinstance(platform, Platform):
        raise KeyError(f"{known[name].value} is not a bridge.platform.Platform")
    return platform
