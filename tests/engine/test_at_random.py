"""Whatever happens in whatever order: each message is answered once, whole, and in its place.

A run is a list of incidents: messages, redeliveries, pauses, errors of the platform, of Coze and
of the database, and deaths of the process at any write. Then all is well again, and after a
while every message must have its answer, or one apology.
"""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.testing.agent import Play
from bridge.testing.clock import Clock, ClockLoop
from tests.engine.incidents import (
    INCIDENTS,
    Answer,
    Incident,
    Kill,
    Machine,
    Say,
    Wait,
    check,
    happens,
)


@contextmanager
def copied(template: Path) -> Iterator[str]:
    """The URL of an empty database."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bridge.db"
        shutil.copy(template, path)
        yield f"sqlite:///{path}"


def on_virtual_time(run: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
    clock = Clock()
    with asyncio.Runner(loop_factory=lambda: ClockLoop(clock)) as runner:
        runner.run(run(clock))


@settings(
    max_examples=25,
    derandomize=True,  # the same runs every time; without it, and with more of them, it searches
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(incidents=st.lists(INCIDENTS, min_size=1, max_size=25))
def test_every_message_is_answered_once_and_in_order(
    template: Path, incidents: list[Incident]
) -> None:
    with copied(template) as url:
        on_virtual_time(lambda clock: happens(incidents, url, clock))


@pytest.mark.parametrize("writes", range(14))
@pytest.mark.parametrize("play", [Play(pace=0.7), Play(lost=True, pace=1.0)])
def test_a_death_at_any_write_of_one_answer(template: Path, writes: int, play: Play) -> None:
    incidents: list[Incident] = [Answer(play), Kill(writes), Say("a", 30), Wait(20), Say("a", 1)]
    with copied(template) as url:
        on_virtual_time(lambda clock: happens(incidents, url, clock))


@pytest.mark.parametrize("writes", range(12))
@pytest.mark.parametrize("play", [Play(pace=0.7), Play(lost=True, pace=1.0)])
def test_a_death_at_any_write_where_a_conversation_goes_on(
    template: Path, writes: int, play: Play
) -> None:
    before: list[Incident] = [Say("a", 1), Wait(9)]
    incidents: list[Incident] = [Answer(play), Kill(writes), Say("a", 30), Wait(20), Say("a", 1)]
    with copied(template) as url:
        on_virtual_time(lambda clock: happens([*before, *incidents], url, clock))


def lose(machine: Machine) -> None:
    machine.adapter.delete("1")


def double(machine: Machine) -> None:
    machine.adapter.messages["1b"] = replace(machine.adapter.messages["1"], id="1b")


def shorten(machine: Machine) -> None:
    first = machine.adapter.messages["1"]
    page = replace(first.page, text=first.page.text[:-3])
    machine.adapter.messages["1"] = replace(first, page=page)


def swap(machine: Machine) -> None:
    machine.adapter.messages = dict(reversed(machine.adapter.messages.items()))


def ask_again(machine: Machine) -> None:
    machine.agent.chats.append(machine.agent.chats[0])


@pytest.mark.parametrize("spoil", [lose, double, shorten, swap, ask_again])
def test_the_check_notices_what_it_is_for(template: Path, spoil: Callable[[Machine], None]) -> None:
    async def run(clock: Clock) -> None:
        machine = Machine(url, clock)
        await machine.start()
        try:
            for _ in range(2):
                await machine.meet(Say("a", 3))
            await machine.calm()
            events = await machine.events()
            check(machine, events, [])
            spoil(machine)
            with pytest.raises(AssertionError):
                check(machine, events, [])
        finally:
            await machine.end()

    with copied(template) as url:
        on_virtual_time(run)
