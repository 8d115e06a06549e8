"""Where Slack allows no stream, or no more of them: a post that is updated."""

import pytest

from adapters.slack.speak import Speaker
from bridge.errors import RateLimited, Transient
from bridge.events import Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Drop, Emulator, Fault, Limits, Person, Seat
from tests.slack.speaking import FULL, Answer, answer, calls, stands


@pytest.fixture
async def said(said: Answer) -> Answer:
    """An answer that streams already."""
    await said.grow("Once")
    return said


# Where there are no streams.


@pytest.mark.parametrize(
    "error",
    [
        "channel_type_not_supported",
        "unknown_method",
        "feature_not_enabled",
        "missing_scope",
        "not_allowed_token_type",
        "something_new",
    ],
)
async def test_place_without_streams_is_not_asked_again(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, error: str
) -> None:
    slack.inject(Fault("chat.startStream", error=error))
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow("Once")
    await said.grow(FULL[:10])
    await said.end(FULL)
    stands(slack, said)
    other = await answer(slack, speaker, dm.channel, ann)
    await other.grow("Once")
    assert calls(slack).count("startStream") == 1


async def test_refused_token_says_nothing_of_streams(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    slack.inject(Fault("chat.startStream", error="token_expired"))
    await (await answer(slack, speaker, dm.channel, ann)).grow("Once")
    other = await answer(slack, speaker, dm.channel, ann)
    await other.grow("Once")
    assert slack.open_streams == [other.message]


async def test_workspace_without_streams_is_asked_again_some_day(
    slack: Emulator, speaker: Speaker, dm: Seat, general: Channel, ann: Person, clock: Clock
) -> None:
    slack.team.lacks.add("chat.startStream")
    for channel in (dm.channel, general):
        await (await answer(slack, speaker, channel, ann)).grow("Once")
    assert calls(slack).count("startStream") == 1
    slack.team.lacks.clear()
    clock.move(1801)
    said = await answer(slack, speaker, general, ann)
    await said.grow("Once")
    assert slack.open_streams == [said.message]


async def test_refused_reader_does_not_spoil_the_channel(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    slack.inject(Fault("chat.startStream", error="user_not_found"))
    await (await answer(slack, speaker, general, ann)).grow("Once")
    said = await answer(slack, speaker, general, ann)
    await said.grow("Once")
    assert slack.open_streams == [said.message]


async def test_start_that_is_limited_is_a_post_and_holds_nobody_back(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person, clock: Clock
) -> None:
    slack.inject(Fault("chat.startStream", retry_after=30))
    for _ in range(2):
        said = await answer(slack, speaker, dm.channel, ann)
        await said.grow("Once")
    assert calls(slack) == ["startStream", "postMessage", "postMessage"]
    clock.move(31)
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow("Once")
    assert slack.open_streams == [said.message]


async def test_start_of_which_nobody_heard_may_have_happened(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    slack.inject(Fault("chat.startStream", drop=Drop.AFTER))
    said = await answer(slack, speaker, dm.channel, ann)
    with pytest.raises(Transient) as caught:
        await said.grow("Once")
    assert caught.value.happened
    assert calls(slack) == ["startStream"]


async def test_twenty_answers_at_once_leave_nothing_streaming(
    slack: Emulator, speaker: Speaker, ann: Person
) -> None:
    """Without any pacing: starts beyond the tier are posts, and each stream finds its stop."""
    slack.throttle.set(Limits())
    channels = [slack.channel(f"room-{n}", ann) for n in range(40)]
    said = [await answer(slack, speaker, channel, ann) for channel in channels]
    for each in said:
        await each.grow("Once")
    assert 0 < len(slack.open_streams) < 20
    for each in said:
        await each.end(FULL)
    assert [each.message.text for each in said] == [FULL] * 40
    assert slack.open_streams == []
    assert slack.journal.refused_share == 0


async def test_stops_are_kept_for_the_streams_that_are_open(
    slack: Emulator, speaker: Speaker, ann: Person, clock: Clock
) -> None:
    slack.throttle.set(Limits())
    channels = [slack.channel(f"room-{n}", ann) for n in range(40)]
    said = []
    for channel in channels:
        clock.move(4)
        said.append(await answer(slack, speaker, channel, ann))
        await said[-1].grow("Once")
    assert len(slack.open_streams) == 19
    for each in said:
        await each.end(FULL)
    assert slack.open_streams == []


async def test_a_limited_stop_is_told_as_its_own(
    slack: Emulator, said: Answer, clock: Clock
) -> None:
    slack.inject(Fault("chat.stopStream", retry_after=4))
    with pytest.raises(RateLimited) as caught:
        await said.end(FULL)
    assert caught.value.retry_after == 4
    with pytest.raises(RateLimited):  # it is not asked for again before that
        await said.end(FULL)
    assert calls(slack).count("stopStream") == 1
    clock.move(5)
    await said.end(FULL)
    stands(slack, said)


async def test_a_limited_update_is_not_told_as_a_limited_stop(
    slack: Emulator, said: Answer, clock: Clock
) -> None:
    slack.inject(Fault("chat.update", retry_after=4))
    clock.move(301)
    with pytest.raises(Transient) as caught:
        await said.end(FULL)
    assert not isinstance(caught.value, RateLimited)
    assert caught.value.retry_after == 4
    clock.move(5)
    await said.end(FULL)
    stands(slack, said)


async def test_empty_beginning_is_no_trouble(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    await said.show(Page("<"))
    await said.show(Page("<b"))
    await said.end("<b>")
    assert said.message.text == "<b>"


async def test_blank_space_is_sent_with_what_follows_it(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    for text in ("\n", "\nOnce", "\nOnce\n\n", "\nOnce\n\nupon"):
        await said.grow(text)
    await said.end("\nOnce\n\nupon\n")
    assert said.message.text == "\nOnce\n\nupon"
    sent = [call.params.get("markdown_text") for call in slack.journal.of() if call.message]
    assert sent == [None, "\nOnce", "\n\nupon", None]
