"""What the operator sees: /readyz while Telegram is away, and a log without secrets."""

import contextlib
import io
import logging
from collections.abc import Iterator

import pytest

from bridge import logs
from tests.platforms.worlds import eventually_well
from tests.telegram.emulator import TOKEN, Fault
from tests.telegram.world import World

# Away


async def test_outage_is_told_of_and_over_without_a_restart(world: World) -> None:
    world.script("late", reply="Better late than never.")
    anna = world.telegram.person(1).chat()
    async with world.running() as running:
        async with world.telegram.outage():
            await running.until_problem("cannot be reached")
            await anna.say("late?")
        await anna.final("never.")
        await eventually_well(running.adapter)
        assert await running.problems() == {}


async def test_telegram_out_of_reach_at_the_start_is_waited_for(world: World) -> None:
    world.script("", reply="Here I am.")
    async with contextlib.AsyncExitStack() as stack:
        async with world.telegram.outage():
            running = await stack.enter_async_context(world.running(well=False))
            await running.until_problem("cannot be reached")
        await world.telegram.person(1).chat().say("anybody?")
        await world.telegram.person(1).chat().final("I am.")
        await eventually_well(running.adapter)
        assert await running.problems() == {}


async def test_refused_token_stops_only_this_adapter(world: World) -> None:
    world.telegram.token = "7000000001:revoked"
    async with world.running(well=False) as running:
        await running.until_problem("token")
        asked = world.telegram.journal.calls["getMe"]
        assert asked == 1


# Logs


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, by whomever, at any level."""
    stream, root = io.StringIO(), logging.getLogger()
    before = root.handlers, root.level
    logs.configure("debug", "json", stream)
    assert logging.getLogger("telegram").level == logging.WARNING
    names = ("httpx", "httpcore", "asyncio", "telegram", "aiohttp")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.handlers, root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


async def test_token_is_in_no_log_line(world: World, log: io.StringIO) -> None:
    anna = world.telegram.person(1).chat()
    world.script("", reply="Done.")
    world.telegram.inject(Fault("sendMessage", code=500, html="<html>"))
    async with world.running() as running:
        await anna.say("hi")
        await anna.final("Done.")
        async with world.telegram.outage():
            await running.until_problem("cannot be reached")
    lines = log.getvalue()
    assert "/bot[redacted]" in lines  # python-telegram-bot would have told
    assert TOKEN not in lines
    assert TOKEN.partition(":")[2] not in lines


async def test_message_texts_are_in_no_log_line(world: World, log: io.StringIO) -> None:
    logging.getLogger("telegram").setLevel(logging.WARNING)  # as `logs.configure` has it
    anna = world.telegram.person(1).chat()
    world.script("", reply="A secret answer.")
    async with world.running():
        await anna.say("A secret question?")
        await anna.final("answer.")
    assert "message.accepted" in log.getvalue()
    assert "secret" not in log.getvalue()
