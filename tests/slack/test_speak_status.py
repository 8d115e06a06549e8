"""Signs of life: the status below a thread, and Slack's own Stop button."""

import asyncio

import pytest

from adapters.slack.speak import Speaker
from bridge.events import ChatRef
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Drop, Emulator, Fault, Gate, Limits, Person, Seat
from tests.slack.speaking import Answer, answer, calls, speaking

STATUS = "assistant.threads.setStatus"
SESSION = "agents.sessions.setStatus"


def status(said: Answer) -> str:
    return said.channel.status(said.chat.thread)


def session(said: Answer) -> list[str]:
    return said.channel.sessions.get(said.chat.thread, [])


async def held(slack: Emulator, said: Answer, method: str) -> tuple[Gate, asyncio.Task[None]]:
    """A sign of life on its way, of which Slack has not heard yet."""
    gate = Gate()
    slack.inject(Fault(method, gate=gate))
    typing = asyncio.create_task(said.speaker.typing(said.chat))
    await gate.reached.wait()
    return gate, typing


async def given_up(typing: asyncio.Task[None]) -> None:
    typing.cancel()
    await asyncio.wait([typing])


async def test_thinking_is_shown_and_can_be_stopped(said: Answer) -> None:
    await said.speaker.typing(said.chat)
    assert status(said) == "is thinking…"
    assert session(said) == ["processing"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-CN", "正在思考…"), ("ZH", "正在思考…"), ("en-US", "is thinking…"), ("", "is thinking…")],
)
async def test_thinking_is_shown_in_the_language_of_who_asked(
    said: Answer, language: str, words: str
) -> None:
    said.speaker.asked_by(said.chat, said.chat.reply_to, "T1/U1", language)
    await said.speaker.typing(said.chat)
    assert status(said) == words


async def test_status_is_renewed_only_before_it_fades(
    slack: Emulator, said: Answer, clock: Clock
) -> None:
    for _ in range(25):
        await said.speaker.typing(said.chat)
        clock.move(4)
    assert calls(slack) == [STATUS, SESSION]
    await said.speaker.typing(said.chat)
    assert calls(slack).count(STATUS) == 2
    assert status(said) == "is thinking…"


async def test_status_is_shown_anew_after_a_message(slack: Emulator, said: Answer) -> None:
    await said.speaker.typing(said.chat)
    await said.grow("Once")
    assert status(said) == ""
    await said.speaker.typing(said.chat)
    assert status(said) == "is thinking…"


async def test_end_of_a_stream_takes_the_stop_button_away(slack: Emulator, said: Answer) -> None:
    await said.speaker.typing(said.chat)
    await said.grow("Once")
    assert session(said) == ["processing"]
    await said.end("Once upon")
    assert session(said) == ["processing", "active"]
    assert calls(slack) == [STATUS, SESSION, "startStream", "stopStream"]


async def test_end_of_updates_takes_the_stop_button_away(
    slack: Emulator, dm: Seat, ann: Person
) -> None:
    async with speaking(slack, stream="edit") as speaker:
        said = await answer(slack, speaker, dm.channel, ann)
        await speaker.typing(said.chat)
        await said.grow("Once")
        assert session(said) == ["processing"]
        await said.end("Once upon")
    assert session(said) == ["processing", "active"]


async def test_single_post_takes_the_stop_button_away(said: Answer) -> None:
    await said.speaker.typing(said.chat)
    await said.end("Done")
    assert session(said) == ["processing", "active"]


async def test_session_somebody_stopped_is_set_at_rest_by_us(
    slack: Emulator, said: Answer, dm: Seat
) -> None:
    await said.speaker.typing(said.chat)
    await said.grow("Once")
    await dm.in_thread(said.chat.thread).stop()
    said.speaker.was_stopped(said.chat, [said.message.ts])
    await said.end("Once upon")
    assert session(said) == ["processing", "active"]


async def test_stop_that_an_earlier_run_left_is_answered_by_setting_at_rest(
    slack: Emulator, said: Answer, dm: Seat
) -> None:
    await said.speaker.typing(said.chat)
    await dm.in_thread(said.chat.thread).stop()
    async with speaking(slack) as restarted:
        restarted.was_stopped(said.chat, [])
        await said.by(restarted).end("There is nothing to stop.")
    assert session(said) == ["processing", "active"]


