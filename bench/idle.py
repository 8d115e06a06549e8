"""What the bridge costs while nobody writes: its start, its memory, its idling.

    python -m bench.idle --rounds 5 --json idle.json

Telegram by polling and Slack by sockets on SQLite; then Slack by HTTP, and PostgreSQL. The
emulators of Coze, Telegram and Slack are processes of their own, and hold a poll as long as the
real ones do. In each round, in turns, each bridge is started twice: on an empty database
(PostgreSQL's is migrated before), where two people who were never heard of write as soon as it is
ready; and again on the same, where nobody does. The second start is measured, the memory ten
seconds later, and what it uses of a processor then. Exits 1 where the first stand's medians are
worse than what the project promises.
"""

import argparse
import json
import platform
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen, run
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import spread
from bench.processes import (
    ROOT,
    emulator,
    fine_cpu_seconds,
    free_port,
    module,
    process,
    proportional_megabytes,
    resident_megabytes,
    settings,
    wait_for,
)
from bridge.testing import postgres
from tests.slack.emulator import APP_TOKEN, SIGNING_SECRET
from tests.slack.emulator import BOT_TOKEN as SLACK_TOKEN
from tests.telegram.emulator import TOKEN

SETTLED = 10.0  # seconds after which memory is looked at, and idling begins
PATIENCE = 30.0  # seconds for anything that is waited for
LOOK = 0.005  # seconds between two looks
STANDS = ("sqlite socket", "sqlite http", "postgres socket")
MOST = {"polling": 1.5, "rss": 100.0, "idle": 0.2, "help": 0.3}  # what the first stand promises


@dataclass(frozen=True)
class World:
    """Where the emulators are. hooked: the Slack that delivers to `port`; sockets: the other."""

    coze: str
    telegram: str
    sockets: str
    hooked: str
    port: int


@dataclass(frozen=True)
class Figures:
    """Of one round and stand. Times are seconds since the process was started (exec).

    first_polling: the first getUpdates, on an empty database; polling, ready: on the second start.
    rss, pss: megabytes. idle: percent of a processor.
    first, second: seconds from the first two messages there ever were to the question at Coze.
    """

    first_polling: float
    first: float
    second: float
    polling: float
    ready: float
    start_cpu: float
    rss: float
    pss: float
    idle: float


@contextmanager
def platform_emulator(name: str, *arguments: str) -> Iterator[str]:
    """An emulator of `tests` in a process of its own; yields its URL."""
    port = free_port()
    with module(name, "--port", str(port), *arguments):
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/_emulator/state")
        yield url


@contextmanager
def world() -> Iterator[World]:
    port = free_port()
    hook = f"http://127.0.0.1:{port}/slack/slack/events"
    with ExitStack() as stack:
        yield World(
            stack.enter_context(emulator()),
            stack.enter_context(platform_emulator("tests.telegram.emulator", "--lenient")),
            stack.enter_context(platform_emulator("tests.slack.emulator")),
            stack.enter_context(platform_emulator("tests.slack.emulator", "--deliver-to", hook)),
            port,
        )


def environment(here: World, stand: str, database: str, folder: Path) -> dict[str, str]:
    mode = stand.split()[1]
    slack = {
        "BOT_TOKEN": SLACK_TOKEN,
        "APP_TOKEN": APP_TOKEN if mode == "socket" else "",
        "SIGNING_SECRET": SIGNING_SECRET if mode == "http" else "",
        "API_BASE_URL": f"{here.sockets if mode == 'socket' else here.hooked}/api/",
        "MODE": mode,
    }
    adapters = {
        "COZE_BRIDGE_ADAPTERS__TELEGRAM__TOKEN": TOKEN,
        "COZE_BRIDGE_ADAPTERS__TELEGRAM__API_BASE_URL": here.telegram,
        "COZE_BRIDGE_SESSIONS__MERGE_WINDOW": "0",
        "COZE_BRIDGE_DATABASE__URL": database,
        **{f"COZE_BRIDGE_ADAPTERS__SLACK__{name}": value for name, value in slack.items()},
    }
    return settings(here.coze, folder, here.port, adapters)


@contextmanager
def empty_database(stand: str, folder: Path, here: World) -> Iterator[str]:
    """The URL of an empty database; PostgreSQL's is migrated."""
    if stand.startswith("sqlite"):
        yield f"sqlite:///{folder / 'bridge.db'}"
        return
    with postgres.database(postgres.server()) as url:
        with process("migrate", env=environment(here, stand, url, folder)) as migrating:
            if migrating.wait(PATIENCE):
                raise SystemExit("coze-bridge migrate failed")
        yield url


