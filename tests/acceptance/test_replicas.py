"""Several replicas over one PostgreSQL, as real processes, with one Telegram and one Coze."""

import asyncio
import os
import random
import signal
import sys
import time

import aiohttp
import pytest
from daemon_process import Daemon, answer_to, eventually
from telegram_world import TelegramWorld, finished, readiness, until_ready
from test_web_kill import Visitor
from twice import account

from bridge.emulator import Scenario

pytestmark = pytest.mark.postgres

ANNA = 1
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
STALL = 10.0  # seconds without a sign of life after which a replica counts as dead
TAKEOVER = STALL + 2.0
KILLS = int(os.environ.get("REPLICA_KILLS", "4"))
SEED = int(os.environ.get("REPLICA_SEED", "5"))
PEOPLE = 20


def replica(world: TelegramWorld, database: str, **settings: str) -> Daemon:
    return world.daemon(database__url=database, **settings)


async def replicas(world: TelegramWorld, database: str, number: int) -> list[Daemon]:
    made = [replica(world, database) for _ in range(number)]
    for each in made:
        await until_ready(each, within=READY_WITHIN)
    return made


async def test_one_of_two_polls_and_both_are_ready(telegram: TelegramWorld, database: str) -> None:
    one, other = await replicas(telegram, database, 2)
    await telegram.say(ANNA, "tea", "water")
    await telegram.answered(ANNA, "tea", "water")
    assert await readiness(one) == await readiness(other) == {}
    assert telegram.questions() == ["tea", "water"]
    conflicts = [call for call in telegram.calls("getUpdates") if call.status == 409]
    assert conflicts == []


def at_work(daemons: list[Daemon], word: str = "question.asked") -> list[Daemon]:
    """Those whose log has a line of this kind."""
    return [daemon for daemon in daemons if daemon.events(word)]


async def test_what_a_killed_replica_was_answering_is_finished_by_another(
    telegram: TelegramWorld, database: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.2))
    daemons = await replicas(telegram, database, 2)
    await telegram.say(ANNA, "tea", "water")
    await eventually(lambda: telegram.chat(ANNA).answers)
    [dead] = at_work(daemons)
    await asyncio.sleep(0.3)  # the id of what was posted is stored
    began = time.monotonic()
    dead.kill()
    await telegram.answered(ANNA, "tea", "water", within=TAKEOVER + 60)
    assert telegram.questions() == ["tea", "water"]
    [alive] = [daemon for daemon in daemons if daemon is not dead]
    assert alive.events("lanes.taken_over")
    assert time.monotonic() - began < TAKEOVER + 30


async def test_somebody_else_polls_when_the_one_who_did_is_gone(
    telegram: TelegramWorld, database: str
) -> None:
    daemons = await replicas(telegram, database, 2)
    [leader] = at_work(daemons, "leader.elected")
    leader.kill()
    await telegram.say(ANNA, "tea")
    await telegram.answered(ANNA, "tea")


async def test_stop_reaches_the_replica_that_answers(
    telegram: TelegramWorld, database: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=1))
    daemons = await replicas(telegram, database, 3)
    [hears] = at_work(daemons, "leader.elected")
    asked = 0
    while at_work(daemons) in ([], [hears]):  # until one of them answers that is not told itself
        asked += 1
        await telegram.say(ANNA, "tea")
        await eventually(lambda: len(telegram.chat(ANNA).answers) == asked)  # noqa: B023
        await telegram.say(ANNA, "/stop")
        await eventually(
            lambda: (
                "(stopped)" in telegram.chat(ANNA).answers[-1].text
                and not telegram.chat(ANNA).answers[-1].buttons
            )
        )
    assert len(telegram.chat(ANNA).answers) == len(telegram.questions()) == asked


async def test_a_zombie_says_nothing_when_it_wakes(telegram: TelegramWorld, database: str) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.4))
    daemons = await replicas(telegram, database, 2)
    await telegram.say(ANNA, "tea", "water")
    await eventually(lambda: telegram.chat(ANNA).answers)
    [zombie] = at_work(daemons)
    await asyncio.sleep(0.5)
    zombie.signal(signal.SIGSTOP)
    try:
        await telegram.answered(ANNA, "tea", "water", within=TAKEOVER + 60)
        calls = len(telegram.calls("sendMessage", "editMessageText"))
    finally:
        zombie.signal(signal.SIGCONT)
    assert await zombie.exit_code(within=60) != 0
    assert len(telegram.calls("sendMessage", "editMessageText")) == calls
    await telegram.answered(ANNA, "tea", "water")
    assert telegram.questions() == ["tea", "water"]


