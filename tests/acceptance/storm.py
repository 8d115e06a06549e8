"""Everything that can go wrong around the bridges, at random, by a seed."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daemon_process import Daemon
from town import Incident, Town

from tests.slack.emulator import Fault as SlackFault
from tests.telegram.emulator import BAD_GATEWAY, Drop, Fault

if TYPE_CHECKING:
    from own_postgres import OwnPostgres

PAUSE = (0.1, 1.0)  # seconds between two things that go wrong
SPARED = 0.7  # of those that are just starting, or nothing would ever run on a busy machine
MOST_FAULTS = 4  # of a platform that still wait for their call
DOWN = (0.0, 1.5)  # seconds until a killed process is started again
NAP = (0.2, 2.5)  # seconds a process is stopped
COMA = (10.5, 16.0)  # the same, so long that others take over
LEASE = 4.5  # seconds of a pause that must make no difference
OUTAGE = (0.3, 2.0)  # seconds nobody answers on a platform's port
REST = 2.0  # seconds between two restarts of the database

ON_TELEGRAM = ("sendMessage", "editMessageText", "getUpdates", "sendChatAction")
ON_SLACK = (
    "chat.postMessage",
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "chat.update",
)


@dataclass
class Storm:
    """What happens to a town's bridges, and when it did."""

    town: Town
    daemons: Sequence[Daemon]
    dice: random.Random
    server: "OwnPostgres | None" = None
    incidents: list[Incident] = field(default_factory=list)
    deeds: Counter[str] = field(default_factory=Counter)
    _restarting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rage(self, seconds: float) -> None:
        """Do one thing after another; at the end every process runs, and all faults are gone."""
        deeds = [
            *[self._kill] * 2,
            *[self._freeze] * 2,
            *[self._trouble_telegram] * 4,
            *[self._trouble_slack] * 4,
            self._telegram_away,
            self._slack_away,
            *([self._restart_database] if self.server else []),
        ]
        over = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < over:
                deed: Callable[[float], Awaitable[None]] = self.dice.choice(deeds)
                self.deeds[deed.__name__.strip("_")] += 1
                group.create_task(deed(over))
                await asyncio.sleep(self.dice.uniform(*PAUSE))
        self.town.telegram.telegram.faults.clear()
        self.town.slack.slack.faults.clear()

    def _note(self, name: str, begin: float, end: float | None = None) -> None:
        self.incidents.append(Incident(name, begin, begin if end is None else end))

    async def _kill(self, over: float) -> None:
        daemon = self.dice.choice(self.daemons)
        if daemon.process is None or (not daemon.url and self.dice.random() < SPARED):
            return
        self._note("kill", time.monotonic())
        daemon.kill()
        await asyncio.sleep(self.dice.uniform(*DOWN))
        daemon.start()

    async def _freeze(self, over: float) -> None:
        daemon = self.dice.choice(self.daemons)
        process = daemon.process
        if process is None:
            return
        # A lone process can be replaced by nobody, so there is nothing more to see in a long one.
        length = COMA if len(self.daemons) > 1 and self.dice.random() < 0.3 else NAP
        seconds = min(self.dice.uniform(*length), max(over - time.monotonic(), 0.2))
        begin = time.monotonic()
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        if seconds > LEASE:  # else nobody may have taken anything over
            self._note("freeze", begin)
            self._note("thaw", time.monotonic())

    async def _trouble_telegram(self, over: float) -> None:
        method, times = self.dice.choice(ON_TELEGRAM), self.dice.randint(1, 3)
        faults = [
            Fault(method, times=times, retry_after=self.dice.randint(1, 2)),
            Fault(method, times=times, code=502, html=BAD_GATEWAY),
            Fault(method, times=times, code=500, description="Internal Server Error"),
            Fault(method, times=times, drop=Drop.BEFORE),
            Fault(method, drop=Drop.AFTER),
            Fault(method, times=times, delay=1.0),
        ]
        if len(self.town.telegram.telegram.faults.open) < MOST_FAULTS:
            self.town.telegram.telegram.inject(self.dice.choice(faults))

    async def _trouble_slack(self, over: float) -> None:
        method, times = self.dice.choice(ON_SLACK), self.dice.randint(1, 3)
        faults = [
            SlackFault(method, times=times, retry_after=self.dice.randint(1, 2)),
            SlackFault(method, times=times, code=502, html=BAD_GATEWAY),
            SlackFault(method, times=times, error="internal_error"),
            SlackFault(method, times=times, drop=Drop.BEFORE),
            SlackFault(method, drop=Drop.AFTER),
            SlackFault(method, times=times, delay=1.0),
        ]
        if len(self.town.slack.slack.faults.open) < MOST_FAULTS:
            self.town.slack.slack.inject(self.dice.choice(faults))

    async def _telegram_away(self, over: float) -> None:
        self.town.telegram.telegram.fail_for(self.dice.uniform(*OUTAGE))

    async def _slack_away(self, over: float) -> None:
        self.town.slack.slack.fail_for(self.dice.uniform(*OUTAGE))

    async def _restart_database(self, over: float) -> None:
        if self.server is None or self._restarting.locked():
            return
        async with self._restarting:
            begin = time.monotonic()
            await asyncio.to_thread(self.server.restart)
            self._note("database", begin, time.monotonic())
            await asyncio.sleep(REST)
