"""A process that is to end ends, whatever in it does not; real processes, as they would hang."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge import process
from bridge.app import open_bridge
from bridge.config import (
    AgentSettings,
    CozeSettings,
    DatabaseSettings,
    ServerSettings,
    Settings,
)
from bridge.errors import Misconfigured, Permanent
from tests.platforms.worlds import free_port

PATIENCE = 10.0  # seconds
GRACE = 0.1

START = """
import asyncio, sys, threading, time
from bridge import logs
from bridge.ending import end_within

logs.configure("info", "json", sys.stderr)

async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
"""
DISOBEYED = """
async def main():
    asyncio.create_task(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    end_within(0.2)
"""
ALL_AWAITED = """
async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(stubborn(), name="stubborn")
        await asyncio.sleep(0)
        end_within(0.2)
        raise ValueError
"""
LOOP_BLOCKED = """
async def main():
    end_within(0.2)
    time.sleep(3600)
"""
THREAD_AWAITED = """
async def main():
    end_within(0.2)
    threading.Thread(target=threading.Event().wait, name="stubborn").start()
"""


def run(program: str) -> tuple[int, list[dict[str, str]]]:
    """Run it as a process; its status, and the events that it logged."""
    whole = textwrap.dedent(START + program + "\nasyncio.run(main())\n")
    done = subprocess.run(
        [sys.executable, "-c", whole],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    return done.returncode, [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("program", "who", "where"),
    [
        pytest.param(DISOBEYED, "stubborn", " stubborn > locks.py:", id="a task goes on"),
        pytest.param(ALL_AWAITED, "stubborn", " stubborn > locks.py:", id="a group waits for it"),
        pytest.param(LOOP_BLOCKED, "MainThread", " main", id="the loop stands still"),
        pytest.param(THREAD_AWAITED, "stubborn", " wait", id="a thread goes on after the loop"),
    ],
)
def test_what_hangs_at_the_end_is_told_of_and_ended(program: str, who: str, where: str) -> None:
    status, events = run(program)
    assert status == 1
    assert events[0]["event"] == "process.hangs"
    places = {it.get("task") or it["thread"]: it["at"] for it in events[1:]}
    assert where in places[who]


def test_what_ends_in_time_keeps_its_status() -> None:
    assert run("async def main():\n    end_within(60)\n    sys.exit(3)") == (3, [])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A page over SQLite, and a Coze that nobody has to reach."""
    return Settings(
        coze=CozeSettings.model_validate({"base_url": "http://127.0.0.1:1", "token": "pat_demo"}),
        agents={"default": AgentSettings(bot_id="1")},
        adapters={"web": settings_model("web").model_validate({"access": "open"})},
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'bridge.db'}"),
        server=ServerSettings(port=free_port(), grace=GRACE),
    )


async def test_the_end_is_bounded_from_the_signal_on(settings: Settings) -> None:
    bounds: list[float] = []
    async with asyncio.timeout(PATIENCE):
        await process.serve(
            settings,
            started=lambda _: os.kill(os.getpid(), signal.SIGTERM),
            ending=bounds.append,
        )
    assert bounds == [GRACE + process.CLOSING]


async def test_the_end_is_bounded_where_the_start_fails(settings: Settings) -> None:
    nowhere = DatabaseSettings(url="sqlite:////nowhere/bridge.db")
    bounds: list[float] = []
    with pytest.raises(Misconfigured):
        await process.serve(settings.model_copy(update={"database": nowhere}), ending=bounds.append)
    assert bounds == [GRACE + process.CLOSING]


class Fails:
    """An engine with a reason for the process to end."""

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        raise Permanent("this replica was away")


class Stubborn:
    """Vitals that go on until they are let go, whoever cancels them."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def run(self) -> None:
        while not self.go.is_set():
            with suppress(asyncio.CancelledError):
                await self.go.wait()


async def test_the_end_has_begun_once_a_peer_failed_whoever_else_goes_on(
    settings: Settings,
) -> None:
    stop, stubborn = asyncio.Event(), Stubborn()
    async with open_bridge(settings) as whole:
        bridge = replace(whole, engine=Fails(), vitals=stubborn)
        running = asyncio.create_task(bridge.run(stop))
        try:
            async with asyncio.timeout(PATIENCE):
                await stop.wait()
            assert not running.done()
        finally:
            stubborn.go.set()
        with pytest.RaisesGroup(Permanent):
            await running
