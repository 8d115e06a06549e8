"""Real processes on 127.0.0.1 for the benchmarks: started, waited for, ended by their ids."""

import os
import resource
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Popen[bytes]]:
    """Run `python -m bridge …` and end it afterwards."""
    # Only the search path is inherited, so that no setting of the caller's counts.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(env or {})}
    running = Popen([sys.executable, "-m", "bridge", *arguments], env=environment)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def wait_for(url: str, seconds: float = 20) -> None:
    """Return once `url` answers 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


@contextmanager
def emulator() -> Iterator[str]:
    """The Coze emulator in a process of its own; yields its URL."""
    port = free_port()
    with process("emulate", "--port", str(port)):
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/_emulator/state")
        yield url


@contextmanager
def bridge(
    coze: str, folder: Path, adapters: Mapping[str, str] | None = None, *, port: int = 0
) -> Iterator[tuple[str, Popen[bytes]]]:
    """The bridge on SQLite in `folder`; yields its URL and process once it is ready.

    adapters: variables of its adapters; without any it has an open web page.
    port: of its own server; any free one if 0.
    """
    port = port or free_port()
    env = {
        "COZE_BRIDGE_COZE__BASE_URL": coze,
        "COZE_BRIDGE_COZE__TOKEN": DEMO_TOKEN,
        "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": DEMO_BOT_ID,
        "COZE_BRIDGE_DATABASE__URL": f"sqlite:///{folder / 'bridge.db'}",
        "COZE_BRIDGE_SERVER__PORT": str(port),
        "COZE_BRIDGE_LOG__LEVEL": "warning",
        **(adapters or {"COZE_BRIDGE_ADAPTERS__WEB__ACCESS": "open"}),
    }
    with process("run", env=env) as running:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/readyz")
        yield url, running


def cpu_seconds(pid: int) -> float:
    """User and system time of a running process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """How long its main thread was ready to run and had no processor (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def peak_megabytes(pid: int) -> float:
    """The most memory the process ever had (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def own_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
