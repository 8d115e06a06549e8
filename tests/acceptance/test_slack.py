"""The whole daemon on Slack, by sockets and by HTTP: threads, commands, buttons, restarts."""

import asyncio
import json

import pytest
from daemon_process import ASK, answer_to, eventually, in_time
from slack_world import ADAPTER, Mode, SlackWorld, finished
from telegram_world import readiness, until_ready

from bridge.emulator import Scenario
from tests.slack.emulator import Fault

READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
LATE = 1.2  # seconds after which more may have been said
MODES = pytest.mark.parametrize("mode", ["socket", "http"])


@MODES
async def test_it_is_ready_within_five_seconds(slack: SlackWorld, mode: Mode) -> None:
    daemon = slack.daemon(mode)
    async with in_time(daemon, 5):  # by the contract
        await until_ready(daemon, within=READY_WITHIN)


@MODES
async def test_a_question_is_answered_in_its_thread_by_a_message_that_grows(
    slack: SlackWorld, mode: Mode
) -> None:
    slack.coze.install(Scenario(pace=0.15))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea")
    [answer] = ann.answers
    assert answer in thread.answers
    assert answer.edits >= 2
    assert all(answer_to("tea").startswith(each.content.seen) for each in answer.revisions)
    assert slack.questions() == ["tea"]
    assert slack.slack.open_streams == []
    await eventually(lambda: slack.untold() == 0)
    assert not slack.slack.deliveries.lost


@MODES
async def test_somebody_thinks_before_there_is_an_answer(slack: SlackWorld, mode: Mode) -> None:
    slack.coze.install(Scenario(first_delay=0.5))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await eventually(lambda: ann.channel.status(thread.thread))
    assert ann.answers == []
    await slack.answered(thread, "tea")
    assert not ann.channel.status(thread.thread)


@MODES
async def test_a_mention_opens_a_thread_that_goes_on_without_one(
    slack: SlackWorld, mode: Mode
) -> None:
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    general = slack.slack.channel("general", slack.person("Ann"), slack.person("Ben"))
    ann, ben = slack.person("Ann").at(general), slack.person("Ben").at(general)
    await ann.say("nobody asks the bot")
    thread = ann.in_thread(await ann.say(slack.mention("tea")))
    await slack.answered(thread, "tea")
    await ben.in_thread(thread.thread).say("milk")
    await slack.answered(thread, "tea", "milk")
    assert general.answers == thread.answers
    assert slack.questions() == ["tea", "milk"]  # told twice by Slack, as mention and as message


async def test_a_thread_is_still_known_after_a_restart(slack: SlackWorld) -> None:
    daemon = slack.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    general = slack.slack.channel("general", slack.person("Ann"), slack.person("Ben"))
    ann, ben = slack.person("Ann").at(general), slack.person("Ben").at(general)
    thread = ann.in_thread(await ann.say(slack.mention("tea")))
    other = ben.in_thread(await ben.say("among ourselves"))
    await slack.answered(thread, "tea")
    daemon.kill()
    daemon.start()
    await other.say("go on")
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk")
    assert other.answers == []
    assert slack.questions() == ["tea", "milk"]


@MODES
async def test_what_was_said_below_a_mention_that_comes_late_is_answered(
    slack: SlackWorld, mode: Mode
) -> None:
    """Slack tells a message again after minutes, and meanwhile those that were written later."""
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    general = slack.slack.channel("general", slack.person("Ann"), slack.person("Ben"))
    ann, ben = slack.person("Ann").at(general), slack.person("Ben").at(general)
    mention = await ann.say(slack.mention("tea"), silently=True)
    thread = ann.in_thread(mention)
    await thread.say("milk")
    await ben.in_thread(mention).say("sugar")
    await eventually(lambda: slack.untold() == 0)
    assert slack.questions() == []
    await asyncio.sleep(LATE)
    slack.slack.events.posted(mention)
    await slack.answered(thread, "tea", "milk", "sugar")
    await thread.say("lemon")
    await slack.answered(thread, "tea", "milk", "sugar", "lemon")
    assert slack.questions() == ["tea", "milk", "sugar", "lemon"]


@MODES
async def test_threads_are_conversations_side_by_side(slack: SlackWorld, mode: Mode) -> None:
    slack.coze.install(Scenario(pace=0.1))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    general = slack.slack.channel("general", slack.person("Ben"))
    seats = [slack.dm("Ann")] * 4 + [slack.person("Ben").at(general)] * 3
    threads = [
        seat.in_thread(await seat.say(slack.mention(f"tea {number}")))
        for number, seat in enumerate(seats)
    ]
    for number, thread in enumerate(threads):
        await slack.answered(thread, f"tea {number}")
    began = max(thread.answers[0].at for thread in threads)
    assert all(thread.answers[0].revisions[-1].at > began for thread in threads)
    for number, thread in enumerate(threads):
        await thread.say(f"milk {number}")
    for number, thread in enumerate(threads):
        await slack.answered(thread, f"tea {number}", f"milk {number}")
    conversations = {asked.conversation_id for asked in slack.coze.asked}
    assert len(conversations) == len(threads)


@MODES
async def test_several_people_in_one_direct_conversation_need_no_mention_to_go_on(
    slack: SlackWorld, mode: Mode
) -> None:
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann, ben = slack.person("Ann"), slack.person("Ben")
    group = slack.slack.group_dm(ann, ben)
    seat = ann.at(group)
    thread = seat.in_thread(await seat.say(slack.mention("tea")))
    await slack.answered(thread, "tea")
    await ben.at(group, thread.thread).say("milk")
    await slack.answered(thread, "tea", "milk")
    assert slack.questions() == ["tea", "milk"]


