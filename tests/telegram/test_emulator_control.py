"""What other processes see of the emulator, and the second opinion on every request."""

import asyncio
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.telegram.emulator import Emulator, serve
from tests.telegram.emulator.clients import Raw, raw


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        emulator.person(1, "Ann").chat()
        yield emulator


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


async def post(api: Raw, name: str, **body: object) -> tuple[int, dict[str, object]]:
    async with api.http.post(f"/_emulator/{name}", json=body) as response:
        return response.status, await response.json()


async def test_load_generator_speaks_and_reads_what_was_answered(
    api: Raw, emulator: Emulator
) -> None:
    group = emulator.group("Friends", emulator.person(1))
    status, said = await post(api, "say", person=1, text="hi")
    assert (status, said["from_bot"]) == (200, False)
    await post(api, "say", person=2, chat=group.id, text="/help")
    assert len(await api.updates()) == 2

    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    sent = await api.message("sendMessage", chat_id=1, text="a", reply_markup=keyboard)
    await api.ok("editMessageText", chat_id=1, message_id=sent["message_id"], text="ab")
    async with api.http.get("/_emulator/state") as response:
        state = await response.json()
    (chat,) = [chat for chat in state["chats"] if chat["id"] == 1]
    assert [revision["text"] for revision in chat["messages"][-1]["history"]] == ["a", "ab"]
    assert state["calls"]["sendMessage"] == 1
    async with api.http.get("/_emulator/log?since=1") as response:
        methods = [call["method"] for call in (await response.json())["calls"]]
    assert methods == ["sendMessage", "editMessageText"]
    async with api.http.get("/_emulator/log?since=x") as response:
        assert response.status == 400


async def test_button_is_pressed_from_outside(api: Raw, emulator: Emulator) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    sent = await api.message("sendMessage", chat_id=1, text="a", reply_markup=keyboard)
    place = {"person": 1, "chat": 1, "message": sent["message_id"]}
    status, pressed = await post(api, "press", label="Go", **place)
    assert (status, pressed["query"]) == (200, next(iter(emulator.callbacks.all)))
    status, error = await post(api, "press", label="Stop", **place)
    assert status == 400
    assert "no button" in str(error["error"])


async def test_faults_limits_and_outages_are_ordered_from_outside(
    api: Raw, emulator: Emulator
) -> None:
    assert (await post(api, "faults", method="getMe", times=0, retry_after=3))[0] == 200
    assert (await api.call("getMe")).parameters == {"retry_after": 3}
    async with api.http.delete("/_emulator/faults") as response:
        assert response.status == 204
    await api.ok("getMe")

    assert (await post(api, "limits", private_burst=1))[0] == 200
    await api.ok("sendMessage", chat_id=1, text="a")
    assert (await api.call("sendMessage", chat_id=1, text="b")).status == 429
    await post(api, "limits", on=False)
    await api.ok("sendMessage", chat_id=1, text="b")

    assert (await post(api, "outage", seconds=60))[0] == 200
    await emulator.until(lambda it: not it.is_up)
    with pytest.raises(aiohttp.ClientConnectorError):
        await api.call("getMe")


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("say", {"person": 1}, "text"),
        ("say", {"person": "1", "text": "x"}, "person"),
        ("say", {"person": 1, "chat": -7, "text": "x"}, "no such group"),
        ("press", {"person": 1, "chat": 1, "message": 99}, "message"),
        ("faults", {"metod": "getMe"}, "metod"),
        ("faults", {"times": "2"}, "times"),
        ("faults", {"drop": "during"}, "during"),
        ("limits", {"per_hour": 1}, "per_hour"),
        ("limits", {"private_burst": "1"}, "private_burst"),
        ("outage", {}, "seconds"),
    ],
)
async def test_wrong_order_is_refused_with_a_reason(
    api: Raw, name: str, body: dict[str, object], reason: str
) -> None:
    status, answer = await post(api, name, **body)
    assert status == 400
    assert reason in str(answer["error"])


async def test_emulator_runs_in_a_process_of_its_own() -> None:
    command = (sys.executable, "-m", "tests.telegram.emulator", "--port", "0", "--limits")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        url, token = (await process.stdout.readline()).decode().split()
        async with aiohttp.ClientSession(url) as http:
            await Raw(http, token).ok("getMe")
            async with http.get("/_emulator/violations") as response:
                assert await response.json() == {"violations": []}
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


