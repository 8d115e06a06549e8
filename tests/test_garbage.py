"""When Python looks for garbage."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from weakref import ref

import pytest

from bridge.garbage import QUIET, RARELY, Sweeper


class Thing:
    """Something that only a look for garbage removes."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def dropped() -> Iterator[Callable[[], object]]:
    """A thing that nobody needs; tells what is left of it."""
    gc.disable()
    yield ref(Thing())
    gc.enable()


@pytest.fixture
def crowd() -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def gathered() -> Iterator[None]:
        tasks = [asyncio.create_task(asyncio.Event().wait()) for _ in range(QUIET)]
        yield
        for task in tasks:
            task.cancel()

    return gathered


async def test_garbage_goes_at_a_quiet_time(dropped: Callable[[], object]) -> None:
    Sweeper().sweep()
    assert dropped() is None


async def test_garbage_waits_while_much_goes_on_but_not_for_ever(
    dropped: Callable[[], object], crowd: Callable[[], AbstractContextManager[None]]
) -> None:
    now = 0.0
    sweeper = Sweeper(lambda: now)
    with crowd():
        now = RARELY - 1
        sweeper.sweep()
        assert dropped() is not None
        now = RARELY
        sweeper.sweep()
        assert dropped() is None


BUSY = """
import gc
from bridge import garbage

looks = []
gc.callbacks.append(lambda phase, info: looks.append(info["generation"]))
garbage.keep()
kept = [[] for _ in range(500_000)]
assert not looks, "a start is looked through"
garbage.begin()
kept += [[] for _ in range(500_000)]
assert looks, "nothing is looked through"
assert 2 not in looks, "everything is looked through"
"""


def test_python_itself_looks_at_what_is_new_alone() -> None:
    subprocess.run([sys.executable, "-c", BUSY], check=True)
