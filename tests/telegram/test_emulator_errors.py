"""What the Bot API refuses, in its own words."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.platforms.budgets import Clock
from tests.telegram.emulator import Emulator, serve
from tests.telegram.emulator.clients import Raw, raw

EMOJI = "😀"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(clock=clock)) as emulator:
        emulator.person(1, "Ann").chat()
        yield emulator


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/bot7000000001:AAwrong/getMe", 401, "Unauthorized"),
        ("/botnonsense/getMe", 404, "Not Found"),
        ("/bot:/getMe", 404, "Not Found"),
    ],
)
async def test_wrong_token_is_told_from_a_malformed_one(
    emulator: Emulator, path: str, status: int, description: str
) -> None:
    async with aiohttp.ClientSession(emulator.url) as http, http.get(path) as response:
        assert response.status == status
        assert await response.json() == {
            "ok": False,
            "error_code": status,
            "description": description,
        }


async def test_method_nobody_knows_is_404(api: Raw, emulator: Emulator) -> None:
    answer = await api.call("sendMassage")
    assert (answer.status, answer.description) == (404, "Not Found: method not found")
    emulator.lacks.add("sendMessageDraft")
    answer = await api.call("sendMessageDraft", chat_id=1, draft_id=1, text="x")
    assert answer.status == 404


async def test_method_and_body_come_in_any_shape(api: Raw, emulator: Emulator) -> None:
    path = f"/bot{emulator.token}/SENDMESSAGE"
    form = {"chat_id": "1", "text": "a b+c&d=é 中文😀"}
    multipart = aiohttp.FormData(form, default_to_multipart=True)
    ask = api.http
    async with ask.get(path, params=form) as one, ask.post(path, data=form) as two:
        assert (one.status, two.status) == (200, 200)
    async with ask.post(path, data=multipart) as one, ask.post(path, json=form) as two:
        assert (one.status, two.status) == (200, 200)
    texts = [message.text for message in emulator.person(1).chat().answers]
    assert texts == ["a b+c&d=é 中文😀"] * 4
    assert emulator.violations == []


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"{", "Bad Request: can't parse JSON in the request body"),
        (b"[]", "Bad Request: JSON in the request body must be an Object"),
    ],
)
async def test_broken_body_is_refused(api: Raw, body: bytes, description: str) -> None:
    kind = {"Content-Type": "application/json"}
    async with api.http.post(f"/bot{api.token}/sendMessage", data=body, headers=kind) as response:
        assert response.status == 400
        assert (await response.json())["description"] == description


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 99, "text": "x"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ({"chat_id": "²", "text": "x"}, "chat not found"),
        ({"chat_id": "1x", "text": "x"}, "chat not found"),
        ({"chat_id": 1}, "message text is empty"),
        ({"chat_id": 1, "text": ""}, "message text is empty"),
        ({"chat_id": 1, "text": " \n "}, "text must be non-empty"),
        ({"chat_id": 1, "text": "x" * 4097}, "message is too long"),
        ({"chat_id": 1, "text": EMOJI * 2049}, "message is too long"),
        ({"chat_id": 1, "text": "x", "parse_mode": "rtf"}, "unsupported parse_mode"),
        ({"chat_id": 1, "text": "x", "message_thread_id": 5}, "message thread not found"),
        (
            {"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 5}},
            "message to be replied not found",
        ),
        ({"chat_id": 1, "text": "x", "reply_to_message_id": 5}, "message to be replied not found"),
    ],
)
async def test_message_is_refused(api: Raw, params: dict[str, object], description: str) -> None:
    assert await api.error("sendMessage", **params) == f"Bad Request: {description}"


async def test_longest_text_is_counted_in_utf16_after_trimming(api: Raw) -> None:
    sent = await api.message("sendMessage", chat_id=1, text=f"  {EMOJI * 2048}\n")
    assert sent["text"] == EMOJI * 2048


@pytest.mark.parametrize(
    ("entity", "description"),
    [
        (
            {"type": "bold", "offset": 0, "length": 6},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 6",
        ),
        (
            {"type": "bold", "offset": 5, "length": 1},
            "entity begins after the end of the text at UTF-16 offset 5",
        ),
        (
            {"type": "bold", "offset": 2, "length": 3},
            "entity begins in a middle of a UTF-16 symbol at byte offset 2",
        ),
        (
            {"type": "bold", "offset": 0, "length": 2},
            "entity ends in a middle of a UTF-16 symbol at byte offset 2",
        ),
        ({"type": "bold", "offset": -1, "length": 2}, "receive an entity with incorrect offset -1"),
        (
            {"type": "bald", "offset": 0, "length": 1},
            "can't parse MessageEntity: Unsupported type specified",
        ),
        (
            {"type": "bold", "length": 1},
            "can't parse MessageEntity: Field 'offset' must be of type Number",
        ),
        (
            {"type": "text_link", "offset": 0, "length": 1},
            "can't parse MessageEntity: Can't find field 'url'",
        ),
    ],
)
async def test_entity_is_refused(api: Raw, entity: dict[str, object], description: str) -> None:
    text = f"a{EMOJI}bc"  # five units; the emoji has those at 1 and 2
    found = await api.error("sendMessage", chat_id=1, text=text, entities=[entity])
    assert found == f"Bad Request: {description}"


async def test_entities_beyond_a_hundred_are_ignored(api: Raw) -> None:
    entities = [{"type": "bold", "offset": 2 * n, "length": 1} for n in range(120)]
    sent = await api.message("sendMessage", chat_id=1, text="x " * 120, entities=entities)
    assert sent["entities"] == entities[:100]


async def test_links_found_in_a_text_take_no_place_of_a_given_entity(api: Raw) -> None:
    entities = [{"type": "bold", "offset": 6 + 2 * n, "length": 1} for n in range(100)]
    text = "/help " + "x " * 100
    sent = await api.message("sendMessage", chat_id=1, text=text, entities=entities)
    assert sent["entities"] == entities
    sent = await api.message("sendMessage", chat_id=1, text=text, entities=entities[:5])
    command = {"type": "bot_command", "offset": 0, "length": 5}
    assert sent["entities"] == [command, *entities[:5]]


async def test_entities_move_with_the_trimmed_text(api: Raw) -> None:
    entities = [{"type": "bold", "offset": 0, "length": 4}, {"type": "mention", "offset": 0}]
    sent = await api.message("sendMessage", chat_id=1, text="  ab  ", entities=entities)
    assert sent["text"] == "ab"
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 2}]


async def test_html_becomes_entities_and_markdown_is_refused(api: Raw) -> None:
    html = "<b>1 &lt; 2</b> <a href='https://x.example/?a&amp;b'>x</a>"
    sent = await api.message("sendMessage", chat_id=1, text=html, parse_mode="HTML")
    assert sent["text"] == "1 < 2 x"
    assert sent["entities"] == [
        {"type": "bold", "offset": 0, "length": 5},
        {"type": "text_link", "offset": 6, "length": 1, "url": "https://x.example/?a&b"},
    ]
    for broken in ("<b>x", "x</b>", "<think>x</think>", "1 < 2"):
        found = await api.error("sendMessage", chat_id=1, text=broken, parse_mode="HTML")
        assert found.startswith("Bad Request: can't parse entities: ")
    found = await api.error("sendMessage", chat_id=1, text="*x*", parse_mode="MarkdownV2")
    assert "no Markdown" in found


@pytest.mark.parametrize(
    ("button", "description"),
    [
        ({"text": "x", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        (
            {"text": "x"},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ({"callback_data": "x"}, "can't parse inline keyboard button: Can't find field \"text\""),
        (
            {"text": "x", "url": "file:///etc"},
            "inline keyboard button URL 'file:///etc' is invalid: Unsupported URL protocol",
        ),
    ],
)
async def test_button_is_refused(api: Raw, button: dict[str, object], description: str) -> None:
    markup = {"inline_keyboard": [[button]]}
    found = await api.error("sendMessage", chat_id=1, text="x", reply_markup=markup)
    assert found == f"Bad Request: {description}"


async def test_keyboard_of_more_than_a_hundred_buttons_is_refused(api: Raw) -> None:
    row = [{"text": "x", "callback_data": "é" * 32}]
    keyboard = {"inline_keyboard": [row] * 101}
    found = await api.error("sendMessage", chat_id=1, text="x", reply_markup=keyboard)
    assert found == "Bad Request: reply markup is too long"
    keyboard = {"inline_keyboard": [row] * 100}
    await api.ok("sendMessage", chat_id=1, text="x", reply_markup=keyboard)


async def test_query_is_too_old_after_a_minute(api: Raw, emulator: Emulator, clock: Clock) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    await api.ok("sendMessage", chat_id=1, text="x", reply_markup=keyboard)
    query = await emulator.person(1).chat().answers[0].press("Go")
    clock.move(61)
    for query_id in (query, "17"):
        found = await api.error("answerCallbackQuery", callback_query_id=query_id)
        assert found == (
            "Bad Request: query is too old and response timeout expired or query ID is invalid"
        )


async def test_draft_is_refused_outside_private_chats_and_without_a_number(
    api: Raw, emulator: Emulator
) -> None:
    group = emulator.group("Friends")
    found = await api.error("sendMessageDraft", chat_id=group.id, draft_id=1, text="x")
    assert found == "Bad Request: TEXTDRAFT_PEER_INVALID"
    assert (await api.call("sendMessageDraft", chat_id=1, draft_id=0, text="x")).status == 400
    assert (await api.call("sendMessageDraft", chat_id=1, draft_id=1, text="")).status == 200


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        ("sendChatAction", {"chat_id": 1, "action": "sing"}, "wrong parameter action in request"),
        ("getFile", {"file_id": "no"}, "wrong file_id or the file is temporarily unavailable"),
        ("getFile", {}, "file_id not specified"),
        ("sendPhoto", {"chat_id": 1}, "there is no photo in the request"),
        (
            "setMyCommands",
            {"commands": [{"command": "New", "description": "x"}]},
            "BOT_COMMAND_INVALID",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "new", "description": ""}]},
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "new", "description": "x"}] * 101},
            "BOT_COMMANDS_TOO_MUCH",
        ),
        (
            "getMyCommands",
            {"scope": {"type": "chat"}},
            "can't parse BotCommandScope: Can't find field \"chat_id\"",
        ),
        (
            "setMessageReaction",
            {"chat_id": 1, "message_id": 9, "reaction": []},
            "message to react not found",
        ),
        ("getChatMember", {"chat_id": 1, "user_id": 77}, "PARTICIPANT_ID_INVALID"),
        (
            "setWebhook",
            {"url": "http://bot.example/"},
            "bad webhook: An HTTPS URL must be provided for webhook",
        ),
        (
            "setWebhook",
            {"url": "https://bot.example:8000/"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        (
            "setWebhook",
            {"url": "https://bot.example/", "secret_token": "a b"},
            "secret token contains unallowed characters",
        ),
    ],
)
async def test_call_is_refused(
    api: Raw, method: str, params: dict[str, object], description: str
) -> None:
    assert await api.error(method, **params) == f"Bad Request: {description}"


async def test_reaction_is_one_of_those_bots_have(api: Raw, emulator: Emulator) -> None:
    said = await emulator.person(1).chat().say("hi")
    place = {"chat_id": 1, "message_id": said.id}
    wrong = [{"type": "emoji", "emoji": "🦖"}]
    found = await api.error("setMessageReaction", reaction=wrong, **place)
    assert found == "Bad Request: REACTION_INVALID"
    await api.ok("setMessageReaction", reaction=[{"type": "emoji", "emoji": "❤️"}], **place)
    assert said.reaction == "❤"
    await api.ok("setMessageReaction", **place)
    assert said.reaction == ""
