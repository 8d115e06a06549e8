"""`coze-bridge slack …`: what only Slack needs."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import Misconfigured

if TYPE_CHECKING:
    from adapters.slack.settings import SlackSettings
    from bridge.platform import AdapterSettings, Outline

app = typer.Typer(
    help="What only Slack needs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Mode(StrEnum):
    """How Slack reaches the bridge."""

    SOCKET = "socket"
    HTTP = "http"


@app.callback()
def options() -> None:
    """What only Slack needs."""


@app.command()
def manifest(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="The configuration; else $COZE_BRIDGE_CONFIG, else ./config.toml."),
    ] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="How Slack reaches the bridge; else as configured.")
    ] = None,
    name: Annotated[str, typer.Option(help="What people call the app.")] = "Coze Bridge",
    account: Annotated[
        str, typer.Option(help="The table [adapters.<account>]; needed where there are several.")
    ] = "",
    plain: Annotated[
        bool, typer.Option("--json", help="Print the manifest alone, for scripts.")
    ] = False,
) -> None:
    """Print the app's manifest, and the link that makes an app of it."""
    # Here, so that `--help` does not wait for what it does not need.
    from adapters.slack import manifest as made  # noqa: PLC0415  likewise

    read: Callable[[Path | None], Outline] = context.obj
    outline = read(config)
    account, settings = _chosen(outline.accounts, account)
    if mode is not None:
        settings = settings.model_copy(update={"mode": mode.value})
    whole = made.manifest(made.app(account, settings, outline.public_url, name))
    typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))
    if plain:
        return
    typer.echo(f"\nMake the app with it:\n{made.link(whole)}\n\nThen:")
    for step in made.next_steps(account, settings, outline.public_url):
        typer.echo(f"- {step}")


def _chosen(accounts: "Mapping[str, AdapterSettings]", name: str) -> "tuple[str, SlackSettings]":
    """The account that is meant; one with every default where there is none yet."""
    from adapters.slack.settings import SlackSettings  # noqa: PLC0415  see above

    tables = {key: its for key, its in accounts.items() if isinstance(its, SlackSettings)}
    if not tables:
        return name or "slack", SlackSettings()
    if not name and len(tables) == 1:
        return next(iter(tables.items()))
    if name not in tables:
        raise Misconfigured([f"--account: must be one of {', '.join(sorted(tables))}"])
    return name, tables[name]
