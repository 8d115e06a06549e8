"""Slack goes away, moves its sockets, or says that it was asked too often: nothing is lost."""

import asyncio
import os
import time

import pytest
from daemon_process import ASK, answer_to, eventually, in_time
from slack_world import ADAPTER, Mode, SlackWorld, finished
from telegram_world import readiness, until_ready

from bridge.emulator import Scenario
from tests.slack.emulator import Fault, Limits, Seat

READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
OUTAGE = float(os.environ.get("SLACK_OUTAGE", "5"))  # seconds
PEOPLE = 20
STORING = 0.25  # seconds in which the id of a posted message is stored, on a loaded machine
MODES = pytest.mark.parametrize("mode", ["socket", "http"])
STREAMS = pytest.mark.parametrize("stream", ["auto", "edit"])


async def ask(seat: Seat, text: str) -> Seat:
    """Open a thread with a question."""
    return seat.in_thread(await seat.say(text))


@STREAMS
@MODES
@pytest.mark.timeout(120 + OUTAGE)
async def test_every_answer_is_complete_after_an_outage(
    slack: SlackWorld, mode: Mode, stream: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.15))
    daemon = slack.daemon(mode, adapters__slack__stream=stream)
    await until_ready(daemon, within=READY_WITHIN)
    teas = [await ask(slack.dm(name), f"tea for {name}") for name in ("Ann", "Ben")]
    await eventually(lambda: all(thread.answers for thread in teas))
    async with slack.slack.outage():
        began = time.monotonic()
        if mode == "socket":  # with HTTP nobody knows whom to expect a call from
            async with in_time(daemon, 5):
                while ADAPTER not in await readiness(daemon):
                    await asyncio.sleep(ASK)
        late = await ask(slack.dm("Carl"), "coffee")  # people go on writing to Slack
        await asyncio.sleep(OUTAGE - (time.monotonic() - began))
    for name, thread in zip(("Ann", "Ben"), teas, strict=True):
        await slack.answered(thread, f"tea for {name}", within=60)
    await slack.answered(late, "coffee", within=60)
    await until_ready(daemon, within=60)
    assert sorted(slack.questions()) == ["coffee", "tea for Ann", "tea for Ben"]
    assert slack.slack.open_streams == []


@pytest.mark.parametrize("kind", ["refresh", "drop", "warning"])
async def test_sockets_that_come_and_go_under_load_lose_nothing(
    slack: SlackWorld, kind: str
) -> None:
    await until_ready(slack.daemon(), within=READY_WITHIN)
    sockets = slack.slack.sockets
    threads = [await ask(slack.dm(f"Person{n}"), f"hello {n}") for n in range(PEOPLE)]
    said = [[f"hello {n}"] for n in range(PEOPLE)]
    for number in range(60):
        n = number % PEOPLE
        said[n].append(f"question {number}")
        await threads[n].say(said[n][-1])
        if number % 10 == 5:
            await shake(slack, kind)
        await asyncio.sleep(0.05)
    await eventually(lambda: slack.untold() == 0, within=60)
    for thread, questions in zip(threads, said, strict=True):
        await slack.answered(thread, *questions, within=60)
    assert sorted(slack.questions()) == sorted(question for each in said for question in each)
    assert sockets.opened >= (3 if kind != "warning" else 2)
    assert not slack.slack.deliveries.lost


async def shake(slack: SlackWorld, kind: str) -> None:
    sockets = slack.slack.sockets
    match kind:
        case "refresh":
            await sockets.refresh()
        case "drop":
            sockets.drop()
        case _:
            for connection in sockets.usable:
                await connection.disconnect("warning")


async def test_one_socket_is_always_there_while_they_are_refreshed(slack: SlackWorld) -> None:
    await until_ready(slack.daemon(), within=READY_WITHIN)
    sockets = slack.slack.sockets
    await eventually(lambda: len(sockets.usable) >= 2)
    opened = sockets.opened
    await sockets.usable[0].disconnect()
    assert sockets.usable
    await eventually(lambda: sockets.opened > opened and len(sockets.usable) >= 2)


@MODES
async def test_twenty_answers_at_once_keep_every_tier(slack: SlackWorld, mode: Mode) -> None:
    slack.slack.throttle.set(Limits())
    slack.coze.install(Scenario(pace=0.15))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    threads = [await ask(slack.dm(f"Person{n}"), f"tea {n}") for n in range(PEOPLE)]
    for n, thread in enumerate(threads):
        await slack.answered(thread, f"tea {n}", within=90)
    journal = slack.slack.journal
    assert slack.slack.open_streams == []
    assert journal.refusals.total() <= journal.calls.total() / 100


