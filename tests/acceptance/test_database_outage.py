"""The database goes away in the middle of the work, and comes back. Nobody restarts the bridge."""

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest
from daemon_process import Daemon, eventually
from killing import looked_after
from telegram_world import TelegramWorld, readiness, until_ready

from bridge.emulator import Scenario

if TYPE_CHECKING:
    from own_postgres import OwnPostgres

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

AWAY = float(os.environ.get("DATABASE_AWAY", "15"))  # seconds, longer than a replica's stall time
SILENT_AFTER = 8.0  # seconds: half the stall time, and some for calls under way
PEOPLE = range(1, 9)
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
ENDS_WITHIN = 30.0  # seconds; those who are just connecting have four or five


async def two(world: TelegramWorld, url: str) -> list[Daemon]:
    daemons = [world.daemon(database__url=url) for _ in range(2)]
    for daemon in daemons:
        await until_ready(daemon, within=READY_WITHIN)
    return daemons


async def test_restarted_at_once(telegram: TelegramWorld, server: "OwnPostgres") -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.4))
    daemons = await two(telegram, server.url)
    for number in PEOPLE:
        await telegram.say(number, "tea", "water")
    await eventually(lambda: all(is_growing(telegram, number) for number in PEOPLE))
    await asyncio.to_thread(server.restart)
    for number in PEOPLE:
        await telegram.say(number, "milk")
    for number in PEOPLE:
        await telegram.answered(number, "tea", "water", "milk", within=60)
    assert len(telegram.questions()) == 3 * len(PEOPLE)
    assert not any(daemon.has_ended for daemon in daemons)


async def test_asked_to_end_while_it_is_away_it_ends(
    telegram: TelegramWorld, server: "OwnPostgres"
) -> None:
    daemon = telegram.daemon(database__url=server.url, server__grace="0.5")
    await until_ready(daemon, within=READY_WITHIN)
    await asyncio.to_thread(server.stop)
    await eventually(lambda: daemon.events("engine.no_database"))
    daemon.signal()
    assert await daemon.exit_code(within=ENDS_WITHIN) == 0


def is_growing(world: TelegramWorld, number: int) -> bool:
    """Its answer was edited, so the id of its message is stored."""
    return any(message.edits for message in world.chat(number).answers)


def spoken(world: TelegramWorld) -> int:
    """How often a bridge has said something."""
    return len(world.calls("sendMessage", "editMessageText", "sendChatAction"))


async def nothing_happens(world: TelegramWorld, daemons: list[Daemon]) -> None:
    """For as long as it is away: /readyz tells, Telegram keeps what is new, nobody speaks."""
    began, said = time.monotonic(), None
    while time.monotonic() - began < AWAY:
        for daemon in daemons:
            assert "database" in await readiness(daemon)
        assert world.told() == len(PEOPLE)
        if said is None and time.monotonic() - began > SILENT_AFTER:
            said = spoken(world)
        await asyncio.sleep(0.5)
    assert spoken(world) == said  # for all they know others answer by now


@pytest.mark.parametrize("way", ["stop", "freeze"])
async def test_away_for_longer_than_replicas_live(
    telegram: TelegramWorld, server: "OwnPostgres", way: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.4))
    daemons = await two(telegram, server.url)
    for number in PEOPLE:
        await telegram.say(number, "tea", "water")
    await eventually(lambda: all(is_growing(telegram, number) for number in PEOPLE))
    gone, back = {"stop": (server.stop, server.start), "freeze": (server.freeze, server.thaw)}[way]
    await asyncio.to_thread(gone)
    for number in PEOPLE:
        await telegram.say(number, "milk")
    await nothing_happens(telegram, daemons)
    await asyncio.to_thread(back)
    async with looked_after(daemons) as ended:
        for number in PEOPLE:
            await telegram.answered(number, "tea", "water", "milk", within=90)
    assert len(telegram.questions()) == 3 * len(PEOPLE)
    if way == "stop":  # see docs/operations.md of one that hangs
        assert ended == []
    for daemon in daemons:
        await until_ready(daemon, within=READY_WITHIN)
