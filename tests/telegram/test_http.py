"""Calls to the Bot API, as they are on the wire."""

import asyncio

import pytest
from telegram.error import NetworkError

from adapters.telegram.bots import make_bot
from tests.telegram.emulator import Drop, Emulator, Fault
from tests.telegram.world import telegram_settings

NOWHERE = "http://telegram.invalid"


async def test_calls_go_through_the_proxy_that_the_environment_names(
    telegram: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", telegram.url)
    bot = make_bot(telegram_settings(NOWHERE))
    assert (await bot.get_me()).username == telegram.bot.username
    await bot.release()


async def test_call_says_what_it_wants_as_json(telegram: Emulator) -> None:
    telegram.person(1).chat()
    bot = make_bot(telegram_settings(telegram.url))
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    keys = {"inline_keyboard": [[{"text": "⏹", "callback_data": "/stop"}]]}
    told = await bot.call(
        "sendMessage", chat_id=1, text="你好 👍", entities=bold, reply_markup=keys, via=None
    )
    await bot.release()
    assert (told["text"], told["entities"], told["reply_markup"]) == ("你好 👍", bold, keys)


async def test_answer_is_waited_for_as_long_as_the_call_may_take(telegram: Emulator) -> None:
    bot = make_bot(telegram_settings(telegram.url))
    async with asyncio.timeout(30):
        assert await bot.raw_updates({"timeout": 1}, read_timeout=30) == []
    await bot.release()


async def test_connection_that_breaks_off_is_an_error_of_the_network(telegram: Emulator) -> None:
    bot = make_bot(telegram_settings(telegram.url))
    telegram.inject(Fault("getMe", drop=Drop.BEFORE))
    with pytest.raises(NetworkError, match="Disconnected"):
        await bot.get_me()
    await bot.release()


async def test_bot_that_was_released_calls_no_more(telegram: Emulator) -> None:
    bot = make_bot(telegram_settings(telegram.url))
    await bot.get_me()
    await bot.release()
    with pytest.raises(NetworkError):
        await bot.get_me()
