"""Limits, and what admins say, in several replicas over one PostgreSQL: real processes."""

import asyncio

import pytest
from daemon_process import Daemon, answer_to, eventually
from telegram_world import TelegramWorld, until_ready

from bridge.pausing import LOOK_EVERY

pytestmark = pytest.mark.postgres

ANNA, BOSS = 1001, 7
BOT = "@coze_bridge_bot"
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
PATIENCE = 60.0
CROWD = 100


async def replicas(world: TelegramWorld, database: str, **settings: str) -> list[Daemon]:
    made = [world.daemon(database__url=database, **settings) for _ in range(2)]
    for each in made:
        await until_ready(each, within=READY_WITHIN)
    return made


async def test_a_hundred_messages_of_one_user_at_once_are_limited_in_two_replicas(
    telegram: TelegramWorld, database: str
) -> None:
    daemons = await replicas(telegram, database, access__messages_per_minute="7")
    anna = telegram.telegram.person(ANNA, "Anna")
    groups = [telegram.telegram.group(f"g{number}", anna) for number in range(CROWD)]
    await asyncio.gather(*(group.say(anna, f"{BOT} hello") for group in groups))

    def decided() -> int:
        asked = sum(len(each.events("question.asked")) for each in daemons)
        return asked + sum(len(each.events("question.refused")) for each in daemons)

    await eventually(lambda: decided() == CROWD, within=PATIENCE)
    assert telegram.questions() == ["hello"] * 7
    assert all(each.events("question.refused") for each in daemons)  # or it proves little
    said = [answer.text for group in groups for answer in group.answers]
    assert sum("more than 7 messages within a minute" in text for text in said) == 1


async def test_a_pause_holds_in_every_replica_and_after_a_crash(
    telegram: TelegramWorld, database: str
) -> None:
    admins = {"access__admins": f"telegram:{BOSS}"}
    daemons = await replicas(telegram, database, **admins)
    boss, anna = telegram.chat(BOSS), telegram.chat(ANNA)
    await telegram.say(BOSS, "/admin pause")
    await eventually(lambda: "Paused, on all" in str(boss), within=PATIENCE)
    await asyncio.sleep(LOOK_EVERY + 0.5)  # until the other one knows, as documented
    await telegram.say(ANNA, "tea")
    await eventually(lambda: "I am paused" in str(anna), within=PATIENCE)
    for each in daemons:
        each.kill()
    await replicas(telegram, database, **admins)
    assert telegram.questions() == []
    await telegram.say(BOSS, "/admin resume")
    await eventually(lambda: answer_to("tea") in str(anna), within=PATIENCE)
    assert telegram.questions() == ["tea"]
