"""Much at once, on either engine: nothing is acknowledged late, nobody waits for somebody else."""

import asyncio
import os
import statistics
import sys
import time

import aiohttp
import pytest
from daemon_process import Daemon, World, answer_to, eventually
from doorman import Doorman
from telegram_world import TelegramWorld, until_ready

from bench.processes import cpu_seconds, waited_seconds
from bridge.emulator import Scenario

EVENTS = 1000
CONNECTIONS = 100  # the most that Telegram opens
WITHIN = 1.0  # seconds to the acknowledgement of each
CPU = 1.6  # seconds of the bridge for all of them, and for what work it began on them
HOT = 200
QUIET = 10  # questions of somebody else, before and meanwhile
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here


def update(number: int) -> dict[str, object]:
    """What Telegram would post for the first word of somebody."""
    person = {"id": 50_000 + number, "is_bot": False, "first_name": f"P{number}"}
    chat = {"id": person["id"], "type": "private", "first_name": person["first_name"]}
    message = {"message_id": 1, "from": person, "chat": chat, "date": int(time.time())}
    return {"update_id": 900_000 + number, "message": {**message, "text": f"question {number}"}}


async def delivered(http: aiohttp.ClientSession, daemon: Daemon, number: int, due: float) -> float:
    """Post one update at its time; returns the seconds from then to its acknowledgement."""
    await asyncio.sleep(due - time.monotonic())
    async with http.post(f"{daemon.url}/telegram/telegram", json=update(number)) as response:
        assert response.status == 200
    return time.monotonic() - due


@pytest.mark.timeout(180)
async def test_a_thousand_events_in_a_second_are_acknowledged_in_time(
    telegram: TelegramWorld, either: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Doorman(telegram.coze.url) as door:  # which nobody passes: this is about the inbox
        daemon = telegram.daemon(
            "webhook",
            database__url=either,
            coze__base_url=door.url,
            coze__max_concurrent_turns="10",
            adapters__telegram__webhook_secret="a-secret-of-the-test",
            log__level="warning",
        )
        await until_ready(daemon, within=READY_WITHIN)
        assert daemon.process is not None
        pid, us = daemon.process.pid, os.getpid()
        headers = {"X-Telegram-Bot-Api-Secret-Token": "a-secret-of-the-test"}
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as http:
            used, waited = cpu_seconds(pid), waited_seconds(pid) + waited_seconds(us)
            start = time.monotonic() + 0.1
            posts = (
                delivered(http, daemon, number, start + number / EVENTS) for number in range(EVENTS)
            )
            took = await asyncio.gather(*posts)
        used, waited = cpu_seconds(pid) - used, waited_seconds(pid) + waited_seconds(us) - waited
        told = f"{summary(took)}, CPU {used:.2f} s, waited for a processor {waited:.2f} s"
        with capsys.disabled():
            sys.stdout.write(f"\n{EVENTS} events: {told}\n")
        # Unless it was others who had the processors, and the bridge wanted little of them.
        late = max(took) - WITHIN
        assert late < 0 or (late < waited and used < CPU), told
        _, metrics = await daemon.get("/metrics")
        assert f'platform="telegram"}} {EVENTS}.0' in metrics, metrics[:2000]


def summary(took: list[float]) -> str:
    ordered = sorted(took)
    half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"p50 {half:.3f} p99 {most:.3f} max {ordered[-1]:.3f} s"


@pytest.mark.timeout(240)
async def test_who_talks_without_end_keeps_nobody_waiting(world: World, either: str) -> None:
    world.coze.install(Scenario(pace=0.0, first_delay=0.0))
    daemon = world.daemon(database__url=either, log__level="warning")
    await daemon.ready()
    before = [await latency(world, f"before {number}") for number in range(QUIET)]
    for number in range(HOT):
        world.platform.say("hot", f"hot {number}")
    meanwhile = [await latency(world, f"meanwhile {number}") for number in range(QUIET)]
    assert len(world.platform.in_chat("hot")) < HOT  # it was meanwhile
    wanted = [answer_to(f"hot {number}") for number in range(HOT)]
    await eventually(lambda: len(world.platform.in_chat("hot")) >= HOT, within=150)
    await world.answered("hot", *wanted, within=60)
    assert [text for text in world.questions() if text.startswith("hot")] == [
        f"hot {number}" for number in range(HOT)
    ]
    told = f"before {before}, meanwhile {meanwhile}"
    assert statistics.median(meanwhile) < 2 * statistics.median(before) + 0.2, told


async def latency(world: World, question: str) -> float:
    """Seconds from a question in a chat of its own to the whole answer."""
    began = time.monotonic()
    world.platform.say(question, question)
    await world.answered(question, answer_to(question), within=60)
    return world.platform.in_chat(question)[-1].now.at - began
