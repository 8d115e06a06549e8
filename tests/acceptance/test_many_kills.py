"""Twenty people talk while the daemon is killed at random moments, ten times or `MANY_KILLS`."""

import asyncio
import os
import random
import sys
from dataclasses import dataclass, field

import pytest
from daemon_process import World, answer_to, eventually
from killing import kill_at_random

from bridge.testing.loopback import Message

PEOPLE = 20
KILLS = int(os.environ.get("MANY_KILLS", "10"))
SEED = int(os.environ.get("MANY_SEED", "20"))
LIFE = (0.1, 1.2)  # seconds from listening to the next kill
WINDOW = 0.25  # seconds around a kill in which a posted message may be missing in the ledger:
# before it on a loaded machine, after it where the post was still on its way


@dataclass
class Person:
    """Asks one question after another; each when the one before is answered, or long ago."""

    world: World
    name: str
    dice: random.Random
    asked: list[str] = field(default_factory=list)

    async def talk(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            question = f"{self.name} {len(self.asked)}"
            self.asked.append(question)
            self.world.platform.say(self.name, question)
            await asyncio.sleep(self.dice.uniform(0.2, 1.5))

    @property
    def is_served(self) -> bool:
        shown = self.world.platform.shown(self.name)
        return all(answer_to(question) in shown for question in self.asked)


@dataclass(frozen=True)
class Account:
    """What stands in a chat, without the messages that the documented window explains."""

    messages: list[Message]
    excused: list[Message]


def account(messages: list[Message], kills: list[float]) -> Account:
    """Set those apart that were posted just before a kill and never touched again."""
    excused = [
        message
        for place, message in enumerate(messages)
        if len(message.history) == 1
        and any(abs(kill - message.history[0].at) < WINDOW for kill in kills)
        and any(later.text.startswith(message.text) for later in messages[place + 1 :])
    ]
    return Account([message for message in messages if message not in excused], excused)


def near(messages: list[Message], kills: list[float]) -> str:
    """Each message, its versions, and how far from a kill it was posted; for a failed test."""
    return "\n".join(
        f"{m.text!r} {len(m.history)} {min(abs(k - m.history[0].at) for k in kills):.3f}"
        for m in messages
    )


@pytest.mark.timeout(90 + 8 * KILLS)
async def test_nothing_is_lost_doubled_or_out_of_order(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [Person(world, f"p{n}", random.Random(n)) for n in range(PEOPLE)]
    talking = [person.talk for person in people]
    kills = await kill_at_random(world.daemon(), talking, kills=KILLS, life=LIFE, seed=SEED)
    await eventually(lambda: all(person.is_served for person in people), within=60 + KILLS)
    await eventually(lambda: not world.platform.waiting)
    doubles = 0
    for person in people:
        told = account(world.platform.in_chat(person.name), kills)
        there = [m.text for m in told.messages]
        assert there == [answer_to(q) for q in person.asked], near(told.messages, kills)
        doubles += len(told.excused)
    asked = sum(len(person.asked) for person in people)
    assert sorted(world.questions()) == sorted(q for person in people for q in person.asked)
    assert asked >= 10 * PEOPLE / 2
    # The window is a few milliseconds of each answer; more than a handful is a bug.
    assert doubles <= asked // 20
    told_of = f"{asked} questions, {KILLS} kills, {doubles} posts stand twice, seed {SEED}"
    with capsys.disabled():
        sys.stdout.write(f"\n{told_of}\n")
