"""What each call draws on, and that nobody who heeds it is told to wait by Slack."""

from dataclasses import replace

import pytest

from adapters.slack.speak import Speaker
from bridge.errors import RateLimited
from bridge.events import MessageRef
from bridge.flow.pacing import Pacer, Priority
from bridge.limits import Limit, Pace, Quota
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Emulator, Fault, Limits, Person, Seat
from tests.slack.speaking import Answer, answer, speaking


def limits(said: Answer, *, final: bool = False) -> list[Limit]:
    return list(said.speaker.limits(said.chat, said.ref.id if said.ref else None, final=final))


def methods(said: Answer, *, final: bool = False) -> list[str]:
    """What the limits are about; each key ends with its method."""
    return [str(limit.key[-1]) for limit in limits(said, final=final)]  # type: ignore[index]


async def test_every_kind_of_call_has_its_own_budget(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    assert methods(said) == ["chat.startStream"]
    assert methods(said, final=True) == ["chat.postMessage"]
    await said.grow("Once")
    assert methods(said) == ["chat.appendStream"] * 2
    assert methods(said, final=True) == ["chat.stopStream"] * 2
    await said.end("Once upon")
    assert methods(said, final=True) == ["chat.update"] * 2


async def test_place_without_streams_draws_on_posts_and_updates(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    said = await answer(slack, speaker, general, ann, known=False)
    assert methods(said) == ["chat.update", "chat.postMessage"]
    await said.grow("Once")
    assert methods(said) == methods(said, final=True) == ["chat.update"] * 2


async def test_message_of_an_earlier_run_needs_a_stop_and_an_update(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    said.ref = MessageRef(said.chat, "1.000001")
    assert methods(said, final=True) == ["chat.update", "chat.update", "chat.stopStream"]
    async with speaking(slack, stream="edit") as editor:
        assert methods(said.by(editor), final=True) == ["chat.update", "chat.update"]


async def test_first_limit_tells_threads_apart(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    both = [await answer(slack, speaker, general, ann) for _ in range(2)]
    for said in both:
        await said.grow("Once")
    (one, shared), (other, also_shared) = (limits(said) for said in both)
    assert isinstance(one, Pace)
    assert isinstance(shared, Quota)
    assert one.key != other.key
    assert shared == also_shared


async def test_appends_come_faster_than_updates(
    slack: Emulator, speaker: Speaker, dm: Seat, general: Channel, ann: Person
) -> None:
    streamed = await answer(slack, speaker, dm.channel, ann)
    posted = await answer(slack, speaker, general, ann, known=False)
    for said in (streamed, posted):
        await said.grow("Once")
    (append, appends), (update, updates) = limits(streamed), limits(posted)
    assert (append, update) == (replace(append, interval=0.7), replace(update, interval=1.2))  # type: ignore[call-arg]
    assert isinstance(appends, Quota)
    assert isinstance(updates, Quota)
    assert (appends.calls, updates.calls, appends.seconds) == (99, 49, 60.0)
    assert appends.edits > 0.9
    assert updates.edits == 0.4


def updates_of(said: Answer) -> int:
    """How many intermediate updates a minute are left to all."""
    quota = limits(said)[-1]
    assert isinstance(quota, Quota)
    return round(quota.edits * quota.calls)


async def test_many_answers_leave_fewer_intermediate_updates(slack: Emulator, ann: Person) -> None:
    async with speaking(slack, stream="edit") as speaker:
        rooms = [slack.channel(f"room-{n}", ann) for n in range(44)]
        said = [await answer(slack, speaker, room, ann) for room in rooms]
        left = []
        for each in said:
            await each.grow("x")
            left.append(updates_of(said[0]))
        assert (left[0], left[29], left[43]) == (round(49 * 0.4), 49 - 30 - 5, 5)


async def test_answer_that_nobody_goes_on_with_takes_nothing_from_others(
    slack: Emulator, ann: Person, clock: Clock
) -> None:
    async with speaking(slack, stream="edit") as speaker:
        rooms = [slack.channel(f"room-{n}", ann) for n in range(40)]
        said = [await answer(slack, speaker, room, ann) for room in rooms]
        for each in said:
            await each.grow("x")
        clock.move(61)
        assert updates_of(said[0]) == round(49 * 0.4)


async def test_way_of_the_next_message_is_told_before(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, clock: Clock
) -> None:
    slack.inject(Fault("chat.startStream", retry_after=30))
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow("Once")
    other = await answer(slack, speaker, dm.channel, ann)
    assert methods(other) == ["chat.update", "chat.postMessage"]
    clock.move(31)
    assert methods(other) == ["chat.startStream"]


async def test_hold_on_appends_does_not_delay_the_end(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, clock: Clock
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow("Once")
    pacer = Pacer(clock)
    pacer.hold(limits(said)[0].key, 30)
    assert pacer.claim(limits(said), Priority.EDIT) == 30
    assert pacer.claim(limits(said, final=True), Priority.FINAL) == 0


async def claimed(pacer: Pacer, said: Answer, text: str, priority: Priority) -> bool:
    """One step of an answer, if its limits allow it now."""
    final = priority is Priority.FINAL
    taken = limits(said, final=final)
    if pacer.claim(taken, priority) > 0:
        return False
    try:
        await (said.end(text) if final else said.grow(text))
    except RateLimited as error:
        pacer.hold(taken[0].key, error.retry_after or 0)
        return False
    finally:
        pacer.answered(taken)
    return True


async def ended(pacer: Pacer, said: list[Answer], clock: Clock) -> float:
    """End every answer as soon as that is allowed; how many seconds that took."""
    begun, open_ones = clock(), said
    while clock() < begun + 300:
        open_ones = [
            each for each in open_ones if not await claimed(pacer, each, "x" * 200, Priority.FINAL)
        ]
        if not open_ones:
            return clock() - begun
        clock.move(0.25)
    raise AssertionError(f"{len(open_ones)} never ended")


@pytest.mark.parametrize(("stream", "answers"), [("auto", 20), ("auto", 60), ("edit", 40)])
async def test_many_answers_at_once_stay_within_the_tiers(
    slack: Emulator, ann: Person, clock: Clock, stream: str, answers: int
) -> None:
    slack.throttle.set(Limits())
    pacer = Pacer(clock)
    async with speaking(slack, stream=stream) as speaker:
        rooms = [slack.channel(f"room-{n}", ann) for n in range(answers)]
        said = [await answer(slack, speaker, room, ann) for room in rooms]
        for tick in range(120):  # half a minute in which everybody answers
            for each in said:
                priority = Priority.EDIT if each.ref else Priority.FIRST
                await claimed(pacer, each, "x" * (tick + 1), priority)
            clock.move(0.25)
        waited = await ended(pacer, said, clock)
    assert waited <= 61
    assert [each.markdown for each in said] == ["x" * 200] * answers
    assert slack.open_streams == []
    assert slack.journal.refused_share == 0


@pytest.mark.parametrize(("stream", "previews"), [("auto", 19 + 44), ("edit", 44)])
async def test_answers_that_could_not_be_ended_in_time_begin_when_they_are_whole(
    slack: Emulator, ann: Person, clock: Clock, stream: str, previews: int
) -> None:
    slack.throttle.set(Limits())
    pacer = Pacer(clock)
    async with speaking(slack, stream=stream) as speaker:
        rooms = [slack.channel(f"room-{n}", ann) for n in range(100)]
        said = [await answer(slack, speaker, room, ann) for room in rooms]
        for each in said:
            await claimed(pacer, each, "x", Priority.FIRST)
        clock.move(1)
        assert len([each for each in said if each.ref]) == previews
        assert await ended(pacer, said, clock) <= 2
    assert [each.markdown for each in said] == ["x" * 200] * 100
    assert slack.open_streams == []
    assert slack.journal.refused_share == 0
