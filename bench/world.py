"""Everything around the bridge in one process: a platform, Coze, and all who ask.

The emulators of the tests keep every request and every revision and judge each one. Under
10,000 deltas a second they would be what is measured. These know one conversation by heart,
answer what else they are asked with the least that is true, and write down moments: seconds of
`time.monotonic`, which all processes of this machine share.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bench.agent import Coze, Question, Script
from bench.processes import free_port

BACKLOG = 8192
REST = 0.5  # seconds, beyond the interval between two edits


@dataclass(frozen=True)
class Tuning:
    """What of a platform's pace is not as it is by default.

    interval: seconds between two edits of an answer. calls: a second, of the whole bot. Telegram
    takes 30, and up to 1,000 where it has been paid for; by default they are not what is measured.
    """

    interval: float = 1.1
    calls: int = 100_000


class Platform(Protocol):
    """One bot. script: what all answers are. name: as the bridge and the floor know it.

    at_once: strangers who may introduce themselves together, so that all are known afterwards.
    """

    name: str
    at_once: int
    script: Script

    def settings(self, url: str, tuning: Tuning) -> Mapping[str, str]:
        """The keys of the bridge's table for it."""

    def interval(self, tuning: Tuning) -> float:
        """Seconds between two changes of an answer."""

    async def ready(self) -> None:
        """Wait until somebody listens to what people say."""

    def ask(self, question: Question, person: int) -> None:
        """A message in private by that person, who asks one thing at a time."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse: ...


class World:
    """Both servers, and the questions by their numbers.

    rest: seconds after which nothing that was shown in a chat holds back what comes next there.
    """

    def __init__(self, platform: Platform, rest: float) -> None:
        self.questions: dict[int, Question] = {}
        self.coze = Coze(self.questions)
        self.platform = platform
        self.rest = rest
        self.people = 0  # those who have asked, numbered from 1
        self.coze_url = self.platform_url = ""

    def play(self, script: Script) -> None:
        self.coze.play(script)
        self.platform.script = script

    def ask(self, person: int) -> Question:
        question = Question(len(self.questions) + 1)
        self.questions[question.number] = question
        self.people = max(self.people, person)
        self.platform.ask(question, person)
        return question


@asynccontextmanager
async def world(platform: Platform, tuning: Tuning) -> AsyncIterator[World]:
    """Serve on 127.0.0.1 until the context is left."""
    it = World(platform, REST + tuning.interval)
    runners = []
    try:
        for name, handler in (("coze", it.coze.handle), ("platform", platform.handle)):
            runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
            await runner.setup()
            runners.append(runner)
            port = free_port()
            await web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG).start()
            setattr(it, f"{name}_url", f"http://127.0.0.1:{port}")
        yield it
    finally:
        for runner in runners:
            await runner.cleanup()
