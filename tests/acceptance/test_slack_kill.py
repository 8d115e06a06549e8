"""kill -9 on Slack: at the moments that matter, and at random under load.

The judges are Slack (what people read, and its log) and Coze (what it was asked). Nothing is
excused: a message that was posted as the process died is found again, and goes on.
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
from slack_world import Mode, SlackWorld, finished
from telegram_world import until_ready

from bridge.emulator import Scenario
from tests.slack.emulator import Call, Delivery, Drop, Fault, Limits, Message, Seat

PEOPLE = 20
KILLS = int(os.environ.get("SLACK_KILLS", "4"))
SEED = int(os.environ.get("SLACK_SEED", "3"))
LIFE = (0.05, 1.5)  # seconds from listening to the next kill
MOST_OPEN = 2  # questions of one person that wait for their answers
DRAIN = 180.0  # seconds for the last answers: the tiers let 50 to 70 end in a minute
LATENCY = 0.03  # seconds Slack takes for a post, so that kills find some under way
STORING = 0.25  # seconds in which the id of a posted message is stored, on a loaded machine
READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
MODES = pytest.mark.parametrize("mode", ["socket", "http"])
STREAMS = pytest.mark.parametrize("stream", ["auto", "edit"])


@contextlib.contextmanager
def locked(world: SlackWorld) -> Iterator[None]:
    """Nobody else can commit to the database meanwhile."""
    with contextlib.closing(sqlite3.connect(world.database, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


@MODES
async def test_between_the_delivery_and_the_commit(slack: SlackWorld, mode: Mode) -> None:
    daemon = slack.daemon(mode)
    await until_ready(daemon, within=READY_WITHIN)
    ann = slack.dm("Ann")
    with locked(slack):
        thread = ann.in_thread(await ann.say("tea"))
        [told] = slack.slack.deliveries.of("message")
        await eventually(lambda: told.attempts)
        daemon.kill()
    assert not told.acked
    assert slack.questions() == []
    daemon.start()
    await slack.answered(thread, "tea")
    assert told.acked
    assert slack.questions() == ["tea"]


@MODES
async def test_an_acknowledgement_that_was_never_heard(slack: SlackWorld, mode: Mode) -> None:
    slack.coze.install(Scenario(first_delay=1))
    daemon = slack.daemon(mode)
    await until_ready(daemon, within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await eventually(lambda: daemon.events("message.accepted"))
    daemon.kill()
    [told] = slack.slack.deliveries.of("message")
    slack.slack.deliveries.add("events_api", told.payload)
    daemon.start()
    await slack.answered(thread, "tea")
    await eventually(lambda: slack.untold() == 0)
    assert slack.questions() == ["tea"]


@STREAMS
@MODES
async def test_in_mid_stream(slack: SlackWorld, mode: Mode, stream: str) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.15))
    daemon = slack.daemon(mode, adapters__slack__stream=stream)
    await until_ready(daemon, within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await thread.say("milk")
    await eventually(lambda: thread.answers)
    await asyncio.sleep(STORING)
    daemon.kill()
    [half] = thread.answers
    assert half.text != answer_to("tea")
    daemon.start()
    await slack.answered(thread, "tea", "milk", within=60)
    assert thread.answers[0] is half
    assert slack.questions() == ["tea", "milk"]
    assert slack.slack.open_streams == []


UNDER_WAY = [
    ("auto", "chat.startStream"),
    ("auto", "chat.appendStream"),
    ("auto", "chat.stopStream"),
    ("edit", "chat.postMessage"),
    ("edit", "chat.update"),
    ("final", "chat.postMessage"),
]


@pytest.mark.parametrize(("stream", "method"), UNDER_WAY)
async def test_what_was_under_way_at_the_kill_stands_once(
    slack: SlackWorld, stream: str, method: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.1))
    daemon = slack.daemon(adapters__slack__stream=stream)
    await until_ready(daemon, within=READY_WITHIN)
    gate = slack.slack.hold(method, times=1)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    async with asyncio.timeout(60):
        await gate.reached.wait()
    daemon.kill()
    gate.open()
    await eventually(lambda: under_way(slack) == [])
    assert len(thread.answers) == 1
    daemon.start()
    await slack.answered(thread, "tea", within=60)
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk")
    assert slack.questions() == ["tea", "milk"]


@pytest.mark.parametrize(("stream", "method"), UNDER_WAY)
async def test_what_slack_did_without_our_hearing_of_it_stands_once(
    slack: SlackWorld, stream: str, method: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.1))
    await until_ready(slack.daemon(adapters__slack__stream=stream), within=READY_WITHIN)
    slack.slack.inject(Fault(method, drop=Drop.AFTER))
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea", within=60)
    assert slack.slack.faults.open == ()
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk")
    assert slack.questions() == ["tea", "milk"]


def under_way(world: SlackWorld) -> list[Call]:
    """The calls that have not been answered."""
    return [call for call in world.slack.journal.entries if call.answered is None]


@dataclass
class Talk:
    """Somebody asks on and on in a thread, a few questions ahead of the answers."""

    world: SlackWorld
    thread: Seat
    dice: random.Random
    said: dict[str, Message] = field(default_factory=dict)

    async def on(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            if len(self.said) - self.answers < MOST_OPEN:
                question = f"question {len(self.said)} of {self.thread.person.name}"
                self.said[question] = await self.thread.say(question)
            await asyncio.sleep(self.dice.uniform(0.2, 1.5))

    @property
    def answers(self) -> int:
        there = set(finished(self.thread.answers))
        return sum(answer_to(question) in there for question in self.said)

    @property
    def is_served(self) -> bool:
        return self.answers == len(self.said)

    @property
    def asked(self) -> list[str]:
        """What Coze was asked of it, in order."""
        return [question for question in self.world.questions() if question in self.said]

    def overtaken(self) -> list[tuple[str, str]]:
        """Questions that were acknowledged before another was written, and answered after it."""
        asked, told = self.asked, {d.event.get("ts"): d for d in self.told()}
        places = {question: place for place, question in enumerate(asked)}
        pairs = [(a, b) for a in asked for b in asked if places[b] < places[a]]
        return [
            (early, late)
            for early, late in pairs
            if acknowledged(told[self.said[early].ts]) < self.said[late].at
        ]

    def told(self) -> list[Delivery]:
        """How Slack told of these; a mention is left out, which came beside its message."""
        return self.world.slack.deliveries.of("message")


def acknowledged(delivery: Delivery) -> float:
    assert delivery.acked is not None
    return delivery.acked


async def talks(world: SlackWorld) -> list[Talk]:
    """Half of the people write to the bot, the others in threads of one channel."""
    people = [world.person(f"Person{number}") for number in range(PEOPLE)]
    general = world.slack.channel("general", *people)
    found = []
    for number, person in enumerate(people):
        seat = person.dm() if number % 2 else person.at(general)
        root = await seat.say(world.mention(f"question of {person.name}"))
        opened = Talk(world, seat.in_thread(root), random.Random(number))
        opened.said[f"question of {person.name}"] = root
        found.append(opened)
    return found


@STREAMS
@MODES
@pytest.mark.timeout(60 + DRAIN + 12 * KILLS)
async def test_killed_at_random_nothing_is_lost_doubled_or_out_of_order(
    slack: SlackWorld, mode: Mode, stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for method in ("chat.postMessage", "chat.startStream"):
        slack.slack.inject(Fault(method, times=0, delay=LATENCY))
    daemon = slack.daemon(mode, adapters__slack__stream=stream)
    people = await talks(slack)
    talking = [person.on for person in people]
    kills = await kill_at_random(daemon, talking, kills=KILLS, life=LIFE, seed=SEED)
    try:
        await eventually(lambda: all(person.is_served for person in people), within=DRAIN)
    except AssertionError:
        lacking = [person for person in people if not person.is_served]
        raise AssertionError("\n\n".join(near(person, kills) for person in lacking)) from None
    await eventually(lambda: slack.untold() == 0)
    asked = [question for person in people for question in person.said]
    assert sorted(slack.questions()) == sorted(asked)
    for person in people:
        there = finished(person.thread.answers)
        assert there == [answer_to(question) for question in person.asked], near(person, kills)
        assert person.overtaken() == []
    in_threads = sum(len(person.thread.answers) for person in people)
    assert in_threads == sum(not m.deleted and m.from_app for m in slack.slack.messages)
    assert slack.slack.open_streams == []
    assert not slack.slack.deliveries.lost
    with capsys.disabled():
        sys.stdout.write(f"\n{mode}, {stream}: {len(asked)} questions, {len(kills)} kills\n")


@pytest.mark.timeout(60 + DRAIN + 12 * KILLS)
async def test_killed_while_answers_roll_over_every_word_stands_once(
    slack: SlackWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers of several messages each, which a run after a kill may show in fewer."""
    slack.coze.install(Scenario(pace=0.12))
    for method in ("chat.postMessage", "chat.startStream"):
        slack.slack.inject(Fault(method, times=0, delay=LATENCY))
    daemon = slack.daemon(adapters__slack__stream_life="0.8")
    people = await talks(slack)
    talking = [person.on for person in people]
    kills = await kill_at_random(daemon, talking, kills=KILLS, life=LIFE, seed=SEED)
    try:
        await eventually(lambda: all(has_all_words(person) for person in people), within=DRAIN)
    except AssertionError:
        lacking = [person for person in people if not has_all_words(person)]
        raise AssertionError("\n\n".join(near(person, kills) for person in lacking)) from None
    asked = [question for person in people for question in person.said]
    assert sorted(slack.questions()) == sorted(asked)
    assert slack.slack.open_streams == []
    with capsys.disabled():
        sys.stdout.write(f"\nroll-over: {len(asked)} questions, {len(kills)} kills\n")


