"""How near to the floor the bridge is, and how much it carries: everything, in turns.

    make bench
    make bench BENCH_ARGS="--only ingress --only relay-50 --rounds 5 --json bench/latest.json"

In each round of a scenario every stand has its turn: the floor, the bridge on SQLite, replicas on
PostgreSQL. A turn is a new process, an empty database and a new world. What is printed are
medians over the rounds, beside the floor's, and what was promised. Exits 1 if a promise is broken.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from subprocess import run
from typing import Any

from bench.answerers import STANDS
from bench.judging import medians
from bench.processes import ROOT
from bench.scenarios import SCENARIOS, Scenario
from bench.tables import Measured, missed, table

LIBRARIES = ("aiohttp", "httpx", "python-telegram-bot", "slack-bolt", "sqlalchemy", "uvloop")
ROUNDS = 3


def played(scenario: Scenario, rounds: int, *, quick: bool) -> Measured:
    """All rounds of a scenario. A run that fails is told of, and the others go on."""
    work = scenario.work.smaller() if quick else scenario.work
    found = Measured(scenario, {stand: [] for stand in scenario.stands})
    found.load.append(os.getloadavg()[0])
    for number in range(1, rounds + 1):
        for stand in scenario.stands:
            began = time.monotonic()
            try:
                figures = work.measure(stand)
            except (Exception, SystemExit) as error:  # noqa: BLE001  the others are worth having
                found.failures.append(f"{stand}, round {number}: {error!r}")
            else:
                found.rounds[stand].append(figures)
                told = " ".join(f"{k} {figures[k]:.4g}" for k in scenario.rows if k in figures)
                took = f"{time.monotonic() - began:.0f} s"
                head = f"{scenario.name} {number}/{rounds} {stand}"
                print(f"{head} ({took}): {told}", file=sys.stderr)
    found.load.append(os.getloadavg()[0])
    return found


def machine() -> dict[str, Any]:
    """What the figures are of."""
    commit, changes = (_git(*words) for words in (("rev-parse", "HEAD"), ("status", "--short")))
    return {
        "commit": commit + ("+" if changes else ""),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def _git(*words: str) -> str:
    told = run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip()


def _processor() -> str:
    rows = Path("/proc/cpuinfo").read_text().splitlines()
    names = [row.partition(":")[2].strip() for row in rows if row.startswith("model name")]
    return names[0] if names else platform.machine()


def as_json(results: Sequence[Measured], rounds: int) -> dict[str, Any]:
    return {
        **machine(),
        "rounds": rounds,
        "scenarios": {each.scenario.name: _scenario_as_json(each) for each in results},
    }


def _scenario_as_json(each: Measured) -> dict[str, Any]:
    return {
        "told": each.scenario.told,
        "load": each.load,
        "failures": each.failures,
        "medians": medians(each.rounds),
        "rounds": each.rounds,
        "limits": [
            {
                "figure": limit.figure,
                "stand": limit.stand,
                "against": limit.against,
                "bound": limit.bound,
                "value": value,
                "met": None if value is None else limit.is_met(value),
            }
            for limit, value in each.judged()
        ],
    }


def chosen(only: Sequence[str], stands: Sequence[str]) -> Iterator[Scenario]:
    """Those of these names, with these stands; all if there is none."""
    names = [scenario.name for scenario in SCENARIOS]
    if unknown := set(only) - set(names):
        raise SystemExit(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    for scenario in SCENARIOS:
        some = tuple(stand for stand in scenario.stands if not stands or stand in stands)
        if some and (not only or scenario.name in only):
            yield replace(scenario, stands=some)


def stored(file: Path) -> Iterator[Measured]:
    """What an earlier run wrote, of the scenarios that are still there."""
    found = json.loads(file.read_text())["scenarios"]
    for scenario in SCENARIOS:
        if each := found.get(scenario.name):
            stands = replace(scenario, stands=tuple(each["rounds"]))
            yield Measured(stands, each["rounds"], each["failures"], each["load"])


def show(results: Iterable[Measured]) -> int:
    """Print tables of what is there; tells whether all was as promised."""
    broken = []
    for each in results:
        print(table(each), flush=True)
        broken += missed(each)
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", action="append", default=[], metavar="NAME", help="repeatable")
    options.add_argument("--stand", action="append", default=[], choices=STANDS, help="repeatable")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--quick", action="store_true", help="small crowds: does it work at all?")
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--show", type=Path, metavar="FILE", help="only print what --json wrote")
    asked = options.parse_args()
    return show(stored(asked.show) if asked.show else measured(asked))


def measured(asked: argparse.Namespace) -> Iterator[Measured]:
    """Each scenario that is asked for, as soon as it is over."""
    results = []
    for scenario in chosen(asked.only, asked.stand):
        results.append(played(scenario, asked.rounds, quick=asked.quick))
        if asked.json is not None:  # after each, so that an interrupted run leaves what it has
            asked.json.write_text(json.dumps(as_json(results, asked.rounds), indent=2) + "\n")
        yield results[-1]


if __name__ == "__main__":
    sys.exit(main())
