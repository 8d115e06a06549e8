"""Two databases that have seen 1,000 and 1,000,000 people, asked in turns; see `big_database`."""

import functools
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import uvloop

from bench.big_database import fill, measure, person_of, stand
from bridge import logs

PEOPLE = 100  # who ask
DAYS = 20  # in which the others asked: nothing is so old that it would be removed meanwhile
FIGURES = ("growth_commit", "growth_asked", "growth_answered", "growth_cpu")


@dataclass(frozen=True)
class Sessions:
    """Each of the people in a database has asked once. few, many: people; questions: in each."""

    few: int = 1_000
    many: int = 1_000_000
    questions: int = 300

    def measure(self, _: str) -> dict[str, float]:
        """Compare the two; there is only one stand."""
        logs.configure("error", "console", sys.stderr)
        return uvloop.run(self._compare(_made(self.few), _made(self.many)))

    def smaller(self) -> "Sessions":
        return replace(self, many=20_000, questions=100)

    async def _compare(self, small: Path, large: Path) -> dict[str, float]:
        step = self.many // PEOPLE
        people = [person_of(1 + step * number) for number in range(PEOPLE)]
        async with stand("few", small) as few, stand("many", large) as many:
            times = await measure([few, many], people, self.questions)
        columns = {name: list(zip(*rows, strict=True)) for name, rows in times.items()}
        return {
            figure: median(columns["many"][place]) / median(columns["few"][place])
            for place, figure in enumerate(FIGURES)
        }


@functools.cache
def _folder() -> TemporaryDirectory[str]:
    """One for all rounds; it goes at the end of this process."""
    return TemporaryDirectory(prefix="bridge-bench-")


@functools.cache
def _made(people: int) -> Path:
    path = Path(_folder().name) / f"{people}.db"
    fill(path, people, people, DAYS)
    return path
