"""Commands that only one platform has, by their name; each imported only when somebody asks.

Apart from `registry.py`, because a list of them is all that `--help` needs. A third party adds
one with the entry point group `coze_bridge.commands`: its name is the platform's and the
command's, its object a `typer.Typer`. A name of ours wins.

The context's `obj` is a `Callable[[Path | None], bridge.adapter.Outline]` that reads the
configuration. A command may raise any `BridgeError`, which becomes a line and an exit code.
"""

from importlib.metadata import EntryPoint, entry_points

import typer

GROUP = "coze_bridge.commands"

_BUILT_IN = (EntryPoint("slack", "adapters.slack.cli:app", GROUP),)


def names() -> list[str]:
    """The platforms that bring commands along, in order."""
    return sorted(_known())


def load(platform: str) -> typer.Typer | None:
    """Import the commands of a platform; None if it has none.

    Raises `KeyError` with a sentence if they cannot be loaded.
    """
    entry = _known().get(platform)
    if entry is None:
        return None
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        raise KeyError(f"the commands of {platform} cannot be loaded: {error}") from error
    if not isinstance(found, typer.Typer):
        raise KeyError(f"{entry.value} is not a typer.Typer")
    return found


def _known() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in (*entry_points(group=GROUP), *_BUILT_IN)}
