"""kill -9 on Telegram: at the moments that matter, and at random under load.

The judges are Telegram (what people read, and its log) and Coze (what it was asked).
"""

import asyncio
import contextlib
import os
import random
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from daemon_process import answer_to, eventually
from killing import kill_at_random
from telegram_world import Mode, TelegramWorld, finished, until_ready

from bridge.emulator import Scenario
from tests.telegram.emulator import Call, Fault

ANNA = 1
PEOPLE = 20
KILLS = int(os.environ.get("TELEGRAM_KILLS", "8"))
SEED = int(os.environ.get("TELEGRAM_SEED", "3"))
LIFE = (0.05, 1.2)  # seconds from listening to the next kill
MOST_OPEN = 3  # questions of one person that wait for their answers
LATENCY = 0.03  # seconds Telegram takes for a post, so that kills find some under way
STORING = 0.25  # seconds in which the id of a posted message is stored, on a loaded machine
PROBE = "stopMessageLiveLocation"  # by which the adapter asks whose a message is
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here


@contextlib.contextmanager
def locked(world: TelegramWorld) -> Iterator[None]:
    """Nobody else can commit to the database meanwhile."""
    with contextlib.closing(sqlite3.connect(world.database, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


async def test_between_the_poll_and_the_commit(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    with locked(telegram):
        await telegram.say(ANNA, "tea")
        await eventually(lambda: telegram.telegram.inbox.delivered)
        await eventually(lambda: not under_way(telegram, "getUpdates"))
        daemon.kill()
    assert telegram.told() == 1
    assert telegram.questions() == []
    daemon.start()
    await telegram.answered(ANNA, "tea")
    assert telegram.questions() == ["tea"]
    await eventually(lambda: telegram.told() == 0)


async def test_between_the_delivery_and_the_commit(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon("webhook")
    await until_ready(daemon, within=READY_WITHIN)
    with locked(telegram):
        await telegram.say(ANNA, "tea")
        await eventually(lambda: telegram.telegram.webhook.attempts)
        daemon.kill()
    assert telegram.told() == 1
    assert telegram.questions() == []
    daemon.start()
    await telegram.answered(ANNA, "tea")
    assert telegram.questions() == ["tea"]


async def test_between_the_commit_and_the_acknowledgement(telegram: TelegramWorld) -> None:
    telegram.coze.install(Scenario(first_delay=1))
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    await eventually(lambda: telegram.telegram.inbox.polled)
    gate = telegram.telegram.hold("getUpdates")
    await telegram.say(ANNA, "tea")
    async with asyncio.timeout(60):
        await gate.reached.wait()
    await eventually(lambda: daemon.events("message.accepted"))
    daemon.kill()
    assert telegram.told() == 1
    telegram.telegram.faults.clear()
    daemon.start()
    await telegram.answered(ANNA, "tea")
    assert telegram.questions() == ["tea"]
    await eventually(lambda: telegram.told() == 0)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_in_mid_stream(telegram: TelegramWorld, mode: Mode) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.1))
    daemon = telegram.daemon(mode)
    await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "tea", "water")
    await eventually(lambda: telegram.chat(ANNA).answers)
    await eventually(lambda: not under_way(telegram, "sendMessage"))
    await asyncio.sleep(STORING)
    daemon.kill()
    [half] = telegram.chat(ANNA).answers
    assert half.text != answer_to("tea")
    daemon.start()
    await telegram.answered(ANNA, "tea", "water", within=60)
    assert telegram.chat(ANNA).answers[0] is half
    assert telegram.questions() == ["tea", "water"]


async def test_a_post_under_way_at_the_kill_becomes_the_answer(telegram: TelegramWorld) -> None:
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    gate = telegram.telegram.hold("sendMessage", times=1)
    await telegram.say(ANNA, "tea", "water")
    async with asyncio.timeout(60):
        await gate.reached.wait()
    daemon.kill()
    gate.open()
    await eventually(lambda: telegram.chat(ANNA).answers)
    [posted] = telegram.chat(ANNA).answers
    daemon.start()
    await telegram.answered(ANNA, "tea", "water")
    assert telegram.chat(ANNA).answers[0] is posted
    assert telegram.questions() == ["tea", "water"]


async def test_a_post_that_lands_after_it_was_looked_for_is_the_one_that_stands_twice(
    telegram: TelegramWorld,
) -> None:
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    gate = telegram.telegram.hold("sendMessage", times=1)
    await telegram.say(ANNA, "tea", "water")
    async with asyncio.timeout(60):
        await gate.reached.wait()
    daemon.kill()
    daemon.start()
    await telegram.answered(ANNA, "tea", "water")
    gate.open()
    await eventually(lambda: len(telegram.chat(ANNA).answers) == 3)
    assert telegram.calls(PROBE)
    assert telegram.questions() == ["tea", "water"]


def answers(*questions: str) -> list[str]:
    return [answer_to(question) for question in questions]


def under_way(world: TelegramWorld, method: str) -> list[Call]:
    """The calls that have not been answered; a poll counts only once it was told something."""
    waits = method == "getUpdates" and world.telegram.inbox.polled
    return [] if waits else [call for call in world.calls(method) if call.answered is None]


def near(world: TelegramWorld, number: int, kills: Sequence[float]) -> str:
    """The calls in a chat, each with its time since the last kill; for a failed test."""
    calls = sorted(world.calls("sendMessage", "editMessageText", PROBE, chat=number), key=began)
    lines = []
    for call in calls:
        since = min((call.at - kill for kill in kills if kill <= call.at), default=0.0)
        until = min((kill - call.at for kill in kills if kill > call.at), default=0.0)
        took = (call.answered or call.at) - call.at
        text = str(call.params.get("text"))
        lines.append(
            f"{since:6.3f} before {until:6.3f} took {took:.3f} {call.method} {call.message} "
            f"{call.params.get('message_id')} {call.status} {text!r}"
        )
    return "\n".join(lines)


def began(call: Call) -> float:
    return call.at


@dataclass
class Person:
    """Asks on and on, a few questions ahead of the answers."""

    world: TelegramWorld
    number: int
    dice: random.Random
    asked: list[str] = field(default_factory=list)

    async def talk(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            if len(self.asked) - self.answers < MOST_OPEN:
                self.asked.append(f"question {len(self.asked)} of {self.number}")
                await self.world.say(self.number, self.asked[-1])
            await asyncio.sleep(self.dice.uniform(0.2, 1.5))

    @property
    def answers(self) -> int:
        there = set(finished(self.world.chat(self.number).answers))
        return sum(answer_to(question) in there for question in self.asked)

    @property
    def is_served(self) -> bool:
        return self.answers == len(self.asked)


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_killed_at_random_nothing_is_lost_doubled_or_out_of_order(
    telegram: TelegramWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    telegram.telegram.inject(Fault("sendMessage", times=0, delay=LATENCY))
    people = [Person(telegram, n, random.Random(n)) for n in range(1, PEOPLE + 1)]
    daemon = telegram.daemon(adapters__telegram__edit_interval_private="0.3")
    talking = [person.talk for person in people]
    kills = await kill_at_random(daemon, talking, kills=KILLS, life=LIFE, seed=SEED)
    await eventually(lambda: all(person.is_served for person in people), within=60)
    await eventually(lambda: telegram.told() == 0)
    wrong = {
        person.number: near(telegram, person.number, kills)
        for person in people
        if finished(telegram.chat(person.number).answers) != answers(*person.asked)
    }
    asked = [question for person in people for question in person.asked]
    there = sum(len(telegram.chat(person.number).answers) for person in people)
    looks = len(telegram.calls(PROBE))
    with capsys.disabled():
        told = f"{len(asked)} questions, {len(kills)} kills, {there} answers, {looks} probes"
        sys.stdout.write(f"\n{told}, seed {SEED}\n")
    assert wrong == {}
    assert sorted(telegram.questions()) == sorted(asked)
    assert len(asked) >= PEOPLE
