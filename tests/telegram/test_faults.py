"""What goes wrong at Telegram, named by what to do about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from telegram import Bot, error

from adapters.telegram.bots import RawBot, make_bot
from adapters.telegram.faults import NotModified, as_bridge_errors, translated
from bridge.errors import (
    BridgeError,
    Gone,
    Moved,
    Permanent,
    RateLimited,
    Rejected,
    Unauthorised,
    Unreachable,
)
from tests.telegram.emulator import BAD_GATEWAY, TOKEN, Drop, Emulator, Fault
from tests.telegram.world import telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.fixture
async def bot(telegram: Emulator) -> AsyncIterator[RawBot]:
    telegram.person(1).chat()
    bot = make_bot(telegram_settings(telegram.url))
    yield bot
    await bot.release()


async def raised(call: Awaitable[object]) -> BridgeError:
    with pytest.raises(BridgeError) as caught, as_bridge_errors():
        await call
    return caught.value


# Texts of the real server (telegram-bot-api and its issue tracker)

REFUSALS: list[tuple[str, type[BridgeError]]] = [
    ("message to edit not found", Gone),
    ("message can't be edited", Gone),
    ("MESSAGE_ID_INVALID", Gone),
    ("message to delete not found", Gone),
    ("message can't be deleted", Gone),
    ("message can't be deleted for everyone", Gone),
    ("chat not found", Gone),
    ("message thread not found", Gone),
    ("TOPIC_CLOSED", Gone),
    ("TOPIC_DELETED", Gone),
    ("PEER_ID_INVALID", Gone),
    ("CHAT_WRITE_FORBIDDEN", Gone),
    ("CHAT_ADMIN_REQUIRED", Gone),
    ("INPUT_USER_DEACTIVATED", Gone),
    ("not enough rights to send text messages to the chat", Gone),
    ("have no rights to send a message", Gone),
    ("need administrator rights in the channel chat", Gone),
    ("BUSINESS_CONNECTION_INVALID", Gone),
    ("BUSINESS_PEER_INVALID", Gone),
    ("BUSINESS_PEER_USAGE_MISSING", Gone),
    ("can't parse entities: Can't find end of the entity starting at byte offset 4", Rejected),
    ("can't parse MessageEntity: Unsupported type specified", Rejected),
    ("ENTITY_BOUNDS_INVALID", Rejected),
    ("BUTTON_DATA_INVALID", Rejected),
    ("BUTTON_TYPE_INVALID", Rejected),
    ("can't parse reply keyboard markup JSON object", Rejected),
    ("text buttons are unallowed in the inline keyboard", Rejected),
    ("REPLY_MARKUP_TOO_LONG", Rejected),
    ("wrong HTTP URL specified", Rejected),
    ("message is too long", Rejected),
    ("MESSAGE_TOO_LONG", Rejected),
    ("message text is empty", Rejected),
    ("text must be non-empty", Rejected),
    ("strings must be encoded in UTF-8", Rejected),
    ("TEXTDRAFT_PEER_INVALID", Permanent),
    ("something nobody has seen", Permanent),
]


@pytest.mark.parametrize(("text", "kind"), REFUSALS)
async def test_refusal_by_its_text(
    telegram: Emulator, bot: Bot, text: str, kind: type[BridgeError]
) -> None:
    telegram.inject(Fault("sendMessage", code=400, description=f"Bad Request: {text}"))
    error = await raised(bot.send_message(1, "hi"))
    assert type(error) is kind
    assert error.code == 400


@pytest.mark.parametrize(
    "text",
    [
        "Forbidden: bot was blocked by the user",
        "Forbidden: bot was kicked from the supergroup chat",
        "Forbidden: bot is not a member of the channel chat",
        "Forbidden: user is deactivated",
        "Forbidden: bot can't initiate conversation with a user",
    ],
)
async def test_forbidden_is_gone(telegram: Emulator, bot: Bot, text: str) -> None:
    telegram.inject(Fault("sendMessage", code=403, description=text))
    assert isinstance(await raised(bot.send_message(1, "hi")), Gone)


async def test_unchanged_message_is_not_modified(telegram: Emulator, bot: Bot) -> None:
    message = await bot.send_message(1, "hi")
    with pytest.raises(NotModified), as_bridge_errors():
        await bot.edit_message_text("hi", 1, message.message_id)


@pytest.mark.parametrize("seconds", [1, 60, 13938])
async def test_flood_says_how_long(telegram: Emulator, bot: Bot, seconds: int) -> None:
    telegram.inject(Fault("sendMessage", retry_after=seconds))
    error = await raised(bot.send_message(1, "hi"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


async def test_upgraded_group_says_where_it_went(telegram: Emulator, bot: Bot) -> None:
    ann = telegram.person(2)
    group = telegram.group("G", ann)
    new = await group.migrate(ann)
    error = await raised(bot.send_message(group.id, "hi"))
    assert isinstance(error, Moved)
    assert error.to == str(new.id)


async def test_wrong_token_is_for_the_operator(telegram: Emulator, bot: Bot) -> None:
    telegram.token = "7000000001:another"
    error = await raised(bot.send_message(1, "hi"))
    assert isinstance(error, Unauthorised)
    assert "token" in str(error)


async def test_second_poller_is_told_by_its_code(telegram: Emulator, bot: Bot) -> None:
    telegram.inject(Fault("getMe", code=409, description="Conflict: terminated by other"))
    error = await raised(bot.get_me())
    assert isinstance(error, Unreachable)
    assert error.code == 409


@pytest.mark.parametrize("code", [200, 500, 502, 504])
async def test_server_in_trouble_may_have_done_it(telegram: Emulator, bot: Bot, code: int) -> None:
    telegram.inject(Fault("sendMessage", code=code, html=BAD_GATEWAY))
    error = await raised(bot.send_message(1, "hi"))
    assert isinstance(error, Unreachable)
    assert error.happened


@pytest.mark.parametrize("drop", list(Drop))
async def test_lost_answer_may_have_happened(telegram: Emulator, bot: Bot, drop: Drop) -> None:
    telegram.inject(Fault("sendMessage", drop=drop))
    error = await raised(bot.send_message(1, "hi"))
    assert isinstance(error, Unreachable)
    assert error.happened


async def test_refused_connection_did_not_happen(telegram: Emulator, bot: Bot) -> None:
    await bot.get_me()
    async with telegram.outage():
        error = await raised(bot.send_message(1, "hi"))
    assert isinstance(error, Unreachable)
    assert not error.happened


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def bot_of(handler: Handler) -> AsyncIterator[RawBot]:
    """A bot whose server is this handler of raw connections."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bot = make_bot(telegram_settings(f"http://127.0.0.1:{port}"))
    try:
        yield bot
    finally:
        await bot.release()
        server.close()


