"""What replicas get over besides death: pauses, clocks, lost words, messages that kill."""

import importlib.util
import signal
import time
from pathlib import Path

import psycopg
import pytest
from daemon_process import Daemon, World, answer_to, eventually, in_time
from doorman import Doorman
from telegram_world import TelegramWorld, until_ready

from bridge.emulator import Scenario
from bridge.engine.verdict import MOST_ATTEMPTS

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

ANNA = 1
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
STALL = 10.0  # seconds without a sign of life after which a replica counts as dead
PATIENCE = STALL + 60.0
HOUR = 3600


async def replica(world: TelegramWorld, database: str, **settings: str) -> Daemon:
    daemon = world.daemon(database__url=database, **settings)
    await until_ready(daemon, within=READY_WITHIN)
    return daemon


async def test_a_zombie_with_nothing_queued_behind_it(
    telegram: TelegramWorld, database: str
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.4))
    zombie = await replica(telegram, database)
    await telegram.say(ANNA, "tea")
    await eventually(lambda: any(answer.edits for answer in telegram.chat(ANNA).answers))
    other = await replica(telegram, database)
    zombie.signal(signal.SIGSTOP)
    try:
        await telegram.answered(ANNA, "tea", within=PATIENCE)
        calls = len(telegram.calls("sendMessage", "editMessageText"))
    finally:
        zombie.signal(signal.SIGCONT)
    assert await zombie.exit_code(within=PATIENCE) == 1
    assert "start this one again" in zombie.log.read_text(encoding="utf-8")
    assert len(telegram.calls("sendMessage", "editMessageText")) == calls
    assert telegram.questions() == ["tea"]
    await telegram.say(ANNA, "water")
    await telegram.answered(ANNA, "tea", "water")
    assert not other.has_ended


async def test_somebody_else_polls_while_the_one_who_did_is_stopped(
    telegram: TelegramWorld, database: str
) -> None:
    polls = await replica(telegram, database)
    await replica(telegram, database)
    polls.signal(signal.SIGSTOP)  # the server sees a connection that is alive, with the lock
    try:
        await telegram.say(ANNA, "tea")
        await telegram.answered(ANNA, "tea", within=PATIENCE)
    finally:
        polls.signal(signal.SIGCONT)
    await telegram.say(ANNA, "water")
    await telegram.answered(ANNA, "tea", "water")
    await eventually(lambda: polls.events("leader.lost"))
    assert telegram.questions() == ["tea", "water"]


async def test_paused_with_nothing_to_do_it_goes_on_as_if_nothing_had_been(
    telegram: TelegramWorld, database: str
) -> None:
    paused = await replica(telegram, database)
    paused.signal(signal.SIGSTOP)
    began = time.monotonic()
    other = await replica(telegram, database)  # whose start strikes the silent off the list
    await eventually(lambda: time.monotonic() - began > STALL + 1, within=PATIENCE)
    late = await replica(telegram, database)
    paused.signal(signal.SIGCONT)
    await until_ready(paused, within=READY_WITHIN)
    for daemon in (other, late):
        daemon.kill()
    await telegram.say(ANNA, "tea")
    await telegram.answered(ANNA, "tea", within=PATIENCE)
    assert not paused.has_ended


def clock_library() -> Path:
    """libfaketime, which shows a process another time of day than there is."""
    found = importlib.util.find_spec("libfaketime")
    library = (
        next(Path(found.origin).parent.rglob("libfaketime.so.1"), None)
        if found and found.origin
        else None
    )
    if library is None:
        pytest.skip("no libfaketime to show a process another time")
    return library


@pytest.mark.parametrize("dies", ["ahead", "behind"])
async def test_clocks_an_hour_apart(telegram: TelegramWorld, database: str, dies: str) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.2))
    library = str(clock_library())
    daemons = {}
    for name, skew in (("ahead", HOUR), ("behind", -HOUR)):
        daemon = telegram.daemon(database__url=database)
        # Only the time of day: the monotonic clock is the same for all processes of a machine.
        daemon.environment |= {
            "LD_PRELOAD": library,
            "FAKETIME": f"{skew:+d}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        daemons[name] = daemon
    dying = daemons.pop(dies)
    await until_ready(dying, within=READY_WITHIN)
    assert abs(shown_time(dying) - time.time()) > HOUR / 2
    await telegram.say(ANNA, "tea", "water")
    await eventually(lambda: any(answer.edits for answer in telegram.chat(ANNA).answers))
    [other] = daemons.values()
    await until_ready(other, within=READY_WITHIN)
    dying.kill()
    await telegram.answered(ANNA, "tea", "water", within=PATIENCE)
    await telegram.say(ANNA, "milk")
    await telegram.answered(ANNA, "tea", "water", "milk")
    assert telegram.questions() == ["tea", "water", "milk"]


def shown_time(daemon: Daemon) -> float:
    """The time of day its log tells."""
    from datetime import datetime

    [line] = daemon.events("listening")
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()


async def test_without_any_notice_a_message_waits_for_one_poll(
    telegram: TelegramWorld, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(
            "ALTER TABLE procrastinate_jobs"
            " DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1"
        )
    daemon = await replica(telegram, database)
    for number in range(1, 6):
        async with in_time(daemon, 0.5 + 1.5):  # the poll, and a busy machine
            await telegram.say(number, "tea")
            await eventually(lambda: len(telegram.questions()) == number)  # noqa: B023
        await telegram.answered(number, "tea")


async def test_a_message_that_kills_every_replica_ends_in_an_apology(
    world: World, database: str
) -> None:
    async with Doorman(world.coze.url) as door:
        daemon = world.daemon(database__url=database, coze__base_url=door.url)
        daemon.start()
        world.platform.say("anna", "poison")
        for _ in range(MOST_ATTEMPTS):
            await eventually(lambda: door.waiting, within=PATIENCE)
            await world.kill(daemon)
            await eventually(lambda: not door.waiting)
            long_ago(database)
            daemon.start()
        sorry = "Sorry, something went wrong with this answer. (Reference 00001)"
        await eventually(lambda: sorry in world.platform.shown("anna"), within=PATIENCE)
        door.open()
        world.platform.say("anna", "tea")
        await world.answered("anna", sorry, answer_to("tea"))
    assert world.questions() == ["tea"]


def long_ago(database: str) -> None:
    """Let the stall time of the dead pass at once."""
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'"
        )
