"""What every command does alike: it loads the configuration, runs, and ends with a code.

0 done; 1 the answer is no; 2 usage or configuration. What an operator can mend is one line on
stderr; only a bug shows a traceback. Imports wait for their command, so that `--help` is quick.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from bridge.errors import BridgeError, Misconfigured

if TYPE_CHECKING:
    from bridge.config import Settings

T = TypeVar("T")

Config = Annotated[
    Path | None,
    typer.Option(help="The configuration; else $COZE_BRIDGE_CONFIG, else ./config.toml."),
]


def load(config: Path | None) -> "Settings":
    """Read the configuration. Raises `Misconfigured` with every problem."""
    from adapters.registry import settings_model
    from bridge.config import find, load

    return load(find(config, os.environ), os.environ, settings_model)


def run(work: Coroutine[object, object, T]) -> T:
    """Run to the end on uvloop, where it is installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None
    try:
        from uvloop import new_event_loop as factory
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what went wrong into lines on stderr and a code."""
    try:
        yield
    except Misconfigured as error:
        fail(error.problems, 2)
    except BridgeError as error:
        fail([str(error)], 1)
    except BrokenPipeError:  # whoever reads our answer has had enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left to flush goes nowhere
        raise typer.Exit(1) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail([where + (error.strerror or str(error))], 1)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def fail(lines: Iterable[str], code: int) -> NoReturn:
    """Say why, and end with this code."""
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(code)
