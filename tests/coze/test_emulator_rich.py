"""What the emulator does beyond text, as anybody's client sees it."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, Scenario, ToolCall, serve
from bridge.emulator.picture import picture
from bridge.emulator.sound import spoken


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        yield session


def form(name: str, content: bytes) -> aiohttp.FormData:
    made = aiohttp.FormData(quote_fields=False)
    made.add_field("file", io.BytesIO(content), filename=name)
    return made


async def upload(http: aiohttp.ClientSession, name: str, content: bytes) -> str:
    async with http.post("/v1/files/upload", data=form(name, content)) as response:
        return str((await response.json())["data"]["id"])


async def ask(http: aiohttp.ClientSession, content: object, **more: object) -> Any:
    """Ask, and return the envelope, or the events as pairs of name and data."""
    is_text = isinstance(content, str)
    message = {
        "role": "user",
        "content": content if is_text else json.dumps(content),
        "content_type": "text" if is_text else "object_string",
    }
    body = {"bot_id": DEMO_BOT_ID, "user_id": "u1", "stream": True, **more}
    async with http.post("/v3/chat", json={**body, "additional_messages": [message]}) as response:
        if response.content_type == "application/json":
            return await response.json()
        frames = (await response.text()).strip().split("\n\n")
    pairs = [frame.split("\n") for frame in frames]
    return [(name.removeprefix("event:"), json.loads(data[5:])) for name, data in pairs]


async def test_what_was_uploaded_can_be_had_back(http: aiohttp.ClientSession) -> None:
    content = bytes(range(256)) * 20_000  # more than is kept in memory
    file_id = await upload(http, "冬 天.bmp", content)
    async with http.get(f"/_emulator/files/{file_id}") as response:
        assert await response.read() == content
        assert response.headers["x-file-name"] == "%E5%86%AC%20%E5%A4%A9.bmp"
    async with http.get("/_emulator/files/1") as response:
        assert response.status == 404


async def test_the_picture_is_a_picture(http: aiohttp.ClientSession) -> None:
    async with http.get("/_emulator/bridge.png") as response:
        assert response.content_type == "image/png"
        assert await response.read() == picture()


@pytest.mark.parametrize(
    "params",
    [
        {"latitude": "91", "longitude": "0"},
        {"latitude": "north", "longitude": "0"},
        {"latitude": "nan", "longitude": "0"},
        {"altitude": "1"},
    ],
)
async def test_extra_params_are_a_position(
    http: aiohttp.ClientSession, params: dict[str, str]
) -> None:
    assert (await ask(http, "hi", extra_params=params))["code"] == 4000


async def test_a_file_must_be_what_it_is_called(http: aiohttp.ClientSession) -> None:
    pdf = await upload(http, "a.pdf", b"%PDF")
    text = {"type": "text", "text": "look"}
    assert (await ask(http, [text, {"type": "image", "file_id": pdf}]))["code"] == 4000
    assert (await ask(http, [text, {"type": "file", "file_id": "123"}]))["code"] == 4200
    assert (await ask(http, [text, {"type": "file", "file_id": "x"}]))["code"] == 4200
    events = await ask(http, [text, {"type": "file", "file_url": "https://example.org/a.pdf"}])
    assert "https://example.org/a.pdf" in str(events)


async def test_without_cards_options_are_text(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    emulator.install(Scenario(reply="Where to?", needs_reply=True, options=("Rome", "Paris")))
    told = dict(await ask(http, "go"))
    whole = told["conversation.message.completed"]
    assert (whole["content"], whole["content_type"]) == ("Where to?\nA. Rome\nB. Paris", "text")
    told = dict(await ask(http, "go", enable_card=True))
    assert told["conversation.message.completed"]["content_type"] == "card"
    assert "conversation.message.delta" not in told


async def test_tools_of_the_agent_leave_a_call_and_a_response(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    emulator.install(Scenario(uses=(ToolCall("search", '{"q":"tea"}'),), reply="Found."))
    told = [
        data["type"]
        for name, data in await ask(http, "go")
        if name.endswith("completed") and "type" in data
    ]
    assert told == ["function_call", "tool_response", "answer", "verbose"]


@pytest.mark.parametrize(
    ("name", "size", "code"), [("a.ogg", 0, 4300), ("a.png", 1, 4303), ("a.ogg", 10_485_761, 4302)]
)
async def test_recordings_have_limits(
    http: aiohttp.ClientSession, name: str, size: int, code: int
) -> None:
    async with http.post("/v1/audio/transcriptions", data=form(name, bytes(size))) as response:
        assert (await response.json())["code"] == code


@pytest.mark.parametrize(
    ("kind", "mime", "magic"),
    [
        ("ogg_opus", "audio/ogg", b"OggS"),
        ("wav", "audio/wav", b"RIFF"),
        ("pcm", "audio/pcm", b"\0\0"),
        ("mp3", "audio/mpeg", b"\xff\xfb"),
    ],
)
async def test_speech_comes_in_every_format(
    http: aiohttp.ClientSession, kind: str, mime: str, magic: bytes
) -> None:
    body = {"input": "hello", "voice_id": "1", "response_format": kind}
    async with http.post("/v1/audio/speech", json=body) as response:
        assert response.content_type == mime
        assert (await response.read()).startswith(magic)


def test_speech_is_as_long_as_its_text() -> None:
    assert len(spoken("one two three four", "pcm")[0]) == 2 * len(spoken("one two", "pcm")[0])


async def test_opinions_are_in_the_log(http: aiohttp.ClientSession, emulator: Emulator) -> None:
    events = await ask(http, "12*7")
    said = next(data for _, data in events if data.get("type") == "answer" and "84" in str(data))
    path = f"/v1/conversations/{said['conversation_id']}/messages/{said['id']}/feedback"
    await http.post(path, json={"feedback_type": "unlike", "comment": "wrong"})
    await http.delete(path)
    async with http.get("/_emulator/log") as response:
        opinions = (await response.json())["opinions"]
    assert [each["message_id"] for each in opinions] == [said["id"]] * 2
    assert opinions[0]["feedback"]["comment"] == "wrong"
    assert opinions[1]["feedback"] is None