@MODES
async def test_a_slash_command_is_obeyed(slack: SlackWorld, mode: Mode) -> None:
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann = slack.dm("Ann")
    invocation = await ann.command("/coze", "help")
    await eventually(lambda: invocation.delivery.acked)
    await eventually(lambda: any("begin a new conversation" in m.text for m in ann.answers))
    assert slack.questions() == []


@MODES
async def test_a_word_after_an_exclamation_mark_stops_an_answer(
    slack: SlackWorld, mode: Mode
) -> None:
    slack.coze.install(Scenario(match="^tea", tokens=400, pace=0.05))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await eventually(lambda: thread.answers)
    await thread.say("!stop")
    await eventually(lambda: finished(thread.answers)[-1].endswith("*(stopped)*"))
    assert len(thread.answers) == 1
    assert slack.slack.open_streams == []
    await thread.say("milk")
    await eventually(lambda: finished(thread.answers)[1:] == [answer_to("milk")])


@MODES
async def test_slacks_own_stop_button_stops_an_answer(slack: SlackWorld, mode: Mode) -> None:
    slack.coze.install(Scenario(match="^tea", tokens=400, pace=0.05))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await eventually(lambda: thread.answers)
    await thread.stop()
    await eventually(lambda: finished(thread.answers)[-1].endswith("*(stopped)*"))
    assert len(thread.answers) == 1
    await thread.say("milk")
    await eventually(lambda: finished(thread.answers)[1:] == [answer_to("milk")])
    assert slack.questions() == ["tea", "milk"]


@MODES
async def test_a_suggested_question_is_a_button_that_asks_it(slack: SlackWorld, mode: Mode) -> None:
    slack.coze.install(Scenario(match="^tea", reply="Green or black?", follow_ups=("green",)))
    await until_ready(slack.daemon(mode), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await eventually(lambda: thread.answers and "green" in thread.answers[-1].labels)
    [offer] = thread.answers
    await offer.press("green", ann.person)
    await eventually(lambda: len(thread.answers) == 2 and not slack.slack.open_streams)
    await eventually(lambda: finished(thread.answers)[-1] == f"> green\n\n{answer_to('green')}")
    assert finished(thread.answers)[0].startswith("Green or black?")
    assert slack.questions() == ["tea", "green"]


@MODES
async def test_what_was_written_while_nobody_ran_is_answered_in_order(
    slack: SlackWorld, mode: Mode
) -> None:
    daemon = slack.daemon(mode)
    await until_ready(daemon, within=READY_WITHIN)
    daemon.kill()
    ann, ben = slack.dm("Ann"), slack.dm("Ben")
    first = ann.in_thread(await ann.say("tea"))
    second = ben.in_thread(await ben.say("coffee"))
    daemon.start()
    await slack.answered(first, "tea", within=60)
    await slack.answered(second, "coffee")
    await first.say("milk")
    await slack.answered(first, "tea", "milk")
    assert slack.questions()[-1] == "milk"
    assert sorted(slack.questions()[:2]) == ["coffee", "tea"]


async def test_from_http_to_sockets_and_back_nothing_is_lost(slack: SlackWorld) -> None:
    said: list[str] = []
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("hello", silently=True))
    modes: list[Mode] = ["http", "socket", "http"]
    for mode in modes:
        daemon = slack.daemon(mode)
        await until_ready(daemon, within=READY_WITHIN)
        said.append(f"in {mode} {len(said)}")
        await thread.say(said[-1])
        await slack.answered(thread, *said)
        daemon.kill()


async def test_the_events_of_a_message_that_come_again_are_passed_over(slack: SlackWorld) -> None:
    await until_ready(slack.daemon("http"), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea")
    slack.slack.deliveries.repeat(count=4)
    await thread.say("milk")
    await eventually(lambda: slack.untold() == 0)
    await slack.answered(thread, "tea", "milk")
    assert slack.questions() == ["tea", "milk"]


async def test_a_forged_or_old_request_is_refused(slack: SlackWorld) -> None:
    await until_ready(slack.daemon("http"), within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea")
    [delivery] = [each for each in slack.slack.deliveries.of("message") if is_asked(each.event)]
    event = delivery.event | {"text": "forged", "ts": slack.slack.next_ts()}
    body = json.dumps(delivery.payload | {"event_id": "EvForged", "event": event}).encode()
    hooks = slack.slack.hooks
    assert (await hooks.post(body, secret="guessed")).status == 401
    assert (await hooks.post(body, age=301)).status == 401
    await thread.say("milk")
    await slack.answered(thread, "tea", "milk")
    assert slack.questions() == ["tea", "milk"]


def is_asked(event: dict[str, object]) -> bool:
    return "bot_id" not in event


async def test_readiness_tells_when_no_socket_is_open(slack: SlackWorld) -> None:
    daemon = slack.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    async with slack.slack.outage():
        while ADAPTER not in await readiness(daemon):
            await asyncio.sleep(ASK)
    await until_ready(daemon, within=60)


async def test_no_token_is_in_a_log_line(slack: SlackWorld) -> None:
    for method in ("chat.startStream", "chat.postMessage", "chat.stopStream"):
        slack.slack.inject(Fault(method, code=502, html="<html>", times=1))
    daemon = slack.daemon(log__level="debug")
    await until_ready(daemon, within=READY_WITHIN)
    ann = slack.dm("Ann")
    thread = ann.in_thread(await ann.say("tea"))
    await slack.answered(thread, "tea", within=60)
    log = daemon.log.read_text(encoding="utf-8")
    assert "502" in log or "page.delayed" in log  # so errors were logged too
    assert slack.slack.token.partition("-")[2] not in log
    assert slack.slack.app_token.partition("-")[2] not in log