async def test_an_orderly_end_passes_the_work_on(telegram: TelegramWorld, database: str) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.1))
    daemons = await replicas(telegram, database, 2)
    questions = ["tea", "water", "milk"]
    await telegram.say(ANNA, *questions)
    await eventually(lambda: telegram.chat(ANNA).answers)
    [leaving] = at_work(daemons)
    leaving.signal(signal.SIGTERM)
    assert await leaving.exit_code(within=60) == 0
    await telegram.answered(ANNA, *questions)
    assert telegram.questions() == questions


@pytest.mark.timeout(120 + 8 * KILLS)
async def test_killed_at_random_nothing_is_lost_doubled_or_out_of_order(
    telegram: TelegramWorld, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(SEED)
    kills: list[float] = []
    telegram.coze.install(Scenario(pace=0.05))
    daemons = await replicas(telegram, database, 3)
    asked: dict[int, list[str]] = {person: [] for person in range(1, PEOPLE + 1)}
    for number in range(KILLS):
        for person, questions in asked.items():
            questions.append(f"question {number} of {person}")
            await telegram.say(person, questions[-1])
        await asyncio.sleep(dice.uniform(0.1, 1.5))
        dead = dice.choice(daemons)
        kills.append(time.monotonic())
        dead.kill()
        dead.start()
    within = 3 * STALL + 2 * KILLS
    for person, questions in asked.items():
        await eventually(lambda: is_served(telegram, person, questions), within=within)  # noqa: B023
    doubles = 0
    for person, questions in asked.items():
        told_to = account(telegram, person, kills)
        doubles += len(told_to.excused)
        there = [text for text in finished(told_to.messages) if not text.endswith(" …")]
        whole = [text for text in there if text in {answer_to(q) for q in questions}]
        assert whole == [answer_to(question) for question in questions]
    told = [question for questions in asked.values() for question in questions]
    assert sorted(telegram.questions()) == sorted(told)
    # At any kill no more posts can be under way than people talk, and it hits few of them.
    assert doubles <= KILLS * PEOPLE / 4
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(told)} questions, {KILLS} kills, {doubles} posts stand twice, seed {SEED}\n"
        )


def is_served(telegram: TelegramWorld, person: int, questions: list[str]) -> bool:
    there = set(finished(telegram.chat(person).answers))
    return all(answer_to(question) in there for question in questions)


class Reading:
    """What stands on an open page, as its program puts it together from the events."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.texts: dict[object, str] = {}
        self.growth: list[str] = []
        self.is_open = asyncio.Event()

    async def until(self, ending: str) -> None:
        async for name, data in self._visitor.events():
            self.is_open.set()
            if name == "upsert":
                key = data.get("key") or data.get("id")
                if "text" in data:
                    self.texts[key] = data["text"]
                else:
                    self.texts[key] = self.texts.get(key, "")[: data["keep"]] + data["append"]
                self.growth.append(self.texts[key])
                if data["final"] and self.texts[key].endswith(ending):
                    return


async def test_a_page_shows_what_another_replica_writes(
    telegram: TelegramWorld, database: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.1))
    daemons = [replica(telegram, database, adapters__web__access="open") for _ in range(2)]
    for each in daemons:
        await until_ready(each, within=READY_WITHIN)
    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        visitors = [Visitor(http), Visitor(http)]
        for visitor, daemon in zip(visitors, daemons, strict=True):
            await visitor.enter(daemon)
        pages = [Reading(visitor) for visitor in visitors]
        async with asyncio.TaskGroup() as reading:
            for page in pages:
                reading.create_task(page.until("that is tea."))
                await page.is_open.wait()
            await visitors[0].say("tea", "m1")
    for page in pages:
        assert "tea" in page.growth
        assert len([text for text in page.growth if text.startswith("About tea")]) > 2
