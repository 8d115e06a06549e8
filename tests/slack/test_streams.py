"""Streams that end, break or were never allowed: the answer stands whole, once, and closed."""

import pytest

from adapters.slack.speak import Speaker
from bridge.errors import Gone
from bridge.events import Button
from tests.platforms.budgets import Clock
from tests.slack.emulator import Drop, Emulator, Fault, Person, Seat
from tests.slack.speaking import FULL, Answer, answer, calls, settled, speaking, stands, tried


@pytest.fixture
async def said(said: Answer) -> Answer:
    """An answer that streams already."""
    await said.grow("Once")
    return said


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