@pytest.mark.parametrize(
    ("stream", "method"),
    [
        ("auto", "chat.startStream"),
        ("auto", "chat.appendStream"),
        ("auto", "chat.stopStream"),
        ("edit", "chat.postMessage"),
        ("edit", "chat.update"),
    ],
)
async def test_a_retry_after_delays_an_answer_and_loses_nothing(
    slack: SlackWorld, stream: str, method: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.1))
    await until_ready(slack.daemon(adapters__slack__stream=stream), within=READY_WITHIN)
    slack.slack.inject(Fault(method, retry_after=2))
    thread = await ask(slack.dm("Ann"), "tea")
    await slack.answered(thread, "tea", within=60)
    [refused] = [call for call in slack.calls(method) if call.refused]
    again = [call for call in slack.calls(method) if call.at > refused.at]
    assert all(call.at >= refused.at + 2 for call in again)
    assert slack.slack.open_streams == []


@STREAMS
async def test_a_message_deleted_in_mid_answer_is_written_anew(
    slack: SlackWorld, stream: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.15))
    await until_ready(slack.daemon(adapters__slack__stream=stream), within=READY_WITHIN)
    thread = await ask(slack.dm("Ann"), "tea")
    await eventually(lambda: thread.answers)
    await asyncio.sleep(STORING)
    await thread.delete(thread.answers[0])
    await slack.answered(thread, "tea", within=60)
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk")
    assert slack.questions() == ["tea", "milk"]


@STREAMS
async def test_a_bot_that_was_removed_in_mid_answer_goes_on_elsewhere(
    slack: SlackWorld, stream: str
) -> None:
    slack.coze.install(Scenario(match="tea", pace=0.15))
    daemon = slack.daemon(adapters__slack__stream=stream)
    await until_ready(daemon, within=READY_WITHIN)
    people = [slack.person(name) for name in ("Ann", "Ben")]
    general = slack.slack.channel("general", *people)
    secret = slack.slack.channel("secret", *people, private=True)
    lost = [await ask(people[0].at(place), slack.mention("tea")) for place in (general, secret)]
    await eventually(lambda: all(thread.answers for thread in lost))
    for place in (general, secret):
        del place.members[slack.slack.bot.id]
    elsewhere = await ask(slack.dm("Ben"), "milk")
    await slack.answered(elsewhere, "milk")
    assert await readiness(daemon) == {}
    slack.slack.invite(general)
    again = await ask(people[1].at(general), slack.mention("coffee"))
    await slack.answered(again, "coffee", within=60)


@STREAMS
async def test_a_polite_end_finishes_the_answer_and_leaves_no_stream(
    slack: SlackWorld, stream: str
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.15))
    daemon = slack.daemon(adapters__slack__stream=stream)
    await until_ready(daemon, within=READY_WITHIN)
    thread = await ask(slack.dm("Ann"), "tea")
    await eventually(lambda: thread.answers)
    daemon.signal()
    assert await daemon.exit_code() == 0
    assert finished(thread.answers) == [answer_to("tea")]


async def test_an_end_that_waits_for_nobody_leaves_the_rest_to_the_next_run(
    slack: SlackWorld,
) -> None:
    slack.coze.install(Scenario(match="^tea", pace=0.3))
    daemon = slack.daemon(server__grace="0.1")
    await until_ready(daemon, within=READY_WITHIN)
    thread = await ask(slack.dm("Ann"), "tea")
    await eventually(lambda: thread.answers)
    daemon.signal()
    assert await daemon.exit_code() == 0
    assert slack.slack.open_streams == []
    [half] = thread.answers
    assert half.text != answer_to("tea")
    daemon.start()
    await slack.answered(thread, "tea", within=60)
    assert thread.answers == [half]


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_token_that_slack_took_back_is_told_to_the_operator(
    slack: SlackWorld, is_told: bool
) -> None:
    """Whether or not Slack says so, as long as it is used."""
    slack.coze.install(Scenario(first_delay=1))
    daemon = slack.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    await ask(slack.dm("Ann"), "tea")
    await eventually(lambda: slack.questions() == ["tea"])
    if is_told:
        slack.slack.revoke()
    else:
        slack.slack.tokens.check(slack.slack.token).ended = "account_inactive"
    async with asyncio.timeout(60):
        while ADAPTER not in await readiness(daemon):
            await asyncio.sleep(ASK)
