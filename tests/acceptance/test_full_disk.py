"""The disk is full: nothing is acknowledged, nothing is lost, and it goes on when there is room."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_process import Daemon, World, answer_to, eventually

from bridge.emulator import Scenario

SIZE = "16m"  # the log of SQLite alone grows to 4 MB before it is folded in
QUESTIONS = 60
LONG = "x" * 1500  # letters in a question, so that a small disk is full of them soon


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for a few messages."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    options = ["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run([mount, *options], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


async def troubles(daemon: Daemon) -> dict[str, str]:
    _, body = await daemon.get("/readyz")
    return dict(json.loads(body)["problems"])


async def test_events_wait_at_their_platform_until_there_is_room(
    world: World, small_disk: Path
) -> None:
    world.coze.install(Scenario(match="^tea", pace=0.2))
    daemon = world.daemon(database__url=f"sqlite:///{small_disk / 'bridge.db'}")
    await daemon.ready()
    world.platform.say("anna", "tea")
    await eventually(lambda: any(len(m.history) > 1 for m in world.platform.in_chat("anna")))
    filler = fill(small_disk)
    late = [world.platform.say(f"p{n}", f"water {n} {LONG}") for n in range(QUESTIONS)]
    await eventually(lambda: daemon.events("lane.delayed"))
    assert "full" in (await troubles(daemon))["database"]
    assert not late[-1].acknowledged
    filler.unlink()
    await world.answered("anna", answer_to("tea"), within=60)
    for number in range(QUESTIONS):
        await world.answered(f"p{number}", answer_to(f"water {number} {LONG}"), within=60)
    assert len(world.questions()) == len(set(world.questions())) == QUESTIONS + 1
    assert all(update.acknowledged for update in late)
    assert await troubles(daemon) == {}
    assert not daemon.has_ended
