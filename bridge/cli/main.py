"""The command line: commands and what they print.

What they have in common is in `shell.py`. Commands import what they need when they run, so
that `--help` is quick.
"""

import asyncio
import json
import signal
import sys
from errno import EADDRINUSE
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import checking
from bridge.cli.access import access
from bridge.cli.agent import agent
from bridge.cli.api import api
from bridge.cli.init import init
from bridge.cli.operator import dead, sessions, usage, variables
from bridge.cli.platforms import WithPlatforms
from bridge.cli.shell import Config
from bridge.cli.shell import exit_codes as _exit_codes
from bridge.cli.shell import load as _load
from bridge.cli.shell import run as _run
from bridge.errors import Misconfigured

if TYPE_CHECKING:
    from bridge.config import Settings

app = typer.Typer(
    name="coze-bridge",
    cls=WithPlatforms,
    help="Put an agent hosted on Coze on Telegram, Slack and a web page.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(agent, name="agent")
app.add_typer(access, name="access")
app.command()(api)
app.command()(init)
app.add_typer(sessions, name="sessions")
app.add_typer(dead, name="dead")
app.command()(usage)
app.add_typer(variables, name="vars")

Port = Annotated[int, typer.Option(min=1, max=65535, help="Where to listen on 127.0.0.1.")]


def main() -> None:
    """Run the command line."""
    app(prog_name="coze-bridge")


@app.command()
def demo(
    port: Port = 8080,
    say: Annotated[
        str | None, typer.Option(help="Send one message, print the answer, and end.")
    ] = None,
) -> None:
    """Try it: a chat page, an emulated Coze, no configuration."""
    with _exit_codes():
        if say is not None and not say.strip():
            raise Misconfigured(["--say: needs a text"])
        if say is not None and _is_garbled(say):
            raise Misconfigured(["--say: is not text in the terminal's encoding"])
        from bridge import demo as whole

        _log("warning", "auto")
        if say is None:
            _run(whole.chat_page(port, typer.echo))
        else:
            _run(whole.say(say, _print_increment))
            typer.echo()


@app.command()
def run(config: Config = None) -> None:
    """Run the bridge until SIGTERM or Ctrl-C."""
    from bridge import garbage

    garbage.keep()  # until `_begun`: that would be a fifth of the start
    with _exit_codes():
        settings = _possible(config)
        _log(settings.log.level, settings.log.format)
        from bridge import process

        read = partial(_possible, config)
        _run(process.serve(settings, started=_begun, read=read))


def _possible(config: Path | None) -> "Settings":
    """Read a configuration that this version can run with. Raises `Misconfigured`."""
    from bridge.check import not_yet

    settings = _load(config)
    if lines := not_yet(settings):
        raise Misconfigured(lines)
    return settings


@app.command()
def emulate(port: Port = 8090) -> None:
    """Run the Coze emulator alone."""
    with _exit_codes():
        _log("info", "auto")
        try:
            _run(_emulate(port))
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
            from bridge.web.ask import port_is_taken

            raise port_is_taken(port) from error


@app.command()
def migrate(
    config: Config = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="sqlite:///FILE",
            help="Then copy everything from this file, into a PostgreSQL that is empty.",
        ),
    ] = "",
) -> None:
    """Bring the database schema up to date.

    With SQLite, `run` does it by itself.
    """
    with _exit_codes():
        from bridge.store import migrate as bring_up_to_date

        settings = _load(config)
        _log("warning", settings.log.format)
        if source:
            from bridge.store.copying import require_kinds

            require_kinds(source, settings.database.url)  # before anything is changed
        revision = _run(bring_up_to_date(settings.database.url))
        if settings.database.url.startswith("postgresql"):
            from bridge.engine.cluster import apply_schema

            _run(apply_schema(settings.database.url))
        typer.echo(f"The database schema is {revision}.")
        if source:
            from bridge.cli.migrate import move

            move(source, settings.database.url)


@app.command()
def check(
    config: Config = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """List every problem, each with its cure."""
    with _exit_codes():
        _log("error", "auto")  # what goes wrong is a finding, not a line of the log
        findings = checking.look(config, offline=offline)
        if as_json:
            listed = [{"verdict": each.verdict, "text": each.text} for each in findings]
            typer.echo(json.dumps(listed, ensure_ascii=False, indent=2))
        else:
            checking.tell(findings)
        if checking.is_wrong(findings):
            raise typer.Exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"coze-bridge {version('coze-bridge')}")
        except PackageNotFoundError:
            typer.echo("coze-bridge, not installed: run from its source")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Options that stand before any command."""


def _log(level: str, format: str) -> None:  # noqa: A002 - the setting's name
    from bridge import logs

    logs.configure(level, format, sys.stderr)


def _begun(lines: str) -> None:
    """The start is over, and what it has loaded stays."""
    from bridge import garbage

    garbage.begin()
    _tell_where(lines)


def _tell_where(lines: str) -> None:
    """Print where to go; links with a token in them only to a person, never into a log."""
    first, *links = lines.splitlines()
    typer.echo(first)
    for link in links if sys.stdout.isatty() else ():
        typer.echo(link)


def _is_garbled(text: str) -> bool:
    """Tell whether an argument has bytes that are no characters; Python keeps them as halves."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _print_increment(text: str) -> None:
    typer.echo(text, nl=False)


async def _emulate(port: int) -> None:
    from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(Emulator(), host="127.0.0.1", port=port) as coze:
        typer.echo(f"Coze emulator: base_url {coze.url}, bot_id {DEMO_BOT_ID}, token {DEMO_TOKEN}")
        await stop.wait()