def has_all_words(person: Talk) -> bool:
    """Whether the answers stand, read one message after the other, in the order of asking."""
    words = [word for text in finished(person.thread.answers) for word in text.split()]
    return len(person.asked) == len(person.said) and words == [
        word for question in person.asked for word in answer_to(question).split()
    ]


def near(person: Talk, kills: Sequence[float]) -> str:
    """The calls in a thread, each with its time since the last kill; for a failed test."""
    lines = [str(finished(person.thread.answers))]
    ours = {message.ts for message in person.thread.answers}
    for call in person.world.calls(channel=person.thread.channel):
        if person.thread.thread != call.params.get("thread_ts") and call.message not in ours:
            continue
        since = min((call.at - kill for kill in kills if kill <= call.at), default=0.0)
        until = min((kill - call.at for kill in kills if kill > call.at), default=0.0)
        took = (call.answered or call.at) - call.at
        text = call.params.get("markdown_text") or call.params.get("text") or call.params
        lines.append(
            f"{since:6.3f} before {until:6.3f} took {took:.3f} {call.method} {call.message} "
            f"{call.status} {call.description} {text!r}"
        )
    return "\n".join(lines)


@MODES
async def test_a_restart_that_forgot_what_the_tiers_have_left_loses_nothing(
    slack: SlackWorld, mode: Mode
) -> None:
    """Every process thinks that it has a whole minute's budget; Slack knows better."""
    slack.slack.throttle.set(Limits())
    slack.coze.install(Scenario(match="^tea", pace=0.2))
    daemon = slack.daemon(mode)
    await until_ready(daemon, within=READY_WITHIN)
    dms = [slack.dm(f"Person{number}") for number in range(PEOPLE)]
    threads = [dm.in_thread(await dm.say(f"tea {number}")) for number, dm in enumerate(dms)]
    for _ in range(3):
        await eventually(lambda: daemon.url)
        await asyncio.sleep(1.5)
        daemon.kill()
        daemon.start()
    for number, thread in enumerate(threads):
        await slack.answered(thread, f"tea {number}", within=100)
    assert sorted(slack.questions()) == sorted(f"tea {number}" for number in range(PEOPLE))
    assert slack.slack.open_streams == []
