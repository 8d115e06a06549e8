"""Real processes on 127.0.0.1 for the benchmarks: started, waited for, ended by their ids."""

import os
import resource
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def process(
    *arguments: str, env: Mapping[str, str] | None = None
) -> AbstractContextManager[Popen[bytes]]:
    """Run `python -m bridge …` and end it afterwards."""
    return module("bridge", *arguments, env=env)


@contextmanager
def module(
    name: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[Popen[bytes]]:
    """Run `python -m name …` and end it afterwards."""
    # Only the search path is inherited, so that no setting of the caller's counts.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(env or {})}
    command = [sys.executable, "-m", name, *arguments]
    running = Popen(command, env=environment, stdout=sys.stderr)  # ours is for the figures
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(30)
        except TimeoutExpired:
            running.kill()
            running.wait()
            raise


def wait_for(url: str, seconds: float = 20, look: float = 0.05) -> None:
    """Return once `url` answers 200. look: seconds between two tries."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(look)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


@contextmanager
def emulator() -> Iterator[str]:
    """The Coze emulator in a process of its own; yields its URL."""
    port = free_port()
    with process("emulate", "--port", str(port)):
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/_emulator/state")
        yield url


def settings(
    coze: str, folder: Path, port: int, adapters: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a bridge on SQLite in `folder`.

    adapters: variables of its adapters, which may replace any other; without any it has an open
    web page.
    """
    return {
        "COZE_BRIDGE_COZE__BASE_URL": coze,
        "COZE_BRIDGE_COZE__TOKEN": DEMO_TOKEN,
        "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": DEMO_BOT_ID,
        "COZE_BRIDGE_DATABASE__URL": f"sqlite:///{folder / 'bridge.db'}",
        "COZE_BRIDGE_SERVER__PORT": str(port),
        "COZE_BRIDGE_LOG__LEVEL": "warning",
        **(adapters or {"COZE_BRIDGE_ADAPTERS__WEB__ACCESS": "open"}),
    }


@contextmanager
def bridge(
    coze: str, folder: Path, adapters: Mapping[str, str] | None = None, *, port: int = 0
) -> Iterator[tuple[str, Popen[bytes]]]:
    """The bridge on SQLite in `folder`; yields its URL and process once it is ready.

    adapters: see `settings`. port: of its own server; any free one if 0.
    """
    port = port or free_port()
    with process("run", env=settings(coze, folder, port, adapters)) as running:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/readyz")
        yield url, running


def cpu_seconds(pid: int) -> float:
    """User and system time of a running process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, also those that have ended (Linux)."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if file.parent.name == str(pid):
            ticks += sum(map(int, fields[11:15]))  # with those it has waited for
        elif fields[1] == str(pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def fine_cpu_seconds(pid: int) -> float:
    """User and system time of a running process in nanoseconds' steps, ended threads and all.

    `cpu_seconds` counts steps of 10 ms, of which a minute of idling has a dozen. The clock's number
    is what clock_getcpuclockid(3) makes of a process (Linux).
    """
    return time.clock_gettime((~pid << 3) | 2)


def proportional_megabytes(pid: int) -> float:
    """PSS: what is resident, with pages that others use as well shared among them (Linux)."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("Pss:")).split()[1]) / 1024


def waited_seconds(pid: int) -> float:
    """How long its main thread was ready to run and had no processor (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def resident_megabytes(pid: int) -> float:
    """The memory the process has now (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_megabytes(pid: int) -> float:
    """The most memory the process ever had (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def own_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
