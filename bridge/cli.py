"""The command line: commands, what they print, and exit codes.

0 done; 1 the answer is no; 2 usage or configuration. What an operator can mend is one line on
stderr; only a bug shows a traceback. Commands import what they need when they run, so that
`--help` is quick.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from bridge.errors import BridgeError, Misconfigured

if TYPE_CHECKING:
    from bridge.config import Settings

T = TypeVar("T")

app = typer.Typer(
    name="coze-bridge",
    help="Put an agent hosted on Coze on Telegram, Slack and a web page.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Config = Annotated[
    Path | None,
    typer.Option(help="The configuration; else $COZE_BRIDGE_CONFIG, else ./config.toml."),
]
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
    with _exit_codes():
        from bridge.check import not_yet

        settings = _load(config)
        if lines := not_yet(settings):
            raise Misconfigured(lines)
        _log(settings.log.level, settings.log.format)
        from bridge import app as bridge

        _run(bridge.serve(settings, started=_tell_where))


@app.command()
def emulate(port: Port = 8090) -> None:
    """Run the Coze emulator alone."""
    with _exit_codes():
        _log("info", "auto")
        _run(_emulate(port))


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the database schema up to date.

    With SQLite, `run` does it by itself.
    """
    with _exit_codes():
        from bridge.store import migrate as bring_up_to_date

        settings = _load(config)
        _log("warning", settings.log.format)
        revision = _run(bring_up_to_date(settings.database.url))
        typer.echo(f"The database schema is {revision}.")


@app.command()
def check(
    config: Config = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.")] = False,
) -> None:
    """List every problem, each with its cure."""
    with _exit_codes():
        from bridge import check as checks

        if not offline:
            raise Misconfigured(["check: only `check --offline` exists in this version"])
        findings = _run(checks.offline(config, os.environ))
        for finding in findings:
            typer.echo(f"{finding.verdict:5}  {finding.text}")
        if any(finding.verdict == "wrong" for finding in findings):
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


def _load(config: Path | None) -> "Settings":
    from adapters.registry import settings_model
    from bridge.config import find, load

    return load(find(config, os.environ), os.environ, settings_model)


def _log(level: str, format: str) -> None:  # noqa: A002 - the setting's name
    from bridge import logs

    logs.configure(level, format, sys.stderr)


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


def _run(work: Coroutine[object, object, T]) -> T:
    """Run to the end on uvloop, where it is installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None
    try:
        from uvloop import new_event_loop as factory
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


@contextmanager
def _exit_codes() -> Iterator[None]:
    try:
        yield
    except Misconfigured as error:
        _fail(error.problems, 2)
    except BridgeError as error:
        _fail([str(error)], 1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail([where + (error.strerror or str(error))], 1)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _fail(lines: Iterable[str], code: int) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(code)
