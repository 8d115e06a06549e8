"""Streams: for whom, how long, how much, and what ends them."""

import pytest

from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Emulator, Message, Person, Seat
from tests.slack.emulator.clients import Raw


@pytest.fixture
async def asked(dm: Seat) -> Message:
    return await dm.say("Tell me")


@pytest.fixture
async def stream(api: Raw, dm: Seat, asked: Message) -> dict[str, object]:
    """An open stream, as appendStream wants it named."""
    started = await api.ok("chat.startStream", channel=dm.id, thread_ts=asked.ts)
    return {"channel": dm.id, "ts": started["ts"]}


@pytest.fixture
def message(dm: Seat, stream: dict[str, object]) -> Message:
    return dm.channel.messages[str(stream["ts"])]


async def test_text_grows(api: Raw, stream: dict[str, object], message: Message) -> None:
    for word in ("Once", " upon"):
        await api.ok("chat.appendStream", **stream, markdown_text=word)
    assert message.streaming
    await api.ok("chat.stopStream", **stream, markdown_text=" a time")
    assert not message.streaming
    texts = [revision.content.seen for revision in message.revisions]
    assert texts == ["", "Once", "Once upon", "Once upon a time"]


async def test_stream_in_a_channel_has_a_recipient(
    slack: Emulator, api: Raw, general: Channel, ann: Person
) -> None:
    question = await general.say(ann, "hi")
    start = {"channel": general.id, "thread_ts": question.ts}
    assert await api.error("chat.startStream", **start) == "missing_recipient_user_id"
    start["recipient_user_id"] = ann.id
    assert await api.error("chat.startStream", **start) == "missing_recipient_team_id"
    start["recipient_team_id"] = slack.team.id
    await api.ok("chat.startStream", **start)
    del start["thread_ts"]
    await api.ok("chat.startStream", **start)
    assert [answer.thread for answer in general.answers] == [question.ts, ""]


async def test_stream_in_a_dm_has_a_thread(api: Raw, dm: Seat) -> None:
    assert await api.error("chat.startStream", channel=dm.id) == "invalid_arguments"


async def test_stream_dies_after_five_minutes_even_with_traffic(
    slack: Emulator, api: Raw, stream: dict[str, object], message: Message, clock: Clock
) -> None:
    for _ in range(4):
        clock.move(74.9)
        await api.ok("chat.appendStream", **stream, markdown_text=".")
    assert slack.open_streams == [message]
    clock.move(0.5)
    gone = "message_not_in_streaming_state"
    assert await api.error("chat.appendStream", **stream, markdown_text=".") == gone
    assert await api.error("chat.stopStream", **stream) == gone
    assert slack.open_streams == []
    await api.ok("chat.update", **stream, markdown_text="All of it")
    assert message.text == "All of it"


async def test_stream_takes_twelve_thousand_characters(
    api: Raw, stream: dict[str, object], message: Message
) -> None:
    await api.ok("chat.appendStream", **stream, markdown_text="x" * 6000)
    await api.ok("chat.appendStream", **stream, markdown_text="x" * 6000)
    assert await api.error("chat.appendStream", **stream, markdown_text="x") == "msg_too_long"
    assert await api.error("chat.stopStream", **stream, markdown_text="x") == "msg_too_long"
    assert (message.streaming, len(message.text)) == (True, 12_000)
    await api.ok("chat.stopStream", **stream)


async def test_task_cards_count_as_their_json(api: Raw, stream: dict[str, object]) -> None:
    task = {"type": "task_update", "id": "1", "title": "x" * 11_900, "status": "in_progress"}
    await api.ok("chat.appendStream", **stream, chunks=[task])
    text = {"type": "markdown_text", "text": "x" * 100}
    assert await api.error("chat.appendStream", **stream, chunks=[text]) == "msg_too_long"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, "no_text"),
        ({"chunks": [{"type": "poem"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "markdown_text"}]}, "invalid_arguments"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "poem"}]}]}, "invalid_blocks"),
        (
            {"markdown_text": "x", "chunks": [{"type": "markdown_text", "text": "x"}]},
            "invalid_arguments",
        ),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
    ],
)
async def test_wrong_addition_is_refused(
    api: Raw, stream: dict[str, object], more: dict[str, object], error: str
) -> None:
    assert await api.error("chat.appendStream", **stream, **more) == error


async def test_stopped_stream_is_over(api: Raw, stream: dict[str, object]) -> None:
    await api.ok("chat.stopStream", **stream)
    gone = "message_not_in_streaming_state"
    assert await api.error("chat.stopStream", **stream) == gone
    posted = await api.ok("chat.postMessage", channel=stream["channel"], text="x")
    plain = {"channel": stream["channel"], "ts": posted["ts"]}
    assert await api.error("chat.appendStream", **plain, markdown_text="x") == gone


async def test_streaming_message_is_not_updated_beside(api: Raw, stream: dict[str, object]) -> None:
    assert await api.error("chat.update", **stream, text="x") == "streaming_state_conflict"


async def test_person_who_presses_stop_ends_the_stream(
    slack: Emulator, api: Raw, dm: Seat, asked: Message, stream: dict[str, object]
) -> None:
    await dm.in_thread(asked).stop()
    (told,) = slack.deliveries.of("agent_session_stopped")
    assert told.event["streaming_message_ts"] == [stream["ts"]]
    gone = "message_not_in_streaming_state"
    assert await api.error("chat.appendStream", **stream, markdown_text="x") == gone


async def test_stopping_may_set_the_sessions_state(
    api: Raw, dm: Seat, asked: Message, stream: dict[str, object]
) -> None:
    assert await api.error("chat.stopStream", **stream, session_status="odd") == "invalid_status"
    await api.ok("chat.stopStream", **stream, session_status="active")
    assert dm.channel.sessions == {asked.ts: ["active"]}


async def test_workspace_or_place_may_know_no_streams(
    slack: Emulator, api: Raw, dm: Seat, asked: Message
) -> None:
    start = {"channel": dm.id, "thread_ts": asked.ts}
    dm.channel.streams = False
    assert await api.error("chat.startStream", **start) == "channel_type_not_supported"
    slack.team.lacks.add("chat.startStream")
    assert await api.error("chat.startStream", **start) == "unknown_method"


async def test_streamed_mention_is_a_ping(
    slack: Emulator, api: Raw, stream: dict[str, object]
) -> None:
    await api.ok("chat.appendStream", **stream, markdown_text="<!chan")
    assert slack.pings == []
    await api.ok("chat.appendStream", **stream, markdown_text="nel>")
    assert [ping.whom for ping in slack.pings] == ["!channel"]
