"""What a container engine would do with our Dockerfile, done in a folder and without one.

The steps run as they stand there; only the absolute paths that the Dockerfile itself makes are
moved below the folder. The base image is a fresh virtual environment of this machine's Python.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

from tests.thrift import for_the_network

ABSOLUTE = re.compile(r"(?<![\w./])/(?=(?:src|data|opt/coze-bridge)\b)")
FOR_PIP = ("PIP_", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT")
PATIENCE = 300  # seconds for one step
IS_ROOT = os.geteuid() == 0
NOT_ALMIGHTY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
"""Before a command of root's: file modes hold for it as for everybody else."""


@dataclass(frozen=True)
class Step:
    """One instruction, its continued lines joined."""

    name: str
    value: str


def steps(dockerfile: Path) -> list[Step]:
    """Read a Dockerfile, comments left out."""
    with dockerfile.open("rb") as file:
        found = DockerfileParser(fileobj=file).structure
    return [
        Step(each["instruction"], each["value"])
        for each in found
        if each["instruction"] != "COMMENT"
    ]


@dataclass
class Image:
    """A file system in a folder, and how a container of it starts."""

    folder: Path
    context: Path
    stage: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Every stage has it in the same place, because virtual environments do not move."""
        return self.folder / "root"

    def here(self, text: str) -> str:
        """Move the Dockerfile's own absolute paths below the folder."""
        return ABSOLUTE.sub(f"{self.root}/", text)

    def build(self, dockerfile: Path) -> None:
        """Do every step. Raises `CalledProcessError`."""
        for step in steps(dockerfile):
            act = getattr(self, f"_{step.name.lower()}", None)
            if act:
                act(step.value)
            else:
                self.settings[step.name] = step.value

    def command(self, setting: str) -> list[str]:
        """A setting in its exec form."""
        return [self.here(word) for word in json.loads(self.settings[setting])]

    @property
    def healthcheck(self) -> list[str]:
        return list(json.loads(self.settings["HEALTHCHECK"].partition("CMD")[2]))

    def _from(self, value: str) -> None:
        if self.root.exists():
            self.root.rename(self.folder / f"stage-{self.stage}")
        self.folder.mkdir(exist_ok=True)
        self.stage = value.partition(" AS ")[2]
        self.environment, self.workdir, self.settings = {}, "/", {}
        local = self.root / "usr/local"
        subprocess.run([sys.executable, "-m", "venv", str(local)], check=True, timeout=PATIENCE)
        user_add = local / "bin/useradd"  # needs root; of what it does only the home matters here
        user_add.write_text('#!/bin/sh\nmkdir -p "$5"\n', encoding="utf-8")
        user_add.chmod(0o755)
        self.environment["PATH"] = f"{local}/bin:{os.environ['PATH']}"

    def _env(self, value: str) -> None:
        for pair in shlex.split(value):
            name, _, its = pair.partition("=")
            its = its.replace("$PATH", self.environment["PATH"])
            self.environment[name] = self.here(its)

    def _workdir(self, value: str) -> None:
        self.workdir = self.here(value)
        Path(self.workdir).mkdir(parents=True, exist_ok=True)

    def _run(self, value: str) -> None:
        # The cache of pip on this machine takes the place of the engine's cache of layers.
        kept = {name: its for name, its in self.environment.items() if name != "PIP_NO_CACHE_DIR"}
        outside = for_the_network()
        pip = {name: its for name, its in outside.items() if name.upper().startswith(FOR_PIP)}
        subprocess.run(
            ["sh", "-ec", self.here(value)],
            cwd=self.workdir,
            env={**pip, **kept},
            check=True,
            timeout=PATIENCE,
            capture_output=True,
        )

    def _copy(self, value: str) -> None:
        *sources, target = value.split()
        base = self.context
        if sources[0].startswith("--from="):
            base = self.folder / f"stage-{sources.pop(0).removeprefix('--from=')}"
        place = Path(self.workdir, self.here(target))
        for source in sources:
            _copy(base / source.lstrip("/"), place, into=target.endswith("/"))

    @contextmanager
    def only_data_is_writable(self) -> Iterator[None]:
        """As with `docker run --read-only`: but for the volume, nothing can be changed."""
        data = str(self.root / "data")
        inside = [Path(place) for place, *_ in os.walk(self.root) if not place.startswith(data)]
        for place in inside:
            place.chmod(0o555)
        try:
            yield
        finally:
            for place in inside:
                place.chmod(0o755)

    def start(self, *words: str, output: Path, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a command in a container: its own environment and nobody else's, no powers."""
        powers = NOT_ALMIGHTY if IS_ROOT else []
        with output.open("ab") as file:
            return subprocess.Popen(
                [*powers, *words],
                cwd=self.workdir,
                env={**self.environment, "HOME": str(self.root / "data"), **variables},
                stdout=file,
                stderr=subprocess.STDOUT,
            )


def _copy(source: Path, place: Path, *, into: bool) -> None:
    if source.is_dir():
        ignore = shutil.ignore_patterns("__pycache__") if "stage-" not in str(source) else None
        shutil.copytree(source, place, symlinks=True, ignore=ignore, dirs_exist_ok=True)
    else:
        shutil.copy2(source, place / source.name if into else place)
