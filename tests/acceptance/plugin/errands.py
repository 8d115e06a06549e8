"""Somebody's tools: they write down that they ran, and take as long as a test wants."""

import asyncio
import time
from pathlib import Path

from bridge.tools import ToolFailure, repeatable

BOOK = Path("errands.txt")
HOLDING = Path("holding")  # there is somebody who blocks the loop
SHUT = Path("shop-is-shut")  # as long as this file is there, nothing comes to an end


async def order(what: str) -> str:
    """Order something: twice would be once too often."""
    return await _run(f"order {what}")


@repeatable
async def peek(what: str) -> str:
    """Look whether something is there."""
    return await _run(f"peek {what}")


async def hold() -> str:
    """Do what no tool may: keep everybody else from running, until somebody takes the file away."""
    say_so()
    while HOLDING.exists():  # noqa: ASYNC240  the very mistake that a watchdog is for
        time.sleep(0.01)  # noqa: ASYNC251  the same
    return "held"


async def _run(errand: str) -> str:
    note(errand)
    if errand.endswith("unicorns"):
        raise ToolFailure("there are no unicorns")
    while is_shut():
        await asyncio.sleep(0.01)  # the one who opens is another process
    return f"{errand}: done"


def say_so() -> None:
    HOLDING.touch()


def note(errand: str) -> None:
    with BOOK.open("a", encoding="utf-8") as book:
        book.write(f"{errand}\n")


def is_shut() -> bool:
    return SHUT.exists()
