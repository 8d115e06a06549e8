"""Mentions that come late, below which something was said that nobody took for ours."""

import time
from collections.abc import AsyncIterator

import pytest

from bridge.events import Inbound
from tests.slack.emulator import Channel, Emulator, Fault, Message, Person, Seat, serve
from tests.slack.world import Listening, listening

AGO = 10.0  # seconds


@pytest.fixture(params=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """A Slack in which everything was written some seconds ago."""
    async with serve(Emulator(mode=request.param, clock=lambda: time.time() - AGO)) as emulator:
        yield emulator


@pytest.fixture
async def ear(slack: Emulator) -> AsyncIterator[Listening]:
    async with listening(slack) as ear:
        yield ear


@pytest.fixture
async def mention(slack: Emulator, seat: Seat) -> Message:
    """Slack has not told of it yet."""
    return await seat.say(f"{slack.bot.mention} tea", silently=True)


@pytest.fixture
def seat(ann: Person, general: Channel) -> Seat:
    return ann.at(general)


async def heard(ear: Listening, *texts: str) -> list[Inbound]:
    """Wait until these were heard, in this order; the inbox drops what is told twice."""
    await ear.slack.until(lambda it: not it.deliveries.open)
    firsts: dict[str, Inbound] = {}
    for event in ear.sink.events:
        firsts.setdefault(event.event_id, event)
    found = list(firsts.values())
    assert [event.text for event in found] == list(texts)
    return found


async def test_what_was_said_below_is_heard_after_it_and_once(
    slack: Emulator, ear: Listening, seat: Seat, mention: Message
) -> None:
    thread = seat.in_thread(mention)
    for words in ("milk", "sugar"):
        await thread.say(words)
    await heard(ear)
    slack.events.posted(mention)
    await heard(ear, "tea", "milk", "sugar")
    await thread.say("lemon")
    found = await heard(ear, "tea", "milk", "sugar", "lemon")
    assert {event.chat.thread for event in found} == {mention.ts}


async def test_what_is_no_question_is_passed_over_there_too(
    slack: Emulator, ear: Listening, seat: Seat, mention: Message
) -> None:
    thread = seat.in_thread(mention)
    await thread.integration("a robot's words")
    await thread.say("milk")
    await heard(ear)
    slack.events.posted(mention)
    await heard(ear, "tea", "milk")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("conversations.replies", times=0, error="missing_scope"),
        Fault("conversations.replies", times=0, retry_after=30),
    ],
)
async def test_slack_that_tells_nothing_costs_no_more_than_that(
    slack: Emulator, ear: Listening, mention: Message, fault: Fault
) -> None:
    slack.inject(fault)
    slack.events.posted(mention)
    await heard(ear, "tea")


async def test_nothing_is_looked_for_below_what_comes_in_time(
    slack: Emulator, ear: Listening, seat: Seat
) -> None:
    slack.clock = time.time
    await seat.say(f"{slack.bot.mention} tea")
    await heard(ear, "tea")
    assert slack.journal.of("conversations.replies") == []
