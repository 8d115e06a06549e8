"""Does an answer still cost what it did, compared with the floor? For CI: half a minute.

    make bench-smoke
    python -m bench.smoke --record

The floor and the bridge on SQLite answer in turns, each four crowds of 20 people with 200 tokens
5 ms apart. What is compared is the processor time of an answer, as a ratio to the floor's, pair by
pair: whatever else the machine does meets both. Exits 1 where the median of the ratios has grown by
more than 30 % beyond the one in `bench/baseline.json`, three times running.

A new one is recorded by a change that made answers cheaper, so that this is kept; or by one that
made them dearer for something worth it, which its commit then says.
"""

import argparse
import json
import platform
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median

import uvloop

from bench.agent import Script
from bench.answerers import Answerer
from bench.crowd import Crowd, gather, inhabited, introduce
from bench.judging import paired_ratio
from bench.processes import ROOT
from bench.telegram_world import Telegram
from bench.world import Tuning, World

BASELINE = ROOT / "bench" / "baseline.json"
CROWD = Crowd(20, Script(tokens=200, pace=0.005), over=0.5)
PAIRS = 4
ATTEMPTS = 3
MOST = 1.3  # times the recorded ratio
RECORD = "python -m bench.smoke --record"


@dataclass(frozen=True)
class Costs:
    """CPU seconds an answer, of crowds that took turns."""

    floor: Sequence[float]
    ours: Sequence[float]

    @property
    def ratio(self) -> float:
        return paired_ratio(self.ours, self.floor)

    def __str__(self) -> str:
        floor, ours = (1000 * median(each) for each in (self.floor, self.ours))
        return f"floor {floor:.1f} ms an answer, bridge {ours:.1f} ms, ratio {self.ratio:.2f}"


@asynccontextmanager
async def answering(stand: str) -> AsyncIterator[tuple[World, Answerer]]:
    """A world in which somebody answers, and knows everybody."""
    async with inhabited(stand, Telegram(), Tuning()) as (here, answerer):
        await introduce(here, range(1, CROWD.people + 1))
        yield here, answerer


async def measured() -> Costs:
    """Raises `RuntimeError` if an answer was lost."""
    costs: dict[str, list[float]] = {"floor": [], "embedded": []}
    async with AsyncExitStack() as stack:
        stands = {name: await stack.enter_async_context(answering(name)) for name in costs}
        for _ in range(PAIRS):
            for name, (here, answerer) in stands.items():
                outcome = await gather(here, CROWD, answerer)
                if outcome.lost:
                    raise RuntimeError(f"{name}: {outcome.lost} answers were lost")
                costs[name].append(outcome.cpu / CROWD.people)
    return Costs(costs["floor"], costs["embedded"])


def has_grown(ratio: float, recorded: float) -> bool:
    return ratio > recorded * MOST


def recorded() -> float:
    try:
        return float(json.loads(BASELINE.read_text())["ratio"])
    except FileNotFoundError:
        raise SystemExit(f"there is no {BASELINE.name}; make it: {RECORD}") from None


def record() -> int:
    """The median of as many attempts as may be needed to break it."""
    attempts = [uvloop.run(measured()) for _ in range(ATTEMPTS)]
    for costs in attempts:
        print(costs)
    ratio = round(median(costs.ratio for costs in attempts), 2)
    told = {"ratio": ratio, "python": platform.python_version(), "processor": platform.machine()}
    BASELINE.write_text(json.dumps(told, indent=2) + "\n")
    print(f"recorded {ratio}")
    return 0


def compare() -> int:
    before = recorded()
    for attempt in range(1, ATTEMPTS + 1):
        costs = uvloop.run(measured())
        print(f"attempt {attempt}: {costs}; recorded {before:.2f}", flush=True)
        if not has_grown(costs.ratio, before):
            if has_grown(before, costs.ratio):
                print(f"much cheaper than recorded; keep that: {RECORD}")
            return 0
    print(
        f"an answer costs more than {MOST:.1f} times what it did beside the floor. "
        f"If that is worth it, say so in the commit and record it: {RECORD}",
        file=sys.stderr,
    )
    return 1


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--record", action="store_true", help="measure, and write the baseline")
    return record() if options.parse_args().record else compare()


if __name__ == "__main__":
    sys.exit(main())
