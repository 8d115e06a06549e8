"""The whole daemon on Telegram: both ways of receiving, long answers, limits, outages."""

import asyncio
import os
import re
import time

import pytest
from daemon_process import ASK, answer_to, eventually, in_time
from telegram_world import Mode, TelegramWorld, finished, readiness, until_ready

from bridge.emulator import Scenario
from tests.telegram.emulator import Fault, Limits

READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
OUTAGE = float(os.environ.get("TELEGRAM_OUTAGE", "5"))  # seconds
ANNA, BEN, CARL = 1, 2, 3
MODES = pytest.mark.parametrize("mode", ["polling", "webhook"])


@MODES
async def test_a_question_is_answered_in_a_message_that_grows(
    telegram: TelegramWorld, mode: Mode
) -> None:
    telegram.coze.install(Scenario(pace=0.1))
    daemon = telegram.daemon(mode)
    async with in_time(daemon, 5):  # by the contract
        await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "tea")
    await telegram.answered(ANNA, "tea")
    [answer] = telegram.chat(ANNA).answers
    assert answer.edits >= 1
    assert answer_to("tea").startswith(answer.revisions[0].body.text.split(" …")[0])
    assert telegram.questions() == ["tea"]
    assert telegram.told() == 0
    assert telegram.telegram.webhook.is_set == (mode == "webhook")


@MODES
async def test_somebody_types_before_there_is_an_answer(
    telegram: TelegramWorld, mode: Mode
) -> None:
    telegram.coze.install(Scenario(first_delay=0.5))
    await until_ready(telegram.daemon(mode), within=READY_WITHIN)
    await telegram.say(ANNA, "tea")
    await telegram.answered(ANNA, "tea")
    [typing] = telegram.calls("sendChatAction")
    [posted] = telegram.calls("sendMessage")
    assert typing.at < posted.at


@MODES
async def test_what_was_written_while_nobody_ran_is_answered_in_order(
    telegram: TelegramWorld, mode: Mode
) -> None:
    first = telegram.daemon(mode)
    await until_ready(first, within=READY_WITHIN)
    first.kill()
    await telegram.say(ANNA, "tea", "water", "milk")
    await telegram.say(BEN, "coffee")
    first.start()
    await telegram.answered(ANNA, "tea", "water", "milk", within=60)
    await telegram.answered(BEN, "coffee")


async def test_from_webhook_to_polling_and_back_nothing_is_lost(telegram: TelegramWorld) -> None:
    said: list[str] = []
    for mode in ("webhook", "polling", "webhook"):
        daemon = telegram.daemon(mode)
        said.append(f"in {mode} {len(said)}")
        await telegram.say(ANNA, said[-1])
        await until_ready(daemon, within=READY_WITHIN)
        await telegram.answered(ANNA, *said)
        daemon.kill()


async def test_the_token_is_in_no_log_line(telegram: TelegramWorld) -> None:
    telegram.telegram.inject(Fault("sendMessage", code=502, html="<html>", times=2))
    daemon = telegram.daemon(log__level="debug")
    await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "tea")
    await telegram.answered(ANNA, "tea")
    assert daemon.events("page.delayed")  # so errors, which know their URL, were logged too
    secret = telegram.telegram.token.partition(":")[2]
    assert secret not in daemon.log.read_text(encoding="utf-8")


def long_answer(characters: int) -> str:
    """Paragraphs, code, a table and Chinese text, each of its lines numbered."""
    parts: list[str] = []
    while len("\n\n".join(parts)) < characters:
        number = len(parts)
        parts.append(
            (
                f"Paragraph {number:04} with **bold** and `code` and words. " * 4,
                f"```python\nline = {number:04}\n" + "print(line)  # a < b\n" * 20 + "```",
                f"| Row | Value |\n|---|---|\n| {number:04} | one |\n| again | two |",
                f"第{number:04}段：**重要的**内容，桥在人在，小桥流水人家。" * 5,
            )[number % 4].strip()
        )
    return "\n\n".join(parts)


