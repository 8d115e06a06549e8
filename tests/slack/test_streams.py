"""Streams that end, break or were never allowed: the answer stands whole, once, and closed."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.speak import Speaker
from bridge.errors import Gone, RateLimited, Rejected, Transient
from bridge.events import Button, Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Drop, Emulator, Fault, Limits, Person, Seat
from tests.slack.speaking import Answer, answer, calls, speaking

FULL = "Once upon a time there was a bridge."


@pytest.fixture
async def speaker(slack: Emulator) -> AsyncIterator[Speaker]:
    async with speaking(slack) as speaker:
        yield speaker


@pytest.fixture
async def said(slack: Emulator, speaker: Speaker, dm: Seat, ann: Person) -> Answer:
    """An answer that streams already."""
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow("Once")
    return said


async def settled(said: Answer, *buttons: Button) -> None:
    """End it as the core does: again and again, as plain text where markup is refused."""
    plain = False
    for _ in range(5):
        try:
            return await said.end(FULL, *buttons, plain=plain)
        except Rejected:
            plain = True
        except Transient:
            continue
        except Gone:
            said.ref = None
    raise AssertionError("it never stood")


def stands(slack: Emulator, said: Answer) -> None:
    """The answer is there once, whole, and nothing streams any more."""
    whole = [message for message in said.channel.answers if message.text == FULL]
    assert whole == said.channel.answers == [said.message]
    assert slack.open_streams == []


async def tried(said: Answer, text: str) -> None:
    """Grow as the core does: what goes wrong is left to the next snapshot."""
    try:
        await said.grow(text)
    except (Transient, Gone):
        return


# Whatever goes wrong while it grows, or when it ends.

GROWING = [
    Fault("chat.appendStream", error="message_not_in_streaming_state"),
    Fault("chat.appendStream", error="msg_too_long"),
    Fault("chat.appendStream", error="streaming_state_conflict"),
    Fault("chat.appendStream", error="something_new"),
    Fault("chat.appendStream", error="internal_error"),
    Fault("chat.appendStream", retry_after=3),
    Fault("chat.appendStream", code=502),
    Fault("chat.appendStream", drop=Drop.BEFORE),
    Fault("chat.appendStream", drop=Drop.AFTER),
]
ENDING = [
    Fault("chat.stopStream", error="message_not_in_streaming_state"),
    Fault("chat.stopStream", error="msg_too_long"),
    Fault("chat.stopStream", error="invalid_blocks"),
    Fault("chat.stopStream", error="something_new"),
    Fault("chat.stopStream", error="fatal_error"),
    Fault("chat.stopStream", code=503),
    Fault("chat.stopStream", drop=Drop.BEFORE),
    Fault("chat.stopStream", drop=Drop.AFTER),
]


def named(fault: Fault) -> str:
    what = fault.error or fault.drop or fault.retry_after or fault.code
    return f"{str(fault.method).removeprefix('chat.')}-{what}"


@pytest.mark.parametrize("fault", [*GROWING, *ENDING], ids=named)
async def test_answer_survives(slack: Emulator, said: Answer, fault: Fault, clock: Clock) -> None:
    slack.inject(fault)
    for text in (FULL[:10], FULL[:20], FULL[:30]):
        await tried(said, text)
        clock.move(5)
    await settled(said)
    stands(slack, said)


@pytest.mark.parametrize("fault", GROWING, ids=named)
async def test_answer_goes_on_growing(
    slack: Emulator, said: Answer, fault: Fault, clock: Clock
) -> None:
    slack.inject(fault)
    for text in (FULL[:10], FULL[:20]):
        await tried(said, text)
        clock.move(5)
    await said.grow(FULL[:30])
    assert said.message.text == FULL[:30]


async def test_stream_that_slack_ended_goes_on_as_updates(
    slack: Emulator, said: Answer, clock: Clock
) -> None:
    clock.move(301)
    await tried(said, FULL[:10])
    await said.grow(FULL[:20])
    await settled(said)
    stands(slack, said)
    assert calls(slack) == ["startStream", "appendStream", "update", "update"]


async def test_stream_that_slack_ended_is_ended_by_an_update(
    slack: Emulator, said: Answer, clock: Clock
) -> None:
    clock.move(301)
    await settled(said)
    stands(slack, said)
    assert calls(slack) == ["startStream", "stopStream", "update"]


async def test_stream_that_is_full_goes_on_as_updates(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    slack.stream_size = 20
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow(FULL[:15])
    await tried(said, FULL[:25])
    await said.grow(FULL[:30])
    assert said.message.text == FULL[:30]
    await settled(said)
    stands(slack, said)


async def test_stream_that_is_full_at_the_end_is_updated(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    slack.stream_size = 20
    said = await answer(slack, speaker, dm.channel, ann)
    await said.grow(FULL[:15])
    await settled(said)
    stands(slack, said)


async def test_stream_somebody_stopped_is_updated_without_another_stop(
    slack: Emulator, speaker: Speaker, said: Answer, dm: Seat
) -> None:
    assert said.ref is not None
    await dm.in_thread(said.chat.thread).stop()
    speaker.was_stopped(said.chat, [said.ref.id])
    await settled(said)
    stands(slack, said)
    assert calls(slack) == ["startStream", "update", "agents.sessions.setStatus"]


async def test_text_written_over_stands_at_the_end(slack: Emulator, said: Answer) -> None:
    await said.grow("Another beginning")
    assert said.message.text == "Once"
    await said.end("Another beginning of it")
    assert said.seen == ["Once", "Once", "Another beginning of it"]
    assert slack.open_streams == []
    assert calls(slack) == ["startStream", "stopStream", "update"]


async def test_deleted_stream_is_gone(slack: Emulator, said: Answer, dm: Seat) -> None:
    await dm.delete(said.message)
    with pytest.raises(Gone):
        await said.grow(FULL[:10])
    with pytest.raises(Gone):
        await said.end(FULL)


async def test_message_of_an_earlier_run_is_ended_and_updated(
    slack: Emulator, said: Answer
) -> None:
    async with speaking(slack) as restarted:
        again = said.by(restarted)
        await again.grow(FULL[:10])
        await again.grow(FULL[:20])
        await again.end(FULL)
    stands(slack, said)
    updates = ["update"] * 3
    assert calls(slack) == ["startStream", "stopStream", *updates, "agents.sessions.setStatus"]


async def test_finished_message_of_an_earlier_run_is_updated(slack: Emulator, said: Answer) -> None:
    await said.end(FULL[:20])
    async with speaking(slack) as restarted:
        await said.by(restarted).end(FULL)
    stands(slack, said)


async def test_stream_of_an_earlier_run_is_ended_also_when_only_edits_are_wanted(
    slack: Emulator, said: Answer
) -> None:
    async with speaking(slack, stream="edit") as restarted:
        await said.by(restarted).end(FULL)
    stands(slack, said)
    assert calls(slack)[:4] == ["startStream", "update", "stopStream", "update"]


async def test_nothing_is_left_streaming_when_we_go(
    slack: Emulator, speaker: Speaker, said: Answer
) -> None:
    await speaker.close()
    assert slack.open_streams == []
    assert said.message.text == "Once"


async def test_nobody_waits_long_for_a_farewell_that_fails(
    slack: Emulator, speaker: Speaker, said: Answer
) -> None:
    slack.inject(Fault("chat.stopStream", error="fatal_error"))
    await speaker.close()
    assert slack.open_streams == [said.message]


async def test_stream_is_spent_when_it_is_old(
    slack: Emulator, speaker: Speaker, said: Answer, clock: Clock
) -> None:
    assert said.ref is not None
    clock.move(239)
    assert not speaker.is_spent(said.ref)
    clock.move(1)
    assert speaker.is_spent(said.ref)
    await said.end(FULL)
    assert not speaker.is_spent(said.ref)


async def test_life_of_a_stream_may_be_set(
    slack: Emulator, dm: Seat, ann: Person, clock: Clock
) -> None:
    async with speaking(slack, stream_life=10) as speaker:
        said = await answer(slack, speaker, dm.channel, ann)
        await said.grow("Once")
        assert said.ref is not None
        clock.move(10)
        assert speaker.is_spent(said.ref)


@pytest.mark.parametrize("letter", ["a", "字", "😀"])
async def test_stream_is_spent_before_slack_takes_no_more_whatever_the_script(
    slack: Emulator, speaker: Speaker, said: Answer, letter: str
) -> None:
    assert said.ref is not None
    text = "Once "
    while not speaker.is_spent(said.ref):
        text += letter * 100
        await said.grow(text)
    await said.end(text + letter * 100)
    assert calls(slack)[-1] == "stopStream"
    assert said.markdown == text + letter * 100
    assert 9_000 < len(text.encode()) < 11_000


async def test_streamed_message_is_taken_back(
    slack: Emulator, speaker: Speaker, said: Answer
) -> None:
    assert said.ref is not None
    for _ in range(2):  # one that is gone is success
        await speaker.retract(said.ref)
    assert said.channel.answers == []
    assert slack.open_streams == []


async def test_retracted_stream_of_an_earlier_run_is_ended_first(
    slack: Emulator, said: Answer
) -> None:
    assert said.ref is not None
    async with speaking(slack) as restarted:
        await restarted.retract(said.ref)
    assert said.channel.answers == []
    assert slack.open_streams == []


async def test_retracted_message_that_is_gone_already_is_success(
    slack: Emulator, said: Answer, dm: Seat
) -> None:
    assert said.ref is not None
    await said.end("Once upon")
    await dm.delete(said.message)
    async with speaking(slack) as restarted:
        await restarted.retract(said.ref)
    assert said.channel.answers == []


async def test_half_a_mention_waits_for_its_end(slack: Emulator, said: Answer) -> None:
    await said.grow("Once <!chan")
    assert said.message.text == "Once"
    await said.grow("Once <!channel> and <@U")
    await said.end(f"Once <!channel> and <@{slack.bot.id}>")
    assert slack.pings == []
    assert said.message.text.replace("\u200b", "") == f"Once <!channel> and <@{slack.bot.id}>"
    assert calls(slack)[-1] == "stopStream"


async def test_buttons_stand_below_the_end(slack: Emulator, said: Answer) -> None:
    await said.end(FULL, Button("Why?", "Why is that?"))
    assert said.message.labels == ["Why?"]
    stands(slack, said)


async def test_plain_end_replaces_what_was_streamed(slack: Emulator, said: Answer) -> None:
    await said.end("*literal* <b>", plain=True)
    (section,) = said.message.blocks
    assert section["text"] == {"type": "plain_text", "text": "*literal* <b>", "emoji": False}
    assert slack.open_streams == []


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
