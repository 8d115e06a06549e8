"""Many people ask; what it took, for whoever answers them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.agent import Question, Script
from bench.answerers import STANDS, Answerer
from bench.figures import bound_of
from bench.processes import own_cpu_seconds, waited_seconds
from bench.world import Platform, Tuning, World, world

PATIENCE = 60.0  # seconds beyond an answer's own length, in which no other is complete either
LAG = "coze_bridge_loop_lag_seconds"
LOOK = 0.2  # seconds between two looks at memory
WARM = 5  # people who ask before anything is measured


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

    took: from the first question to the last final. cpu: of whoever answered; database: of the
    server that replicas share; waited: how long they
    were ready to run and had no processor; world, world_waited: the same of what is around them.
    open: answers that
    were told at the same moment, at most. lag: below which the event loop was in 99 of 100 looks,
    None if it cannot be asked.
    """

    asked: Sequence[Question]
    took: float
    cpu: float
    database: float
    waited: float
    world: float
    world_waited: float
    base: float
    peak: float
    open: int
    lag: float | None

    @property
    def answered(self) -> Sequence[Question]:
        return [each for each in self.asked if each.done.is_set()]

    @property
    def lost(self) -> int:
        return len(self.asked) - len(self.answered)

    @property
    def unheard(self) -> int:
        """How many never came to Coze."""
        return sum(not each.at_coze for each in self.asked)

    def times(self, since: str, until: str) -> list[float]:
        """Between two moments of each answered question, by their names."""
        return [getattr(each, until) - getattr(each, since) for each in self.answered]


@asynccontextmanager
async def inhabited(
    stand: str, platform: Platform, tuning: Tuning
) -> AsyncIterator[tuple[World, Answerer]]:
    """A new world, and new processes with an empty database that answer in it and are warm."""
    async with world(platform, tuning) as here:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            started = STANDS[stand](here, folder, tuning)
            answerer = await asyncio.to_thread(stack.enter_context, started)
            try:
                await warm(here)
                yield here, answerer
            finally:
                await asyncio.to_thread(stack.close)


async def warm(world: World) -> None:
    """Let a few ask, so that whoever answers has imported and opened what it needs."""
    world.play(Script(tokens=20, pace=0.01))
    await world.platform.ready()
    if await unanswered([world.ask(person) for person in range(1, WARM + 1)], PATIENCE):
        raise TimeoutError("whoever answers has not answered")


async def gather(world: World, crowd: Crowd, answerer: Answerer) -> Outcome:
    """Let a crowd ask, and wait for its answers."""
    first = world.people + 1 if crowd.new else 1
    people = range(first, first + crowd.people)
    if not crowd.new:
        await introduce(world, people)
    world.play(crowd.script)
    async with watching(world, answerer) as watched:
        asked = await let_ask(world, people, crowd.over)
        await unanswered(asked, crowd.script.seconds + PATIENCE)
    return watched.outcome(asked)


async def let_ask(world: World, people: Sequence[int], over: float) -> list[Question]:
    """One after the other, at even distances."""
    asked, began = [], time.monotonic()
    for number, person in enumerate(people):
        due = began + number * over / len(people)
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        asked.append(world.ask(person))
    return asked


async def let_ask_again(world: World, people: Sequence[int], seconds: float) -> list[Question]:
    """For so long, everybody asks as soon as they are answered; then the last answers are due."""
    end = time.monotonic() + seconds
    asked: list[Question] = []

    async def talk(person: int) -> None:
        while time.monotonic() < end:
            asked.append(question := world.ask(person))
            await question.done.wait()

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds + PATIENCE), asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(talk(person))
    return asked


async def introduce(world: World, people: Sequence[int]) -> None:
    """Let those ask who have not asked before, so that they have a conversation; then rest."""
    world.play(Script(tokens=1, pace=0))
    strangers = [person for person in people if person > world.people]
    together = world.platform.at_once
    for some in range(0, len(strangers), together):
        asked = [world.ask(person) for person in strangers[some : some + together]]
        if await unanswered(asked, PATIENCE):
            raise TimeoutError("whoever answers has not answered")
    if strangers:
        await asyncio.sleep(world.rest)


async def unanswered(asked: Sequence[Question], within: float) -> int:
    """Wait until all is answered, or nothing more is for so many seconds; returns what is not."""
    waiting = list(asked)
    while waiting:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await waiting[0].done.wait()
        left = [question for question in waiting if not question.done.is_set()]
        if len(left) == len(waiting):
            break
        waiting = left
    return len(waiting)


@dataclass
class Watched:
    """What the processes used up meanwhile; complete once the watching is over."""

    world: World
    base: float
    peak: float
    took: float = 0.0
    cpu: float = 0.0
    database: float = 0.0
    waited: float = 0.0
    around: float = 0.0
    around_waited: float = 0.0
    lag: float | None = None

    def outcome(self, asked: Sequence[Question]) -> Outcome:
        return Outcome(
            asked=asked,
            took=self.took,
            cpu=self.cpu,
            database=self.database,
            waited=self.waited,
            world=self.around,
            world_waited=self.around_waited,
            base=self.base,
            peak=self.peak,
            open=self.world.coze.most_open,
            lag=self.lag,
        )


@asynccontextmanager
async def watching(world: World, answerer: Answerer) -> AsyncIterator[Watched]:
    """Watch the time and the processes for as long as the context lasts."""
    lags = await lag_counts(answerer)
    watched = Watched(world, base=answerer.megabytes, peak=answerer.megabytes)

    async def watch_memory() -> None:
        while True:
            watched.peak = max(watched.peak, answerer.megabytes)
            await asyncio.sleep(LOOK)

    task = asyncio.create_task(watch_memory())
    before = _used(answerer)
    try:
        yield watched
    finally:
        used = [now - then for now, then in zip(_used(answerer), before, strict=True)]
        watched.took, watched.cpu, watched.database, watched.waited = used[:4]
        watched.around, watched.around_waited = used[4:]
        task.cancel()
        watched.peak = max(watched.peak, answerer.megabytes)
    pairs = zip(lags, await lag_counts(answerer), strict=True)
    watched.lag = max((bound_of(*pair) for pair in pairs), default=None)


def _used(answerer: Answerer) -> tuple[float, ...]:
    """Seconds: of the clock, and of processors."""
    own = (own_cpu_seconds(), waited_seconds(os.getpid()))
    return time.monotonic(), answerer.cpu, answerer.database_cpu, answerer.waited, *own


async def lag_counts(answerer: Answerer) -> list[Mapping[float, float]]:
    """How often each loop was at most so many seconds late, since its process began."""
    counts: list[Mapping[float, float]] = []
    async with aiohttp.ClientSession() as session:
        for url in answerer.urls:
            async with session.get(f"{url}/metrics") as response:
                counts.append(histogram(await response.text(), LAG))
    return counts


def histogram(metrics: str, name: str) -> dict[float, float]:
    """The cumulative counts of a histogram without labels, by their upper bounds."""
    lines = [
        line.split('"') for line in metrics.splitlines() if line.startswith(f"{name}_bucket{{")
    ]
    return {float(bound): float(count.split()[-1]) for _, bound, count in lines}