async def test_thirty_thousand_characters_arrive_whole_and_in_order(
    telegram: TelegramWorld,
) -> None:
    telegram.telegram.throttle.set(Limits())
    wanted = long_answer(30_000)
    telegram.coze.install(Scenario(reply=wanted, pace=0.0005))
    await until_ready(telegram.daemon(), within=READY_WITHIN)
    await telegram.say(ANNA, "everything, please")
    chat = telegram.chat(ANNA)
    last = re.findall(r"\d{4}", wanted)[-1]

    def whole() -> bool:
        texts = finished(chat.answers)
        return bool(texts) and last in texts[-1] and not texts[-1].endswith(" …")

    await eventually(whole, within=60)
    texts = [message.text for message in chat.answers]
    assert len(texts) >= 8
    assert all(len(text.encode("utf-16-le")) // 2 <= 4096 for text in texts)
    assert all(len(message.body.entities) <= 100 for message in chat.answers)
    assert telegram.telegram.journal.refusals.total() == 0
    assert letters("".join(texts)) == letters(plain(wanted))


def plain(markdown: str) -> str:
    """The text a reader sees: no fences and what names their language, no rule of a table."""
    return re.sub(r"```\w*|\|(-+\|)+", "", markdown)


def letters(text: str) -> list[str]:
    """Letters and digits only: spaces and marks may differ between Markdown and its rendering."""
    return re.findall(r"\w", text.replace("_", ""))


async def refused_edit(telegram: TelegramWorld, retry_after: int) -> float:
    """Let Anna's first edit be refused for so many seconds; returns when it was."""
    telegram.coze.install(Scenario(pace=0.1))
    await until_ready(telegram.daemon(), within=READY_WITHIN)
    telegram.telegram.inject(Fault("editMessageText", ANNA, retry_after=retry_after))
    await telegram.say(ANNA, "tea")
    await eventually(lambda: telegram.telegram.journal.refusals.total() == 1)
    return telegram.calls("editMessageText", chat=ANNA)[0].at


async def test_a_retry_after_delays_that_chat_and_nothing_else(telegram: TelegramWorld) -> None:
    refused = await refused_edit(telegram, 3600)
    for number in (BEN, CARL):
        await telegram.say(number, "coffee")
        await telegram.answered(number, "coffee")
    assert [call for call in telegram.calls(chat=ANNA) if call.at > refused] == []


async def test_a_retry_after_that_is_over_delays_nothing(telegram: TelegramWorld) -> None:
    refused = await refused_edit(telegram, 2)
    await telegram.answered(ANNA, "tea")
    later = [call for call in telegram.calls(chat=ANNA) if call.at > refused]
    assert later[0].at >= refused + 2


async def test_forty_answers_at_once_keep_every_limit(telegram: TelegramWorld) -> None:
    people = range(1, 41)
    telegram.telegram.throttle.set(Limits())
    telegram.coze.install(Scenario(pace=0.15))
    await until_ready(telegram.daemon(), within=READY_WITHIN)
    for number in people:
        await telegram.say(number, f"tea for {number}")
    for number in people:
        await telegram.answered(number, f"tea for {number}", within=60)
    journal = telegram.telegram.journal
    assert journal.refusals.total() == 0
    assert journal.calls["sendMessage"] == len(people)


@pytest.mark.timeout(120 + OUTAGE)
async def test_every_answer_is_complete_after_an_outage(telegram: TelegramWorld) -> None:
    telegram.coze.install(Scenario(match="^tea", pace=0.1))
    daemon = telegram.daemon()
    await until_ready(daemon, within=READY_WITHIN)
    await telegram.say(ANNA, "tea")
    await telegram.say(BEN, "tea with milk")
    await eventually(lambda: len(telegram.calls("sendMessage")) == 2)
    async with telegram.telegram.outage():
        began = time.monotonic()
        async with in_time(daemon, 5):
            while "adapters.telegram" not in await readiness(daemon):
                await asyncio.sleep(ASK)
        noticed = time.monotonic() - began
        await telegram.say(CARL, "coffee")  # people go on writing to Telegram
        await asyncio.sleep(OUTAGE - noticed)
        assert "adapters.telegram" in await readiness(daemon)
    await telegram.answered(ANNA, "tea", within=60)
    await telegram.answered(BEN, "tea with milk", within=60)
    await telegram.answered(CARL, "coffee", within=60)
    await until_ready(daemon, within=60)
    assert sorted(telegram.questions()) == ["coffee", "tea", "tea with milk"]