def fetched(url: str, body: dict[str, object] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as response:
        return json.load(response)


def last_call(here: World) -> int:
    return max(
        (call["number"] for call in fetched(f"{here.telegram}/_emulator/log")["calls"]), default=0
    )


def first_poll(here: World, since: int) -> float:
    """When Telegram was polled for the first time since that call, on the monotonic clock."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        calls = fetched(f"{here.telegram}/_emulator/log?since={since}")["calls"]
        if polls := [call["at"] for call in calls if call["method"] == "getUpdates"]:
            return float(polls[0])
        time.sleep(LOOK)
    raise TimeoutError("nobody polled")


def until_asked(here: World, person: int) -> float:
    """Write as somebody on Telegram; seconds until Coze has it."""
    text = f"message {person} of {time.time()}"
    began = time.time()
    fetched(f"{here.telegram}/_emulator/say", {"person": person, "text": text})
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        asked = fetched(f"{here.coze}/_emulator/log")["asked"]
        if found := [each["at"] for each in asked if each["text"] == text]:
            return float(found[0]) - began
        time.sleep(LOOK)
    raise TimeoutError("Coze was not asked")


@contextmanager
def started(here: World, env: dict[str, str]) -> Iterator[tuple[Popen[bytes], float, float]]:
    """Run the bridge; yields it with the seconds until it polled and until it was ready."""
    since, began = last_call(here), time.monotonic()
    with process("run", env=env) as running:
        wait_for(f"http://127.0.0.1:{here.port}/readyz", PATIENCE, LOOK)
        ready = time.monotonic() - began
        yield running, first_poll(here, since) - began, ready


def measured(here: World, stand: str, seconds: float) -> Figures:
    """One round of one stand."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        database = stack.enter_context(empty_database(stand, folder, here))
        env = environment(here, stand, database, folder)
        with started(here, env) as (_, first_polling, _):
            people = [int(time.time() * 1000) % 10**9 + each for each in (1, 2)]
            first, second = (until_asked(here, person) for person in people)
        with started(here, env) as (running, polling, ready):
            start_cpu = fine_cpu_seconds(running.pid)
            time.sleep(SETTLED)
            rss, pss = resident_megabytes(running.pid), proportional_megabytes(running.pid)
            used, began = fine_cpu_seconds(running.pid), time.monotonic()
            time.sleep(seconds)
            cpu = fine_cpu_seconds(running.pid) - used
            idle = 100 * cpu / (time.monotonic() - began)
    return Figures(first_polling, first, second, polling, ready, start_cpu, rss, pss, idle)


def until_help() -> float:
    """Seconds that `coze-bridge --help` takes."""
    command = [sys.executable, "-m", "bridge", "--help"]
    began = time.monotonic()
    run(command, cwd=ROOT, stdout=DEVNULL, check=True)
    return time.monotonic() - began


ROWS = {
    "polling": ("`run` until the first getUpdates", "s", 2),
    "ready": ("`run` until /readyz is 200", "s", 2),
    "start_cpu": ("CPU until then", "s", 2),
    "first_polling": ("the same, on an empty database", "s", 2),
    "first": ("first message until Coze has it", "ms", 0),
    "second": ("second message, by somebody else", "ms", 0),
    "rss": ("resident after 10 s", "MB", 1),
    "pss": ("its share of that (PSS)", "MB", 1),
    "idle": ("idle", "% of a processor", 3),
}


def column(name: str, results: Sequence[Figures]) -> list[float]:
    factor = 1000 if ROWS[name][1] == "ms" else 1
    return [factor * getattr(each, name) for each in results]


def report(results: dict[str, list[Figures]], helps: list[float]) -> None:
    print(f"median (least–most) of {len(helps)} rounds")
    print(f"`--help`: {spread(helps, 2)} s")
    for stand, rounds in results.items():
        print(f"{stand}:")
        for name, (told, unit, digits) in ROWS.items():
            print(f"  {told:<34} {spread(column(name, rounds), digits)} {unit}")


def broken(results: dict[str, list[Figures]], helps: list[float]) -> list[str]:
    """Which promises the medians of the first stand break."""
    rounds = results[STANDS[0]]
    medians = {
        each.name: median(getattr(one, each.name) for one in rounds) for each in fields(Figures)
    }
    medians["help"] = median(helps)
    return [name for name, most in MOST.items() if medians[name] > most]


def written(path: Path, results: dict[str, list[Figures]], helps: list[float]) -> None:
    commit = run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    told = {
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "help": helps,
        "stands": {stand: [asdict(one) for one in rounds] for stand, rounds in results.items()},
    }
    path.write_text(json.dumps(told, indent=2) + "\n")


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=30.0, help="to idle in each round")
    options.add_argument("--stand", choices=STANDS, action="append", help="only this; repeatable")
    options.add_argument("--json", type=Path, metavar="FILE")
    asked = options.parse_args()
    stands = asked.stand or STANDS
    results: dict[str, list[Figures]] = {stand: [] for stand in stands}
    helps = []
    with world() as here:
        for _ in range(asked.rounds):
            helps.append(until_help())
            for stand in stands:
                results[stand].append(measured(here, stand, asked.seconds))
    report(results, helps)
    if asked.json is not None:
        written(asked.json, results, helps)
    bad = broken(results, helps) if STANDS[0] in stands else []
    for name in bad:
        print(f"{name}: more than {MOST[name]}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
