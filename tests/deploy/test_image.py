"""The Dockerfile: a linter reads it, and its steps are done as far as that goes without Docker."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from tests.deploy.image import IS_ROOT, Image, steps
from tests.deploy.known import is_setting

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "Dockerfile"
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))

STEPS = steps(DOCKERFILE)
FIRST, SECOND = [place for place, step in enumerate(STEPS) if step.name == "FROM"]
LAST = STEPS[SECOND:]


def value(name: str) -> str:
    (found,) = (step.value for step in LAST if step.name == name)
    return found


# What stands in it


@pytest.mark.skipif(HADOLINT is None, reason="hadolint has no wheel for this machine")
def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run(
        [str(HADOLINT), "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_does_not_run_as_root() -> None:
    assert value("USER").isdigit()
    assert int(value("USER")) > 0


def test_both_stages_have_the_same_python() -> None:
    """A virtual environment works only with the one it was made by."""
    assert STEPS[FIRST].value == f"{STEPS[SECOND].value} AS build"


def test_what_is_copied_is_not_ignored_and_nothing_else_is_sent() -> None:
    sent = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for step in STEPS
        if step.name == "COPY" and not step.value.startswith("--from")
        for source in step.value.split()[:-1]
    }
    assert copied == sent
    assert (ROOT / ".dockerignore").read_text("utf-8").startswith("*\n")


def test_its_variables_are_settings() -> None:
    names = re.findall(r"COZE_BRIDGE_\w+(?==)", value("ENV"))
    assert len(names) == 2
    assert all(map(is_setting, names))


def test_the_port_it_names_is_the_one_it_listens_on() -> None:
    assert re.findall(r"SERVER__PORT=(\d+)", value("ENV")) == [value("EXPOSE")]


def test_its_version_is_the_packages() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
    assert version
    assert f"VERSION={version[1]}" in [step.value for step in LAST if step.name == "ARG"]


# What becomes of it


def a_minute_is_there() -> bool:
    return os.environ.get("CI") == "true" or os.environ.get("BUILD_IMAGE") == "1"


@pytest.mark.skipif(
    not a_minute_is_there(), reason="takes a minute: BUILD_IMAGE=1 pytest tests/deploy"
)
@pytest.mark.skipif(
    IS_ROOT and shutil.which("setpriv") is None, reason="root needs setpriv, to do without powers"
)
@pytest.mark.timeout(400)
async def test_the_image_is_complete_and_works_with_nothing_writable_but_its_volume(
    tmp_path: Path,
) -> None:
    """All in one, because it is built only once."""
    image = Image(tmp_path / "image", context=ROOT)
    image.build(DOCKERFILE)
    with image.only_data_is_writable():
        has_the_pinned_versions(image)
        has_no_installer(image)
        is_compiled(image)
        await cannot_change_itself(image, tmp_path)
        await answers_for_its_health(image, tmp_path)


def has_the_pinned_versions(image: Image) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {
        canonicalize_name(name): its for name, _, its in (line.partition("==") for line in lines)
    }
    (site,) = image.root.glob("opt/coze-bridge/lib/python*/site-packages")
    there = {canonicalize_name(its.name): its.version for its in distributions(path=[str(site)])}
    assert {"procrastinate", "opentelemetry-sdk"} <= set(there), "an extra is missing"
    del there["coze-bridge"]
    assert there == {name: pinned.get(name) for name in there}


def has_no_installer(image: Image) -> None:
    names = {"pip", "pip3", "setuptools", "wheel"}
    assert [path for path in image.root.rglob("*") if path.name in names] == []


def is_compiled(image: Image) -> None:
    """Nothing could be compiled later, so every start would take longer."""
    sources = [*image.root.glob("opt/coze-bridge/lib/python*/site-packages/bridge/**/*.py")]
    assert len(sources) > 100
    assert [path for path in sources if not Path(cache_from_source(path)).exists()] == []


async def cannot_change_itself(image: Image, folder: Path) -> None:
    place = image.here("/opt/coze-bridge/lib/new")
    code = await outcome(image, "python", "-c", f"open({place!r}, 'w')", output=folder / "change")
    assert code == 1
    assert "Permission denied" in (folder / "change").read_text("utf-8")


async def answers_for_its_health(image: Image, folder: Path) -> None:
    async with serve(Emulator(), host="127.0.0.1", port=0) as coze:
        output, port = folder / "output", str(free_port())
        process = image.start(
            *image.command("ENTRYPOINT"),
            *image.command("CMD"),
            output=output,
            COZE_BRIDGE_COZE__BASE_URL=coze.url,
            COZE_BRIDGE_COZE__TOKEN=DEMO_TOKEN,
            COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID=DEMO_BOT_ID,
            COZE_BRIDGE_ADAPTERS__WEB__TOKEN="a-long-random-word",
            COZE_BRIDGE_SERVER__PORT=port,
        )
        try:
            while not await is_healthy(image, folder, port):
                assert process.poll() is None, output.read_text("utf-8")
            process.send_signal(getattr(signal, image.settings["STOPSIGNAL"]))
            assert await asyncio.to_thread(process.wait, 30) == 0, output.read_text("utf-8")
            assert not await is_healthy(image, folder, port)
        finally:
            process.kill()
    assert (image.root / "data/coze-bridge.db").exists()


async def is_healthy(image: Image, folder: Path, port: str) -> bool:
    code = await outcome(
        image, *image.healthcheck, output=folder / "health", COZE_BRIDGE_SERVER__PORT=port
    )
    return code == 0


async def outcome(image: Image, *words: str, output: Path, **variables: str) -> int:
    process = image.start(*words, output=output, **variables)
    return await asyncio.to_thread(process.wait, 30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
