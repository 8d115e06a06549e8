"""Commands that only one platform has. They stand under its name, which nobody here knows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from adapters.commands import load, names
from bridge.cli.shell import exit_codes

if TYPE_CHECKING:
    from bridge.platform import Outline


# As somebody meets them who is new here.
_ORDER = (
    "demo",
    "init",
    "run",
    "check",
    "migrate",
    "agent",
    "api",
    "vars",
    "sessions",
    "dead",
    "usage",
)


def _place(command: str) -> int:
    return _ORDER.index(command) if command in _ORDER else len(_ORDER)


class WithPlatforms(TyperGroup):
    """Our commands, and after them those that platforms bring along.

    What it is given and gives back is `Any`, because typer keeps its click to itself.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        ours = sorted(super().list_commands(ctx), key=_place)
        return [*ours, *names()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or _brought_along(cmd_name)

    def invoke(self, ctx: Any) -> Any:
        with exit_codes():
            return super().invoke(ctx)


def _brought_along(platform: str) -> Any:
    try:
        commands = load(platform)
    except KeyError as error:  # a package that is broken is no reason to show no help
        typer.echo(error.args[0], err=True)
        return None
    if commands is None:
        return None
    made = typer.main.get_command(commands)
    made.context_settings["obj"] = _reader(platform)
    return made


def _reader(platform: str) -> "Callable[[Path | None], Outline]":
    def read(config: Path | None) -> "Outline":
        from adapters.registry import settings_model
        from bridge.config import find, load_outline

        return load_outline(find(config, os.environ), os.environ, settings_model, platform)

    return read
