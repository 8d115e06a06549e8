"""What is shipped: the wheel, the pinned versions, and nothing about anybody's machine."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("bridge", "adapters")


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel that is built from the tree as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with ZipFile(path) as archive:
        return archive.namelist()


def test_everything_in_the_packages_is_shipped(wheel: list[str]) -> None:
    tree = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tree - set(wheel) == set()


def test_nothing_but_the_packages_is_shipped(wheel: list[str]) -> None:
    outside = [name for name in wheel if not name.startswith(("bridge/", "adapters/"))]
    assert [name for name in outside if ".dist-info/" not in name] == []


@pytest.mark.parametrize(
    "needed",
    [
        r"adapters/web/page/index\.html",
        r"adapters/web/page/.*\.css",
        r"adapters/web/page/.*\.js",
        r"adapters/web/page/vendor/.*LICENSE.*",
        r"bridge/store/migrations/env\.py",
        r"bridge/store/migrations/versions/\w+\.py",
        r"coze_bridge-[\d.]+\.dist-info/licenses/LICENSE",
    ],
)
def test_what_the_program_reads_at_run_time_is_shipped(wheel: list[str], needed: str) -> None:
    assert any(re.fullmatch(needed, name) for name in wheel)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    folder = ROOT / "adapters" / "web" / "page"
    for file in (*folder.glob("*.js"), *folder.glob("*.html"), *folder.glob("*.css")):
        assert "https://" not in file.read_text("utf-8").replace("https://host/", ""), file.name


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    scripts = "migrations"  # Alembic runs these by path
    assert [
        folder
        for folder in folders
        if not (folder / "__init__.py").exists() and scripts not in folder.parts
    ] == []


# Versions


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def needed() -> Iterator[str]:
    """Everything that gets installed by `.[dev]`, what needs it first."""
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    waiting = [
        Requirement(line)
        for line in (
            *project["dependencies"],
            *(line for extra in ("dev", "cluster", "docs", "tracing") for line in extras[extra]),
        )
        if not line.startswith("coze-bridge")
    ]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate()):
            continue
        seen.add(name)
        yield name
        for line in distribution(name).requires or ():
            inner = Requirement(line)
            for extra in ("", *requirement.extras):
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    inner.marker = None
                    waiting.append(inner)
                    break


def test_everything_we_need_has_one_exact_version() -> None:
    assert set(needed()) - set(pins()) == set()


def test_the_build_has_exact_versions_too() -> None:
    build = {Requirement(line).name for line in pyproject()["build-system"]["requires"]}
    assert {*build, "editables"} <= set(pins())


def test_pinned_versions_satisfy_what_we_ask_for() -> None:
    project = pyproject()["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    asked = [Requirement(line) for line in lines if not line.startswith("coze-bridge")]
    found = pins()
    assert [
        str(its) for its in asked if found[canonicalize_name(its.name)] not in its.specifier
    ] == []


# The tree


def texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            try:
                yield name, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue  # a picture


# Written in parts, so that this file does not name what it forbids.
FORBIDDEN = {
    "a package registry": "|".join(
        (r"pypi\." + "org", r"python" + "hosted", r"npm" + r"js\.(?:org|com)", r"test\.pypi")
    ),
    "a path on somebody's machine": r"(?<![\w.:/%-])/(?:home|Users|root|work|mnt)/\w",
}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository, not its archive")
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    assert [name for name, text in texts() if pattern.search(text)] == []


def test_example_configuration_is_not_taken_for_a_real_one() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "/config.toml" in ignored