# The second opinion.

GOOD: list[tuple[str, dict[str, object]]] = [
    ("sendMessage", {"chat_id": 1, "text": "x"}),
    ("sendMessage", {"chat_id": "@daily", "text": "x"}),
    (
        "sendMessage",
        {
            "chat_id": 1,
            "text": "12345",
            "entities": [{"type": "pre", "offset": 0, "length": 1, "language": "py"}],
            "link_preview_options": {"is_disabled": True},
            "reply_parameters": {"message_id": 1, "allow_sending_without_reply": True},
            "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]},
        },
    ),
    ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": {"force_reply": True}}),
    ("editMessageText", {"chat_id": 1, "message_id": 1, "text": "x"}),
    ("sendMessageDraft", {"chat_id": 1, "draft_id": 1, "text": "", "can_stop": True}),
    ("getUpdates", {"offset": 1, "timeout": 0, "allowed_updates": ["message"]}),
    ("setMyCommands", {"commands": [], "scope": {"type": "default"}, "language_code": "zh"}),
]
BAD: list[tuple[str, dict[str, object], str]] = [
    ("sendMessage", {"chat_id": 1, "text": "x", "txt": "y"}, "sendMessage: txt: no such parameter"),
    ("sendMessage", {"chat_id": 1}, "sendMessage: text: Field required"),
    ("sendMessage", {"chat_id": [], "text": "x"}, "sendMessage: chat_id"),
    ("sendMessage", {"chat_id": 1, "text": 5}, "sendMessage: text: Input should be a valid string"),
    (
        "sendMessage",
        {"chat_id": 1, "text": "x", "entities": [{"type": "bold", "offset": "a", "length": 1}]},
        "sendMessage: entities.0.offset",
    ),
    (
        "sendMessage",
        {
            "chat_id": 1,
            "text": "x",
            "entities": [{"type": "bold", "offset": 0, "length": 1, "colour": "red"}],
        },
        "sendMessage: entities.0.colour: no such parameter",
    ),
    (
        "sendMessage",
        {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"txt": "a"}]]}},
        "sendMessage: reply_markup",
    ),
    ("editMessageText", {"chat_id": 1, "message_id": "one", "text": "x"}, "message_id"),
    ("sendMessageDraft", {"chat_id": 1, "text": "x"}, "draft_id: Field required"),
    ("sendChatAction", {"chat_id": 1, "action": "typing", "draft_id": 1}, "draft_id"),
    ("sendDice", {"chat_id": 1}, "sendDice: the emulator cannot do this"),
]


@pytest.mark.parametrize(("method", "params"), GOOD)
async def test_request_in_order_is_no_violation(
    api: Raw, emulator: Emulator, method: str, params: dict[str, object]
) -> None:
    await api.call(method, **params)
    assert emulator.violations == []


@pytest.mark.parametrize(("method", "params", "violation"), BAD)
async def test_violation_is_named(
    api: Raw, emulator: Emulator, method: str, params: dict[str, object], violation: str
) -> None:
    pytest.importorskip("aiogram", reason="the models to check against")
    await api.call(method, **params)
    assert violation in emulator.violations[0]


async def test_violation_hides_behind_no_form(api: Raw, emulator: Emulator) -> None:
    """In a form everything is a string, and JSON inside of one."""
    pytest.importorskip("aiogram", reason="the models to check against")
    good = {"chat_id": "1", "text": "5", "entities": '[{"type":"bold","offset":0,"length":1}]'}
    path = f"/bot{api.token}/sendMessage"
    async with api.http.post(path, data=good) as response:
        assert response.status == 200
    assert emulator.violations == []
    async with api.http.post(path, data=good | {"disable_notification": "maybe"}) as response:
        assert response.status == 200
    assert "disable_notification" in emulator.violations[0]
    async with api.http.post(path, data=good | {"entities": '[{"type":"bold"}]'}) as response:
        assert response.status == 400
    assert "entities.0.offset" in emulator.violations[1]


async def test_lenient_emulator_collects_nothing() -> None:
    async with serve(Emulator(strict=False)) as emulator, raw(emulator) as api:
        emulator.person(1).chat()
        await api.ok("sendMessage", chat_id=1, text="x", txt="y")
        assert emulator.violations == []
