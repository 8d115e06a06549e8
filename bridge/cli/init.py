"""`coze-bridge init`: asks, tries each answer as it is given, and writes the configuration.

Imports wait for the command, so that `--help` is quick.
"""

import getpass
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import checking
from bridge.cli.shell import Config, exit_codes, run
from bridge.errors import Misconfigured

if TYPE_CHECKING:
    from bridge.operator.draft import Draft

_ENDED = "Ended before everything was answered; nothing was written."


class Terminal:
    """A person, or a script that types like one."""

    def say(self, line: str = "") -> None:
        typer.echo(line)

    def tell(self, line: str) -> None:
        _show(line)

    def ask(self, key: str, asks: str, default: str, *, secret: bool) -> str:
        kept = " [Enter: as it is]" if default and secret else f" [{default}]" if default else ""
        return _typed(f"{asks}{kept}: ", secret=secret).strip() or default

    def agrees(self, to: str, *, default: bool) -> bool:
        while True:
            given = _typed(f"{to}? [{'Y/n' if default else 'y/N'}] ", secret=False).strip().lower()
            if given in {"", "y", "yes", "n", "no"}:
                return default if not given else given.startswith("y")
            typer.echo("Type y or n.")

    def must_answer_again(self) -> None:
        typer.echo("Once more, then. (Ctrl-C ends this, and nothing is written.)")


def _show(line: str) -> None:
    """Print what may come from elsewhere, where it cannot do anything to the terminal."""
    from bridge.operator.paper import plain

    typer.echo(plain(line))


def _typed(prompt: str, *, secret: bool) -> str:
    """Read a line. Raises `EOFError`.

    A secret is not shown; where no terminal could show it, it comes from stdin like the rest.
    """
    if secret and sys.stdin.isatty():
        return getpass.getpass(prompt)
    typer.echo(prompt, nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        typer.echo()
    if not line:
        raise EOFError
    return line


def init(
    config: Config = None,
    on: Annotated[
        list[str] | None,
        typer.Option("--on", metavar="PLATFORM", help="Where to answer, such as telegram."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as coze.base_url=…"),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: take what is given, or end.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Try nothing.")] = False,
) -> None:
    """Write a config.toml: asks for what is needed, and tries it.

    COZE_BRIDGE_… variables are taken as answers. With --yes, a file that is there already is
    left alone.
    """
    with exit_codes():
        from bridge import logs

        logs.configure("error", "auto", sys.stderr)  # what goes wrong is told in the dialogue
        path = config or Path(os.environ.get("COZE_BRIDGE_CONFIG", "config.toml"))
        drafted, steps = _conversation(path, on or [], given or [], yes=yes, offline=offline)
        _write(drafted)
        _end(path, config, steps, offline=offline)


def _conversation(
    path: Path, on: Sequence[str], given: Sequence[str], *, yes: bool, offline: bool
) -> "tuple[Draft, list[str]]":
    """Have everything answered. Returns what to write, and what is left to do then."""
    from bridge.operator.asking import Given
    from bridge.operator.draft import draft
    from bridge.operator.first_run import FirstRun

    asker = Given(_show) if yes else Terminal()
    try:
        drafted = draft(path, os.environ, _pairs(given))
        if drafted.is_change:
            _may_change(path, yes=yes)
        return drafted, FirstRun(drafted, asker, run, not offline).hold(on)
    except (EOFError, KeyboardInterrupt):
        typer.echo(f"\n{_ENDED}", err=True)
        raise typer.Exit(1) from None


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = dict(each.split("=", 1) for each in given if "=" in each and "." in each)
    if len(pairs) < len(given):
        raise Misconfigured(["--set: must be KEY=VALUE, such as coze.base_url=https://api.coze.cn"])
    return pairs


def _may_change(path: Path, *, yes: bool) -> None:
    if yes:
        raise Misconfigured([f"{path}: is there already; move it away, or leave out --yes"])
    typer.echo(f"{path} is there already. What you are not asked about stays as it is.")
    if not Terminal().agrees("Change it (a copy of it is kept)", default=False):
        typer.echo("Nothing was changed.")
        raise typer.Exit(1)


def _write(drafted: "Draft") -> None:
    copy = drafted.write()
    kept = f"; what it was is in {copy.name}" if copy else ""
    typer.echo(f"\nWrote {drafted.path}, which only you may read{kept}.")


def _end(path: Path, config: Path | None, steps: Sequence[str], *, offline: bool) -> None:
    """Look at it all together, and say what to type next."""
    typer.echo("Checking everything together, which takes some seconds ...\n")
    findings = checking.look(path, offline=offline)
    checking.tell(findings)
    option = f" --config {shlex.quote(str(config))}" if config else ""
    if checking.is_wrong(findings):
        typer.echo(f"\nMend what is wrong, then: {_name()} check{option}")
        raise typer.Exit(1)
    typer.echo(f"\nNow start it: {_name()} run{option}\nThen:")
    for step in steps:
        typer.echo(f"- {step}")


def _name() -> str:
    """What to type to call this program."""
    called = sys.argv[0]
    is_ours = Path(called).name == "coze-bridge"
    return called if is_ours and shutil.which("coze-bridge") != called else "coze-bridge"
