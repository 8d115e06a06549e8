"""The network between one replica and PostgreSQL carries nothing any more, and tells nobody.

Each believes that the other is slow. The replica must fall silent before others take over what
it was saying; what it sent to the database before, and what arrives late, must do no harm.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import pytest
from daemon_process import LOOK, Daemon, eventually
from killing import looked_after
from telegram_world import TelegramWorld, readiness, until_ready
from wire import Wire, database_over, http_over, wire_to_database, wire_to_http

from bridge.emulator import Scenario

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

STALL = 10.0  # seconds without a sign of life after which a replica counts as dead
SILENT_AFTER = STALL / 2 + 1.0  # seconds; half of it, and some for a call under way
PATIENCE = STALL + 50.0
READY_WITHIN = 30.0
PAUSE = 0.25  # seconds between two who ask, once there are some
MOST = 40  # people who may have to ask until both replicas have somebody to answer


@dataclass
class Replicas:
    """One that can be cut off, and one that is not; with what the first says to Telegram."""

    cut: Daemon
    other: Daemon
    database: Wire
    speech: Wire

    def spoke(self) -> list[float]:
        """When the first said something to people."""
        words = (b"/sendMessage", b"/editMessageText", b"/sendChatAction")
        return [at for at, chunk in self.speech.heard if any(word in chunk for word in words)]


@asynccontextmanager
async def two(telegram: TelegramWorld, database: str) -> AsyncIterator[Replicas]:
    async with (
        wire_to_database(database) as wire,
        wire_to_http(telegram.telegram.url) as speech,
    ):
        cut = telegram.daemon(
            database__url=database_over(wire, database),
            adapters__telegram__api_base_url=http_over(speech, telegram.telegram.url),
        )
        other = telegram.daemon(database__url=database)
        yield Replicas(cut, other, wire, speech)
        for daemon in (cut, other):
            daemon.kill()


async def both_answer(telegram: TelegramWorld, replicas: Replicas) -> list[int]:
    """Let people ask until each replica has somebody to answer; returns who did."""
    asking: list[int] = []
    for number in range(1, MOST):
        await telegram.say(number, "tea")
        asking.append(number)
        await eventually(lambda: len(telegram.questions()) == len(asking))
        if number >= 6 and await both_have_asked(replicas):
            break
    await eventually(lambda: all(is_growing(telegram, number) for number in asking))
    return asking


async def both_have_asked(replicas: Replicas) -> bool:
    """Look for a while: who receives the messages is the quicker to begin with them."""
    both = (replicas.cut, replicas.other)
    with suppress(AssertionError):
        await eventually(lambda: all(it.events("question.asked") for it in both), within=PAUSE)
        return True
    return False


def is_growing(telegram: TelegramWorld, number: int) -> bool:
    """Its answer was edited, so the id of its message is stored."""
    return any(message.edits for message in telegram.chat(number).answers)


async def answered(
    telegram: TelegramWorld, people: Iterable[int], *questions: str, within: float
) -> None:
    for number in people:
        await telegram.answered(number, *questions, within=within)


async def well(daemon: Daemon) -> None:
    """Wait until it is ready, which may be after it was started again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(aiohttp.ClientError):
                if daemon.url and not await readiness(daemon):
                    return
            await asyncio.sleep(LOOK)


@pytest.mark.parametrize("polls", ["cut", "other"])
async def test_who_is_cut_off_falls_silent_before_another_goes_on(
    telegram: TelegramWorld, database: str, polls: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=1.0))
    async with two(telegram, database) as replicas:
        both = [replicas.cut, replicas.other]
        for daemon in both if polls == "cut" else reversed(both):
            await until_ready(daemon, within=READY_WITHIN)
        people = await both_answer(telegram, replicas)
        replicas.database.cut()
        began = time.monotonic()
        for number in people:
            await telegram.say(number, "milk")
        await answered(telegram, people, "tea", "milk", within=PATIENCE)
        assert "database" in await readiness(replicas.cut)
        assert replicas.other.events("lanes.taken_over")
        assert max(replicas.spoke()) < began + SILENT_AFTER
        said = len(replicas.spoke())
        replicas.database.mend()
        async with looked_after([replicas.cut]):  # it may end, for others had what it was saying
            await well(replicas.cut)
            assert len(replicas.spoke()) == said
            replicas.other.kill()
            for number in people:
                await telegram.say(number, "water")
            await answered(telegram, people, "tea", "milk", "water", within=PATIENCE)
    assert len(telegram.questions()) == 3 * len(people)
