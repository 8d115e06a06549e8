"""Many people ask; what it took, for whoever answers them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import aiohttp

from bench.processes import bridge, cpu_seconds, module, resident_megabytes
from bench.world import BOT_TOKEN, Question, Script, World

PATIENCE = 60.0  # seconds beyond the answers' own length
AT_ONCE = 200  # strangers who introduce themselves together
LAG = "coze_bridge_loop_lag_seconds"
LOOK = 0.2  # seconds between two looks at memory
WARM = 5  # people who ask before anything is measured
SETTINGS = {
    "COZE_BRIDGE_SESSIONS__MERGE_WINDOW": "0",  # else each question waits for more of it
    "COZE_BRIDGE_ADAPTERS__TELEGRAM__TOKEN": BOT_TOKEN,
    "COZE_BRIDGE_ADAPTERS__TELEGRAM__CALLS_PER_SECOND": "100000",
    "COZE_BRIDGE_COZE__MAX_CONCURRENT_TURNS": "10000",
}

Pid: TypeAlias = int


@dataclass(frozen=True)
class Answerer:
    """Whoever answers. url: of its server with `/metrics`; empty if it has none."""

    pid: Pid
    url: str = ""


@contextmanager
def floor(world: World, folder: Path) -> Iterator[Answerer]:
    """Run the least that does the work."""
    with module("bench.floor", world.telegram_url, world.coze_url) as running:
        yield Answerer(running.pid)


@contextmanager
def embedded(world: World, folder: Path) -> Iterator[Answerer]:
    """Run the bridge on SQLite."""
    told = {"COZE_BRIDGE_ADAPTERS__TELEGRAM__API_BASE_URL": world.telegram_url}
    with bridge(world.coze_url, folder, {**SETTINGS, **told}) as (url, running):
        yield Answerer(running.pid, url)


@dataclass(frozen=True)
class Crowd:
    """people: each asks once. over: seconds in which they begin. new: nobody has seen them yet."""

    people: int
    script: Script
    over: float = 0.0
    new: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a crowd. Seconds, megabytes.

    took: from the first question to the last final. cpu: of whoever answered. lag: below which
    its event loop was in 99 of 100 looks, None if it cannot be asked.
    """

    asked: Sequence[Question]
    lost: int
    took: float
    cpu: float
    base: float
    peak: float
    lag: float | None

    def times(self, since: str, until: str) -> list[float]:
        """Between two moments of each answered question, by their names."""
        return [
            getattr(each, until) - getattr(each, since) for each in self.asked if each.done.is_set()
        ]

    @property
    def cpu_each(self) -> float:
        return self.cpu / len(self.asked)

    @property
    def calls_each(self) -> float:
        return sum(each.calls for each in self.asked) / len(self.asked)


async def warm(world: World) -> None:
    """Let a few ask, so that whoever answers has imported and opened what it needs."""
    world.play(Script(tokens=20, pace=0.01))
    await world.telegram.polled.wait()
    if await unanswered([world.ask(person) for person in range(1, WARM + 1)], PATIENCE):
        raise TimeoutError("whoever answers has not answered")


async def gather(world: World, crowd: Crowd, answerer: Answerer) -> Outcome:
    """Let a crowd ask, and wait for its answers."""
    first = world.people + 1 if crowd.new else 1
    people = range(first, first + crowd.people)
    if not crowd.new:
        await introduce(world, people)
    world.play(crowd.script)
    base, lags = resident_megabytes(answerer.pid), await lag_counts(answerer.url)
    used, began = cpu_seconds(answerer.pid), time.monotonic()
    async with peak_of(answerer.pid) as peak:
        asked = await let_ask(world, people, began, crowd.over)
        lost = await unanswered(asked, crowd.script.seconds + PATIENCE)
    took, cpu = time.monotonic() - began, cpu_seconds(answerer.pid) - used
    lag = slowest(lags, await lag_counts(answerer.url))
    return Outcome(asked, lost, took, cpu, base, peak[0], lag)


async def let_ask(world: World, people: Sequence[int], began: float, over: float) -> list[Question]:
    """One after the other, at even distances."""
    asked = []
    for number, person in enumerate(people):
        due = began + number * over / len(people)
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        asked.append(world.ask(person))
    return asked


async def introduce(world: World, people: Sequence[int]) -> None:
    """Let those ask who have not asked before, so that they have a conversation."""
    world.play(Script(tokens=1, pace=0))
    strangers = [person for person in people if person > world.people]
    for some in range(0, len(strangers), AT_ONCE):
        asked = [world.ask(person) for person in strangers[some : some + AT_ONCE]]
        if await unanswered(asked, PATIENCE):
            raise TimeoutError("whoever answers has not answered")


async def unanswered(asked: Sequence[Question], within: float) -> int:
    """Wait until all is answered; returns how many are not, in so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            for question in asked:
                await question.done.wait()
    return sum(not question.done.is_set() for question in asked)


@asynccontextmanager
async def peak_of(pid: int) -> AsyncIterator[list[float]]:
    """Watch the memory of a process; what is yielded holds the most it had, in megabytes."""
    peak = [resident_megabytes(pid)]

    async def watch() -> None:
        while True:
            peak[0] = max(peak[0], resident_megabytes(pid))
            await asyncio.sleep(LOOK)

    task = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        task.cancel()
        peak[0] = max(peak[0], resident_megabytes(pid))


async def lag_counts(url: str) -> dict[float, float]:
    """How often the event loop was at most so many seconds late, since the process began."""
    if not url:
        return {}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        lines = (await response.text()).splitlines()
    found = [line.split('"') for line in lines if line.startswith(f"{LAG}_bucket")]
    return {float(within): float(count.split()[-1]) for _, within, count in found}


def slowest(before: Mapping[float, float], after: Mapping[float, float]) -> float | None:
    """The bound below which 99 % of the looks between two counts were, in seconds."""
    counts = {within: after[within] - before[within] for within in after}
    seen = max(counts.values(), default=0)
    return min((within for within, count in counts.items() if count >= 0.99 * seen), default=None)
