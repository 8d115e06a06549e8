"""What a scenario does in one run, and the figures it comes to."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import uvloop

from bench import idle
from bench.agent import Script
from bench.answerers import Answerer
from bench.crowd import Crowd, gather, inhabited, introduce, let_ask_again, watching
from bench.rows import figures
from bench.telegram_world import Telegram
from bench.world import Platform, Tuning, World

PLAIN = Tuning()


class Work(Protocol):
    """smaller: the same in less time, whose figures say only that it works."""

    def measure(self, stand: str) -> dict[str, float]: ...
    def smaller(self) -> "Work": ...


@dataclass(frozen=True, kw_only=True)
class InWorld(ABC):
    """What is played in a world of its own. platform: its world's."""

    tuning: Tuning = PLAIN
    platform: Callable[[], Platform] = Telegram

    def measure(self, stand: str) -> dict[str, float]:
        return uvloop.run(self._run(stand))

    async def _run(self, stand: str) -> dict[str, float]:
        async with inhabited(stand, self.platform(), self.tuning) as (here, answerer):
            return await self.play(here, answerer)

    @abstractmethod
    async def play(self, world: World, answerer: Answerer) -> dict[str, float]: ...


@dataclass(frozen=True)
class Gathering(InWorld):
    """A crowd asks once."""

    crowd: Crowd

    def smaller(self) -> "Gathering":
        return replace(self, crowd=_smaller(self.crowd))

    async def play(self, world: World, answerer: Answerer) -> dict[str, float]:
        return figures(await gather(world, self.crowd, answerer))


@dataclass(frozen=True)
class Slope(InWorld):
    """The same crowd gets short answers, then long ones: what only the deltas cost."""

    crowd: Crowd
    tokens: int

    def smaller(self) -> "Slope":
        return replace(self, crowd=_smaller(self.crowd))

    async def play(self, world: World, answerer: Answerer) -> dict[str, float]:
        few = await gather(world, self.crowd, answerer)
        await asyncio.sleep(world.rest)
        script = replace(self.crowd.script, tokens=self.tokens)
        many = await gather(world, replace(self.crowd, script=script), answerer)
        more = (self.tokens - self.crowd.script.tokens) * self.crowd.people
        return {**figures(many), "deltas": 1e6 * (many.cpu - few.cpu) / more}


@dataclass(frozen=True)
class Saturation(InWorld):
    """For so many seconds, everybody asks as soon as they are answered."""

    people: int
    script: Script
    seconds: float

    def smaller(self) -> "Saturation":
        return replace(self, seconds=2.0)

    async def play(self, world: World, answerer: Answerer) -> dict[str, float]:
        people = range(1, self.people + 1)
        await introduce(world, people)
        world.play(self.script)
        began = time.monotonic()
        async with watching(world, answerer) as watched:
            asked = await let_ask_again(world, people, self.seconds)
        outcome = watched.outcome(asked)
        within = [each for each in outcome.answered if each.final <= began + self.seconds]
        return {**figures(outcome), "rate": len(within) / self.seconds}


@dataclass(frozen=True)
class Size:
    """So many streams at any moment, until so many answers are given."""

    streams: int
    answers: int


@dataclass(frozen=True)
class Curve(InWorld):
    """What an answer costs, by how many others there are.

    Few streams at a time take long to give some answers, so what the process uses by itself, for
    which it is watched before, is taken away.
    """

    sizes: Sequence[Size]
    script: Script
    idle: float = 10.0  # seconds

    def smaller(self) -> "Curve":
        script, sizes = replace(self.script, tokens=8), [Size(1, 2), Size(10, 20), Size(100, 100)]
        return replace(self, script=script, sizes=sizes, idle=1.0)

    async def play(self, world: World, answerer: Answerer) -> dict[str, float]:
        await asyncio.sleep(world.rest)
        used = answerer.cpu
        await asyncio.sleep(self.idle)
        idling = (answerer.cpu - used) / self.idle
        told: dict[str, float] = {"lost": 0.0}
        for size in self.sizes:
            over = self.script.seconds * size.answers / size.streams
            crowd = Crowd(size.answers, self.script, over=over)
            outcome = await gather(world, crowd, answerer)
            await asyncio.sleep(world.rest)
            found = figures(outcome)
            each = 1000 * (outcome.cpu - idling * outcome.took) / size.answers
            found["cpu"] = each
            told["lost"] += found["lost"]
            names = (
                "cpu",
                "relay_p50",
                "relay_p99",
                "final_p99",
                "stream",
                "open",
                "world",
                "world_waited",
            )
            told |= {f"{name}@{size.streams}": found[name] for name in names if name in found}
        for own in ("world", "world_waited"):
            told[own] = max(value for name, value in told.items() if name.startswith(f"{own}@"))
        if "cpu@1000" in told:
            told["growth_streams"] = told["cpu@1000"] / told["cpu@10"]
        return told


@dataclass(frozen=True)
class Idling:
    """The start, the memory and the idling of `bench.idle`, with Telegram and Slack on."""

    seconds: float = 30.0

    def measure(self, stand: str) -> dict[str, float]:
        with idle.world() as here:
            found = idle.measured(here, idle.STANDS[0], self.seconds)
        return {
            "help": idle.until_help(),
            "polling": found.polling,
            "ready": found.ready,
            "rss": found.rss,
            "idle": found.idle,
        }

    def smaller(self) -> "Idling":
        return replace(self, seconds=2.0)


def _smaller(crowd: Crowd) -> Crowd:
    people = min(crowd.people, max(10, crowd.people // 10))
    return replace(crowd, people=people, over=crowd.over * people / crowd.people)
