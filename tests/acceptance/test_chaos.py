"""Everything at once, at random: people on two platforms, deaths, pauses, outages, refusals.

The seed is printed. `CHAOS_SECONDS` and `CHAOS_SEED` choose another length and another storm; the
same seed is the same sequence of deeds, though not to the millisecond.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from daemon_process import Daemon, eventually
from killing import looked_after
from storm import Storm
from telegram_world import until_ready
from town import Incident, Person, SlackThread, Town, in_order

if TYPE_CHECKING:
    from own_postgres import OwnPostgres

SECONDS = float(os.environ.get("CHAOS_SECONDS", "6"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.randrange(1_000_000))))
ON_TELEGRAM = 8  # people
ON_SLACK = 3  # whose tiers let some fifty answers end in a minute
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
DRAIN = float(os.environ.get("CHAOS_DRAIN", "60"))  # seconds for the last answers
HURRY = {
    "coze__idle_timeout": "2",
    "adapters__telegram__edit_interval_private": "0.3",
}

pytestmark = pytest.mark.timeout(120 + 2 * SECONDS + DRAIN)


@asynccontextmanager
async def talking(people: list[Person]) -> AsyncIterator[None]:
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.talk(enough))
        yield
        enough.set()


async def endure(town: Town, daemons: list[Daemon], server: "OwnPostgres | None" = None) -> str:
    """Let people talk while everything goes wrong; judges, and returns what there is to tell."""
    sys.stdout.write(f"seed {SEED}\n")  # which pytest shows if it fails, however it does
    dice = random.Random(SEED)
    people = town.people(dice, on_telegram=ON_TELEGRAM, on_slack=ON_SLACK)
    storm = Storm(town, daemons, dice, server)
    for daemon in daemons:
        daemon.start()
    for daemon in daemons:
        await until_ready(daemon, within=READY_WITHIN)
    async with looked_after(daemons) as ended:
        async with talking(people):
            await storm.rage(SECONDS)
        began = time.monotonic()
        try:
            await eventually(lambda: all(person.is_served for person in people), within=DRAIN)
        except AssertionError:
            lacking = [tell(person, storm.incidents) for person in people if not person.is_served]
            raise AssertionError(f"seed {SEED}\n" + "\n\n".join(lacking)) from None
        drained = time.monotonic() - began
        await eventually(lambda: town.telegram.told() == 0)
        await eventually(lambda: town.slack.untold() == 0)
    for daemon in daemons:  # so that nothing more can be said
        daemon.signal()
    assert [await daemon.exit_code(within=READY_WITHIN) for daemon in daemons] == [0] * len(daemons)
    doubles = sum(judge(person, storm.incidents) for person in people)
    twice = asked_twice(town, people, storm.incidents)
    assert town.slack.slack.open_streams == []
    assert not town.slack.slack.deliveries.lost
    asked = sum(len(person.questions) for person in people)
    deeds = ", ".join(f"{count} {name}" for name, count in sorted(storm.deeds.items()))
    words = last_words(town.telegram.folder)
    return (
        f"seed {SEED}: {asked} questions in {SECONDS:.0f} s, {deeds}; {doubles} posts stand twice, "
        f"{twice} asked twice, drained in {drained:.1f} s, {len(ended)} ended themselves"
        + "".join(f"\n  {line}" for line in words)
    )


def last_words(folder: Path) -> list[str]:
    """Why processes ended themselves: one line each, and nothing in their logs that is a bug."""
    words = []
    for line in (line for log in sorted(folder.glob("*.log")) for line in lines(log)):
        assert not is_bug(line), f"seed {SEED}: {line}"
        words += [line] if not line.startswith("{") else []
    return words


def lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


def is_bug(line: str) -> bool:
    """A library may log a traceback of what we expect; ours are of what we do not."""
    ours = '"logger": "bridge.' in line or '"logger": "adapters.' in line
    return line.startswith("Traceback") or (ours and '"exception": ' in line)


def judge(person: Person, incidents: list[Incident]) -> int:
    """Every question has its one answer, in order; returns what is excused."""
    questions = person.questions
    if isinstance(person.place, SlackThread):  # which may be told late of what came first
        questions = in_order(person)
    there = person.place.kept(incidents)
    right = len(there) == len(questions) and all(
        question.is_answered_by(text) for question, text in zip(questions, there, strict=True)
    )
    assert right, f"seed {SEED}\n{tell(person, incidents)}"
    return len(person.place.answers()) - len(there)


def asked_twice(town: Town, people: list[Person], incidents: list[Incident]) -> int:
    """How many questions Coze has accepted more than once.

    This Coze shows at once what it was asked, so whoever looks finds it. That leaves the zombie,
    which was stopped when it was about to ask.
    """
    offset = time.time() - time.monotonic()
    twice = 0
    for question in (question for person in people for question in person.questions):
        asked = town.asked(question)
        for ask in asked[1:]:
            at = ask.at - offset
            woken = any(each.name == "thaw" and each.touches(at - 1.0, at) for each in incidents)
            assert woken, f"seed {SEED}: {question} {asked}"
            twice += 1
    return twice


def tell(person: Person, incidents: list[Incident]) -> str:
    """What somebody asked and read, for a failed test."""
    lines = [f"{person.place.name}:"]
    for question in person.questions:
        asked = person.town.asked(question)
        told = ", ".join(f"{ask.status} {ask.deltas}" for ask in asked)
        mark = "" if question in person.answered else "  LACKING"
        lines.append(f"  {question.at:.2f} {question.text} {question.fault} [{told}]{mark}")
    lines += [f"  reads {text!r}" for text in person.place.answers()]
    since = min((each.at for each in person.questions if each not in person.answered), default=0.0)
    near = (each for each in incidents if each.end > since - 5)
    return "\n".join([*lines, *(f"  {each.begin:.2f}-{each.end:.2f} {each.name}" for each in near)])


async def test_one_process(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    told = await endure(town, [town.replica(**HURRY)])
    with capsys.disabled():
        sys.stdout.write(f"\none process, {told}\n")


@pytest.mark.postgres
async def test_three_replicas(
    town: Town, server: "OwnPostgres", capsys: pytest.CaptureFixture[str]
) -> None:
    replicas = [town.replica(database__url=server.url, **HURRY) for _ in range(3)]
    told = await endure(town, replicas, server)
    with capsys.disabled():
        sys.stdout.write(f"\nthree replicas, {told}\n")
