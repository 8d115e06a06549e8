"""Finding what was posted without our having heard of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.errors import RateLimited, Transient, Unauthorised
from bridge.events import Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Drop, Emulator, Fault, Seat
from tests.slack.speaking import Answer, calls


async def found(said: Answer, *known: str, key: str = "") -> str:
    """What is found, looking from the time of the question on; that needs no memory."""
    since = datetime.fromtimestamp(float(said.chat.reply_to), UTC)
    ref = await said.speaker.recall(said.chat, key or said.key, since=since, known=known)
    return ref.id if ref else ""


async def test_post_is_found_by_its_key(slack: Emulator, said: Answer) -> None:
    slack.inject(Fault("chat.postMessage", drop=Drop.AFTER))
    with pytest.raises(Transient):
        await said.end("Done")
    (message,) = said.channel.answers
    assert await found(said) == message.ts
    assert await found(said, key="turn-other/0") == ""


async def test_post_that_never_arrived_is_not_found(slack: Emulator, said: Answer) -> None:
    slack.inject(Fault("chat.postMessage", drop=Drop.BEFORE))
    with pytest.raises(Transient):
        await said.end("Done")
    assert await found(said) == ""


async def test_begun_stream_is_found_as_the_only_one_without_a_mark(
    slack: Emulator, said: Answer
) -> None:
    await said.speaker.send(said.chat, Page("Before", final=True), key="turn-before/0")
    slack.inject(Fault("chat.startStream", drop=Drop.AFTER))
    with pytest.raises(Transient):
        await said.grow("Once")
    (stream,) = slack.open_streams
    assert await found(said) == stream.ts
    assert await found(said, stream.ts) == ""


async def test_one_of_two_unmarked_messages_is_not_guessed(slack: Emulator, said: Answer) -> None:
    slack.inject(Fault("chat.startStream", drop=Drop.AFTER, times=2))
    for _ in range(2):
        with pytest.raises(Transient):
            await said.grow("Once")
    first, second = slack.open_streams
    assert await found(said) == ""
    assert await found(said, first.ts) == second.ts


async def test_finished_stream_and_its_updates_carry_the_mark(said: Answer) -> None:
    await said.grow("Once")
    await said.end("Once upon")
    assert await found(said) == said.message.ts
    await said.end("Once upon a time")
    assert await found(said) == said.message.ts


async def test_stream_that_was_continued_as_updates_carries_the_mark(
    said: Answer, clock: Clock
) -> None:
    await said.grow("Once")
    clock.move(301)
    await said.end("Once upon a time")
    assert await found(said) == said.message.ts


async def test_messages_of_others_and_of_before_are_not_ours(
    slack: Emulator, said: Answer, dm: Seat, clock: Clock
) -> None:
    thread = dm.in_thread(said.chat.thread)
    await thread.say("I am Ann")
    await thread.integration("I am a bot")
    await said.grow("Once")
    clock.move(60)
    later = datetime.fromtimestamp(slack.clock(), UTC)
    assert await said.speaker.recall(said.chat, said.key, since=later, known=()) is None


async def test_long_thread_is_read_to_its_end(slack: Emulator, said: Answer, dm: Seat) -> None:
    for number in range(450):
        await dm.in_thread(said.chat.thread).say(f"{number}", silently=True)
    await said.end("Done")
    assert await found(said) == said.message.ts
    assert calls(slack).count("conversations.replies") == 3


async def test_message_outside_a_thread_is_found_in_the_channel(
    slack: Emulator, said: Answer
) -> None:
    outside = Answer(
        said.speaker, replace(said.chat, thread="", reply_to=""), said.channel, "turn-outside/0"
    )
    await outside.end("Done")
    since = datetime.fromtimestamp(float(said.chat.reply_to), UTC)
    ref = await said.speaker.recall(outside.chat, outside.key, since=since, known=())
    assert ref == outside.ref
    assert "conversations.history" in calls(slack)


async def test_limited_search_waits_without_holding_anything_else(
    slack: Emulator, said: Answer
) -> None:
    slack.inject(Fault("conversations.replies", retry_after=9))
    with pytest.raises(Transient) as caught:
        await found(said)
    assert not isinstance(caught.value, RateLimited)
    assert caught.value.retry_after == 9


async def test_app_that_may_not_read_finds_nothing(slack: Emulator, said: Answer) -> None:
    await said.end("Done")
    slack.inject(Fault("conversations.replies", error="missing_scope"))
    assert await found(said) == ""


async def test_refused_token_is_told(slack: Emulator, said: Answer) -> None:
    slack.inject(Fault("conversations.replies", error="invalid_auth"))
    with pytest.raises(Unauthorised):
        await found(said)
