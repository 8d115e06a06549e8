"""Two versions over one database, as while replicas are replaced one after the other.

"Old" is this program. "Later" is a copy of it with one more migration, of which the old knows
nothing (`later_version.py`).
"""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from daemon_process import Daemon, answer_to, coze_bridge, eventually, migrate
from later_version import REVISION, head, later_version
from telegram_world import TelegramWorld, finished, until_ready
from test_telegram_kill import Person
from twice import account

from bridge.emulator import Scenario

ANNA = 1
PEOPLE = 6
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
PATIENCE = 40.0  # seconds, and some for a takeover after ten
TALK = 1.5  # seconds between two things that happen to the replicas


@pytest.fixture
def later(tmp_path: Path) -> Path:
    return later_version(tmp_path)


@asynccontextmanager
async def talking(people: Sequence[Person]) -> AsyncIterator[None]:
    """Everybody asks on and on."""
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.talk(enough))
        yield
        enough.set()


def was_told(daemon: Daemon) -> bool:
    """Its log says, once, that its database is of a later version."""
    return [(line["schema"], line["ours"]) for line in daemon.events("schema.newer")] == [
        (REVISION, head())
    ]


async def starts(*daemons: Daemon) -> None:
    """All at once, and wait until they are ready."""
    for daemon in daemons:
        daemon.start()
    for daemon in daemons:
        await until_ready(daemon, within=READY_WITHIN)


@pytest.mark.postgres
@pytest.mark.timeout(240)
async def test_replaced_one_after_the_other_while_people_talk(
    telegram: TelegramWorld, database: str, later: Path
) -> None:
    telegram.coze.install(Scenario(pace=0.05))
    people = [Person(telegram, n, random.Random(n)) for n in range(1, PEOPLE + 1)]
    old = [telegram.daemon(database__url=database) for _ in range(2)]
    new = telegram.daemon(database__url=database)
    new.root = later
    await starts(*old)
    async with talking(people):
        await asyncio.sleep(TALK)
        await asyncio.to_thread(migrate, database, telegram.folder, root=later)
        await asyncio.sleep(TALK)
        await starts(new)
        await asyncio.sleep(TALK)
    killed = time.monotonic()
    for daemon in old:  # with all that it was answering
        daemon.kill()
    await eventually(lambda: all(person.is_served for person in people), within=PATIENCE)
    assert new.events("lanes.taken_over")
    async with talking(people):
        await starts(*old)
        assert all(was_told(daemon) for daemon in old)
        new.signal(signal.SIGTERM)
        assert await new.exit_code(within=READY_WITHIN) == 0
        await asyncio.sleep(TALK)
    await eventually(lambda: all(person.is_served for person in people), within=PATIENCE)
    for person in people:
        there = finished(account(telegram, person.number, [killed]).messages)
        assert there == [answer_to(question) for question in person.asked]
    asked = [question for person in people for question in person.asked]
    assert sorted(telegram.questions()) == sorted(asked)
    await eventually(lambda: telegram.told() == 0)


async def test_the_old_version_goes_on_with_what_the_later_one_left(
    telegram: TelegramWorld, either: str, later: Path
) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.1))
    new, old = telegram.daemon(database__url=either), telegram.daemon(database__url=either)
    new.root = later
    migrate(either, telegram.folder, root=later)
    await starts(new)
    assert not new.events("schema.newer")
    await telegram.say(ANNA, "tea", "water")
    await eventually(lambda: any(answer.edits for answer in telegram.chat(ANNA).answers))
    new.kill()
    await starts(old)
    await telegram.answered(ANNA, "tea", "water", within=PATIENCE)
    assert was_told(old)
    assert telegram.questions() == ["tea", "water"]
    found = coze_bridge("check", "--offline", url=either, folder=telegram.folder)
    assert f"note   database: a later version made schema {REVISION}" in found.stdout
    assert found.returncode == 0
    told = coze_bridge("migrate", url=either, folder=telegram.folder)
    assert (told.stdout, told.returncode) == (f"The database schema is {REVISION}.\n", 0)


async def test_the_old_version_stays_out_where_the_later_one_says_so(
    telegram: TelegramWorld, either: str, tmp_path: Path
) -> None:
    migrate(either, telegram.folder, root=later_version(tmp_path, alone=True))
    old = telegram.daemon(database__url=either)
    old.start()
    assert await old.exit_code(within=READY_WITHIN) == 1
    [line] = old.log.read_text(encoding="utf-8").splitlines()
    refusal = f"the database schema ({REVISION}) is newer than this coze-bridge ({head()}) can"
    assert refusal in line
    found = coze_bridge("check", "--offline", url=either, folder=telegram.folder)
    assert f"wrong  database: {refusal}" in found.stdout
    assert found.returncode == 1