async def test_connection_closed_after_the_request_may_have_happened() -> None:
    async def read_and_leave(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with bot_of(read_and_leave) as bot:
        error = await raised(bot.send_message(1, "hi"))
    assert isinstance(error, Unreachable)
    assert error.happened


async def test_silence_after_the_request_may_have_happened() -> None:
    quiet = asyncio.Event()

    async def read_and_wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await quiet.wait()

    async with bot_of(read_and_wait) as bot:
        error = await raised(bot.send_message(1, "hi", read_timeout=0.05))
        quiet.set()
    assert isinstance(error, Unreachable)
    assert error.happened


async def test_name_that_nobody_knows_did_not_happen() -> None:
    bot = make_bot(telegram_settings("http://telegram.invalid:9"))
    error = await raised(bot.send_message(1, "hi"))
    await bot.release()
    assert isinstance(error, Unreachable)
    assert not error.happened


async def test_call_that_found_no_free_connection_did_not_happen(telegram: Emulator) -> None:
    bot = make_bot(telegram_settings(telegram.url), connections=1)
    gate = telegram.hold("getMe", times=1)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bot.get_me())
        await gate.reached.wait()
        told = await raised(bot.send_message(1, "hi", pool_timeout=0.05))
        gate.open()
    assert first.done()
    await bot.release()
    assert isinstance(told, Unreachable)
    assert not told.happened


def test_missing_method_is_permanent() -> None:
    assert type(translated(error.EndPointNotFound("no such method"))) is Permanent


@pytest.mark.parametrize("answer", ["garbage", "HTTP/1.1 200 OK\r\nContent-Length: x"])
async def test_an_answer_that_is_no_http_does_not_tell_the_token(answer: str) -> None:
    """The library's words about it have the whole address, and this may stand in /readyz."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode() + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bot = make_bot(telegram_settings(f"http://127.0.0.1:{port}"))
        try:
            told = await raised(bot.get_me())
        finally:
            await bot.release()
    assert isinstance(told, Unreachable)
    assert TOKEN not in str(told)
