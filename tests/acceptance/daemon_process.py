"""The daemon as the operating system sees it: a process with an environment, a log, signals."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp

from bench.processes import waited_seconds
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Answer, Emulator, Memory
from bridge.testing.loopback import Loopback

ROOT = Path(__file__).parent.parent.parent
PLUGIN = Path(__file__).parent / "plugin"
PATIENCE = 60.0  # seconds until a test gives up waiting
LOOK = 0.02  # seconds between two looks
ASK = 0.05  # seconds between two requests: each costs both sides, who may have no time to spare


def answer_to(question: str) -> str:
    """What the agent says, so that a test knows the whole text by heart."""
    return (
        f"About {question}: one two three four five six seven eight nine ten, that is {question}."
    )


def agent(question: str, _: Memory) -> Answer:
    """A plain answer of some words; a test knows it by `answer_to`."""
    return Answer(answer_to(question))


async def eventually(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Wait until the condition holds. Fails the test with its source line after `within` s."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {condition_name(condition)}")
        await asyncio.sleep(LOOK)


@asynccontextmanager
async def in_time(daemon: "Daemon", seconds: float) -> AsyncIterator[None]:
    """Fail if what is inside takes longer, unless it was others who had the processors (Linux)."""
    began, ours = time.monotonic(), waited_seconds(os.getpid())
    yield
    late = time.monotonic() - began - seconds
    assert daemon.process is not None
    waited = waited_seconds(os.getpid()) - ours + waited_seconds(daemon.process.pid)
    assert late < waited, f"{late:.1f} s too late, though it waited {waited:.1f} s for a processor"


def condition_name(condition: Callable[[], object]) -> str:
    """Where a condition stands in the source."""
    code = condition.__code__
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"


@dataclass
class Daemon:
    """One `coze-bridge run`, which can be killed and started again on the same database.

    name: of its output files. environment: COZE_BRIDGE_… variables of every start. root: where
    the program is.
    """

    name: str
    folder: Path
    environment: dict[str, str]
    root: Path = ROOT
    process: subprocess.Popen[bytes] | None = None
    runs: "count[int]" = field(default_factory=count)
    output: Path = Path()
    log: Path = Path()

    def start(self, **changes: str) -> None:
        """Start a process; `changes` are settings for this and later starts, A__B="c"."""
        self.environment.update(variables(changes))
        run = next(self.runs)
        self.output = self.folder / f"{self.name}-{run}.out"
        self.log = self.folder / f"{self.name}-{run}.log"
        kept = {name: its for name, its in os.environ.items() if not name.startswith("COZE_")}
        path = os.pathsep.join([str(self.root), str(PLUGIN)])
        with self.output.open("wb") as output, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "bridge", "run"],
                cwd=self.folder,
                env={**kept, "PYTHONPATH": path, **self.environment},
                stdout=output,
                stderr=log,
            )

    async def ready(self) -> float:
        """Start if need be and wait until it listens; return how many seconds that took."""
        began = time.monotonic()
        if self.process is None:
            self.start()
        await eventually(lambda: self.url or self.has_ended)
        assert not self.has_ended, self.log.read_text(encoding="utf-8")
        return time.monotonic() - began

    @property
    def url(self) -> str:
        """Where it listens; empty before it does."""
        found = re.search(r"listens on (http://\S+)/", self.output.read_text(encoding="utf-8"))
        return found[1] if found else ""

    @property
    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        """Kill -9: no handler runs, nothing is flushed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop."""
        assert self.process is not None
        self.process.send_signal(number)

    async def exit_code(self, *, within: float = PATIENCE) -> int:
        """Wait for its end."""
        await eventually(lambda: self.has_ended, within=within)
        assert self.process is not None
        code = self.process.wait()
        self.process = None
        return code

    def events(self, name: str) -> list[dict[str, object]]:
        """The log lines of this run with an event name."""
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = (json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n"))
        return [line for line in whole if line.get("event") == name]

    async def get(self, path: str) -> tuple[int, str]:
        """Ask its own HTTP server."""
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as response:
            return response.status, await response.text()


def variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Name settings as the environment does."""
    return {f"COZE_BRIDGE_{name.upper()}": value for name, value in settings.items()}


@dataclass
class Stage:
    """A Coze, which judges, and the daemons a test starts between it and a platform."""

    coze: Emulator
    folder: Path
    daemons: list[Daemon] = field(default_factory=list, kw_only=True)

    @property
    def database(self) -> Path:
        return self.folder / "bridge.db"

    def add(self, settings: Mapping[str, str], *, port: int = 0) -> Daemon:
        """A daemon that is not started yet. settings: A__B="c"; port: one it is reached at."""
        defaults = {
            "coze__base_url": self.coze.url,
            "coze__token": DEMO_TOKEN,
            "agents__default__bot_id": DEMO_BOT_ID,
            "sessions__merge_window": "0",
            "database__url": f"sqlite:///{self.database}",
            "server__port": str(port),
            "server__public_url": f"http://127.0.0.1:{port}" if port else "",
            "log__format": "json",
        }
        name = f"daemon{len(self.daemons)}"
        daemon = Daemon(name, self.folder, variables({**defaults, **settings}))
        self.daemons.append(daemon)
        return daemon

    def questions(self) -> list[str]:
        """What Coze was asked and accepted, in order."""
        return [asked.text for asked in self.coze.asked]


@dataclass
class World(Stage):
    """The loopback platform on the other side."""

    platform: Loopback

    def daemon(self, **settings: str) -> Daemon:
        """A daemon of this world, not started yet. `settings`: A__B="c"."""
        return self.add({"adapters__loopback__url": self.platform.url, **settings})

    async def kill(self, daemon: Daemon) -> None:
        """Kill it, and let the platform notice before anything else happens."""
        daemon.kill()
        await eventually(lambda: not self.platform.under_way)

    async def answered(self, chat: str, *texts: str, within: float = PATIENCE) -> None:
        """Wait until exactly these messages stand in the chat, finished."""
        await self._until(chat, lambda: self.platform.shown(chat) == [*texts], within)

    async def whole(self, chat: str, text: str, *, within: float = PATIENCE) -> None:
        """Wait until the finished messages of the chat, read one after another, are this text."""
        await self._until(chat, lambda: " ".join(self.platform.shown(chat)) == text, within)

    async def _until(self, chat: str, right: Callable[[], bool], within: float) -> None:
        try:
            await eventually(lambda: self.platform.settled(chat) and right(), within=within)
        except AssertionError as error:
            there = "\n".join(f"  {m.now.text!r}" for m in self.platform.in_chat(chat))
            raise AssertionError(f"{chat} reads, after {within:.0f} s:\n{there}") from error


def migrate(url: str, folder: Path, *, root: Path = ROOT) -> None:
    """Call `coze-bridge migrate`. Raises `CalledProcessError`."""
    coze_bridge("migrate", url=url, folder=folder, root=root).check_returncode()


def coze_bridge(
    *words: str, url: str, folder: Path, root: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Call a command on a database. root: where the program is."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(root),
        "COZE_BRIDGE_COZE__TOKEN": "pat_demo",
        "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": "1",
        "COZE_BRIDGE_ADAPTERS__WEB__ACCESS": "open",
        "COZE_BRIDGE_DATABASE__URL": url,
    }
    command = [sys.executable, "-m", "bridge", *words]
    return subprocess.run(
        command, env=environment, cwd=folder, check=False, capture_output=True, text=True
    )
