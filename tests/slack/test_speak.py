"""An answer in Slack: streamed where that is allowed, posted and updated elsewhere."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.speak import Speaker
from tests.slack.emulator import Channel, Emulator, Person, Seat
from tests.slack.speaking import answer, calls, speaking


@pytest.fixture
async def speaker(slack: Emulator) -> AsyncIterator[Speaker]:
    async with speaking(slack) as speaker:
        yield speaker


async def test_answer_in_a_dm_is_streamed(
    slack: Emulator, speaker: Speaker, dm: Seat, ann: Person
) -> None:
    said = await answer(slack, speaker, dm.channel, ann)
    for text in ("Once", "Once upon", "Once upon a time"):
        await said.grow(text)
    await said.end("Once upon a time.")
    assert said.seen == ["Once", "Once upon", "Once upon a time", "Once upon a time."]
    assert calls(slack) == ["startStream", "appendStream", "appendStream", "stopStream"]
    assert slack.open_streams == []


async def test_answer_in_a_channel_is_streamed_to_who_asked(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    said = await answer(slack, speaker, general, ann)
    await said.grow("Hel")
    await said.end("Hello")
    assert said.message.stream is not None
    assert said.message.stream.recipient == (ann.id, slack.team.id)
    assert said.message.text == "Hello"


async def test_answer_to_somebody_unknown_is_posted_and_updated(
    slack: Emulator, speaker: Speaker, general: Channel, ann: Person
) -> None:
    said = await answer(slack, speaker, general, ann, known=False)
    await said.grow("Hel")
    await said.grow("Hello")
    await said.end("Hello!")
    assert said.seen == ["Hel", "Hello", "Hello!"]
    assert calls(slack) == ["postMessage", "update", "update"]