async def test_session_begun_while_nobody_waited_is_set_at_rest(
    slack: Emulator, said: Answer
) -> None:
    gate, typing = await held(slack, said, SESSION)
    await given_up(typing)
    gate.open()
    await slack.until(lambda _: session(said) == ["processing"])
    await said.end("Done")
    assert session(said) == ["processing", "active"]


async def test_status_that_came_after_the_answer_is_taken_away(
    slack: Emulator, said: Answer
) -> None:
    """Slack takes it away with the message, and shows it again if it hears of it later."""
    gate, typing = await held(slack, said, STATUS)
    await said.grow("Once")
    gate.open()
    await typing
    assert status(said) == ""


async def test_status_nobody_waited_for_is_taken_away_at_the_end(
    slack: Emulator, said: Answer
) -> None:
    gate, typing = await held(slack, said, STATUS)
    await said.grow("Once")
    await given_up(typing)
    gate.open()
    await slack.until(lambda _: status(said))
    await said.end("Once upon")
    assert status(said) == ""


async def test_session_that_was_refused_needs_no_rest(slack: Emulator, said: Answer) -> None:
    slack.inject(Fault(SESSION, error="not_an_agent_app"))
    await said.speaker.typing(said.chat)
    await said.end("Done")
    assert calls(slack).count(SESSION) == 1


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "not_an_agent_app"])
@pytest.mark.parametrize("method", [STATUS, SESSION])
async def test_what_the_app_may_not_show_is_not_tried_again(
    slack: Emulator, said: Answer, method: str, error: str, clock: Clock
) -> None:
    slack.inject(Fault(method, error=error, times=0))
    for _ in range(3):
        await said.speaker.typing(said.chat)
        clock.move(101)
    assert calls(slack).count(method) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(error="fatal_error", times=2),
        Fault(retry_after=5, times=2),
        Fault(drop=Drop.AFTER, times=2),
        Fault(error="channel_not_found", times=2),
    ],
)
async def test_trouble_with_it_troubles_nobody(
    slack: Emulator, said: Answer, fault: Fault, clock: Clock
) -> None:
    slack.inject(fault)
    await said.speaker.typing(said.chat)
    clock.move(101)
    await said.speaker.typing(said.chat)
    assert status(said) == "is thinking…"


async def test_place_without_a_thread_has_no_status(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    await speaker.typing(ChatRef("slack", "slack", f"{slack.team.id}/{dm.id}"))
    assert calls(slack) == []


async def test_each_session_that_was_begun_finds_the_call_to_end_it(
    slack: Emulator, ann: Person
) -> None:
    slack.throttle.set(Limits())
    async with speaking(slack, stream="final") as speaker:
        channels = [slack.channel(f"room-{n}", ann) for n in range(40)]
        said = [await answer(slack, speaker, channel, ann) for channel in channels]
        for each in said:
            await speaker.typing(each.chat)
        for each in said:
            await each.end("Done")
    begun = [session(each) for each in said if session(each)]
    assert 20 <= len(begun) <= 25
    assert begun == [["processing", "active"]] * len(begun)
    assert slack.journal.refused_share == 0


async def test_stop_button_of_an_earlier_run_is_taken_away(slack: Emulator, said: Answer) -> None:
    await said.speaker.typing(said.chat)
    await said.grow("Once")
    async with speaking(slack) as restarted:
        await said.by(restarted).end("Once upon")
    assert session(said) == ["processing", "active"]


@pytest.mark.parametrize(
    ("error", "asked"), [("missing_scope", 1), ("unknown_method", 1), ("not_here", 2)]
)
async def test_refusal_of_one_place_says_nothing_of_others(
    slack: Emulator, said: Answer, general: Channel, ann: Person, error: str, asked: int
) -> None:
    slack.inject(Fault(SESSION, error=error, times=0))
    other = await answer(slack, said.speaker, general, ann)
    for each in (said, other):
        await said.speaker.typing(each.chat)
    assert calls(slack).count(SESSION) == asked
