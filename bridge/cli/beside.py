"""What commands beside a running daemon share: its database, for one piece of work, and paper."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bridge.cli.shell import load, run

if TYPE_CHECKING:
    from bridge.config import Settings
    from bridge.store import Store

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]

BY = "command line"  # as the log of what operators did calls it


def with_store(settings: "Settings", work: "Callable[[Store], Awaitable[T]]") -> T:
    """Open the database for one piece of work."""

    async def opened() -> T:
        async with beside(settings) as store:
            return await work(store)

    return run(opened())


@asynccontextmanager
async def beside(settings: "Settings") -> "AsyncIterator[Store]":
    """Open the database without disturbing who works on it."""
    from bridge.store import open_beside

    store = await open_beside(settings.database.url)
    try:
        yield store
    finally:
        await store.close()


def quietly(config: Path | None) -> "Settings":
    """Read the configuration, and log errors alone: what is refused a command tells itself."""
    from bridge import logs

    logs.configure("error", "auto", sys.stderr)
    return load(config)


def utcnow() -> datetime:
    """The clock of every command."""
    return datetime.now(UTC)


def echo(data: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print what was found, for scripts or for people."""
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    from bridge.operator.paper import plain

    for line in lines:
        typer.echo(plain(line))  # names are what people chose to be called
