"""Answers on Slack that outlive a stream, outgrow a message, or may not be streamed at all."""

import asyncio
import os
import re

import pytest
from daemon_process import eventually
from slack_world import SlackWorld, finished
from telegram_world import until_ready
from test_telegram import letters, long_answer

from bridge.emulator import Scenario
from tests.slack.emulator import Fault, Limits, Seat

READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
MINUTES = float(os.environ.get("SLACK_MINUTES", "0"))  # of an answer in real time; 0: none
STREAMS = pytest.mark.parametrize("stream", ["auto", "edit", "final"])
NO_STREAM = [
    ("chat.startStream", "channel_type_not_supported"),
    ("chat.startStream", "unknown_method"),
    ("chat.startStream", "method_not_supported_for_channel_type"),
    ("chat.appendStream", "unknown_method"),
    ("chat.appendStream", "msg_too_long"),
    ("chat.stopStream", "msg_too_long"),
]


def letters_of(thread: Seat) -> list[str]:
    return letters("".join(re.sub(r"```\w*", "", each.text) for each in thread.answers))


def wanted_letters(text: str) -> list[str]:
    return letters(re.sub(r"```\w*", "", text))


def is_whole(thread: Seat, wanted: str) -> bool:
    """Whether its last number stands; the rest is compared once nothing moves any more."""
    last = re.findall(r"\d{4}", wanted)[-1]
    there = finished(thread.answers)
    return bool(there) and last in there[-1] and not there[-1].endswith(" …")


@STREAMS
async def test_sixty_thousand_characters_arrive_whole_and_in_order(
    slack: SlackWorld, stream: str
) -> None:
    slack.slack.throttle.set(Limits())
    wanted = long_answer(60_000)
    slack.coze.install(Scenario(reply=wanted, pace=0.0005))
    daemon = slack.daemon(adapters__slack__stream=stream)
    await until_ready(daemon, within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("everything, please"))
    await eventually(lambda: is_whole(thread, wanted), within=80)
    await eventually(lambda: letters_of(thread) == wanted_letters(wanted))
    assert len(thread.answers) >= 6
    assert all(len(message.text) <= 12_000 for message in thread.answers)
    assert slack.slack.open_streams == []
    assert slack.slack.journal.refusals.total() == 0


def numbered(words: int) -> tuple[str, ...]:
    return tuple(f"word{number:04} " for number in range(words))


async def streamed_for(slack: SlackWorld, seconds: float, words: int, **settings: str) -> Seat:
    """Let Ann ask for an answer that takes so long, and wait until all of it stands."""
    chunks = numbered(words)
    slack.coze.install(Scenario(chunks=chunks, pace=seconds / words))
    await until_ready(slack.daemon(**settings), within=READY_WITHIN)  # type: ignore[arg-type]  # mode is not among them
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("slowly, please"))
    await eventually(lambda: is_whole(thread, chunks[-1]), within=seconds + 60)
    await eventually(lambda: slack.slack.open_streams == [])
    assert " ".join(each.text for each in thread.answers).split() == "".join(chunks).split()
    return thread


async def test_an_answer_outlives_its_streams(slack: SlackWorld) -> None:
    slack.slack.stream_life = 4
    thread = await streamed_for(slack, 9, 90, adapters__slack__stream_life="2")
    assert len(thread.answers) >= 3
    assert {m.stream and m.stream.ended for m in thread.answers} == {"stopped"}


async def test_a_stream_that_slack_ends_early_goes_on_by_edits(slack: SlackWorld) -> None:
    slack.slack.stream_life = 1.5
    thread = await streamed_for(slack, 5, 50)
    [answer] = thread.answers
    assert answer.stream
    assert answer.stream.ended == "expired"
    assert slack.calls("chat.update")


async def test_a_stream_that_slack_takes_less_of_goes_on_whole(slack: SlackWorld) -> None:
    slack.slack.stream_size = 300
    await streamed_for(slack, 3, 100)


@pytest.mark.parametrize("kills", [1, 3])
async def test_an_answer_outlives_its_streams_and_its_process(
    slack: SlackWorld, kills: int
) -> None:
    chunks = numbered(90)
    slack.coze.install(Scenario(chunks=chunks, pace=0.1))
    daemon = slack.daemon(adapters__slack__stream_life="1")
    await until_ready(daemon, within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("slowly, please"))
    await eventually(lambda: len(thread.answers) > 1, within=60)
    for _ in range(kills):
        await asyncio.sleep(1)
        daemon.kill()
        daemon.start()
        await eventually(lambda: daemon.url)
    await until_it_says(chunks, thread)
    await thread.say("go on")
    await until_it_says(chunks * 2, thread)
    assert slack.questions() == ["slowly, please", "go on"]


async def until_it_says(chunks: tuple[str, ...], thread: Seat) -> None:
    try:
        await eventually(
            lambda: words_of(thread) == chunks and not any(m.streaming for m in thread.answers),
            within=60,
        )
    except AssertionError:
        raise AssertionError(finished(thread.answers)) from None


def words_of(thread: Seat) -> tuple[str, ...]:
    return tuple(f"{word} " for each in thread.answers for word in each.text.split())


@pytest.mark.skipif(not MINUTES, reason="SLACK_MINUTES=10 lets an answer take ten minutes")
@pytest.mark.timeout(60 * MINUTES + 120)
async def test_an_answer_of_ten_real_minutes(slack: SlackWorld) -> None:
    slack.slack.throttle.set(Limits())
    thread = await streamed_for(slack, 60 * MINUTES, int(100 * MINUTES))
    assert {m.stream and m.stream.ended for m in thread.answers} == {"stopped"}
    assert len(thread.answers) >= MINUTES / 5


@pytest.mark.parametrize(("method", "error"), NO_STREAM)
async def test_where_slack_lets_nobody_stream_the_answer_stands_all_the_same(
    slack: SlackWorld, method: str, error: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.1))
    await until_ready(slack.daemon(), within=READY_WITHIN)
    slack.slack.inject(Fault(method, error=error, times=1 if "stop" in method else 0))
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea", within=60)
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk", within=60)
    assert slack.questions() == ["tea", "milk"]


async def test_a_workspace_without_streaming_gets_edits(slack: SlackWorld) -> None:
    slack.slack.team.lacks = {"chat.startStream", "chat.appendStream", "chat.stopStream"}
    slack.coze.install(Scenario(pace=0.15))
    await until_ready(slack.daemon(), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea")
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk")
    assert all(message.edits for message in thread.answers)
    assert len(slack.calls("chat.startStream")) == 1  # it is not tried again
