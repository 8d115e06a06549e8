"""`coze-bridge migrate --from`: moving to PostgreSQL, with a bar on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import closing

import typer

from bridge.cli.shell import fail
from bridge.store.copying import Copied, copy


def move(source: str, target: str) -> None:
    """Copy a SQLite file into an empty PostgreSQL, and tell about it. Raises like `copy`."""
    try:
        with closing(copy(source, target)) as steps:
            last = _with_bar(steps) if sys.stdout.isatty() else _in_lines(steps)
    except KeyboardInterrupt:
        fail(["interrupted: nothing was copied; the same command begins again"], 1)
    rows = last.total if last else 0
    typer.echo(f"Copied {rows} rows; every table has as many as before.")
    typer.echo("Start the bridge with this database.url, and no more on the file it came from.")


def _with_bar(steps: Iterator[Copied]) -> Copied | None:
    last = next(steps, None)
    if last is None:
        return None
    with typer.progressbar(length=last.total, label=last.table, width=30) as bar:
        for step in steps:
            bar.label = f"{step.table:18}"
            bar.update(step.done - last.done)
            last = step
    return last


def _in_lines(steps: Iterator[Copied]) -> Copied | None:
    last = None
    for step in steps:
        if last is not None and step.table != last.table:
            typer.echo(_line(last))
        last = step
    if last is not None:
        typer.echo(_line(last))
    return last


def _line(step: Copied) -> str:
    return f"{step.table}: {step.rows} rows"
