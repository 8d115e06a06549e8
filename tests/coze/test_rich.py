"""Files and speech: the agent against the emulator."""

import asyncio
import hashlib
import json
import shutil
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich_asking import SETTINGS, agent, asked, emulator, text_of, told

from bridge.coze import Chatflow, CozeAgent, CozeClient, Pat
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    Drop,
    Emulator,
    Quirk,
    Scenario,
    Trouble,
)
from bridge.errors import Gone, Permanent, Rejected, Transient, Unauthorised, Unreachable
from bridge.events import Place
from bridge.testing.wire_server import Gate, reply, response, stream, wire_server
from bridge.upstream import Agent, Finished, Part, PartKind, Question, Sounded, Spoken, Upload

__all__ = ["agent", "emulator"]

PIECE = bytes(range(256)) * 256  # 64 KiB


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


def file(name: str, content: bytes) -> Upload:
    return Upload(name, pieces(content), len(content))


# --- files


async def test_a_file_arrives_byte_for_byte(agent: CozeAgent, emulator: Emulator) -> None:
    content = b"\r\n--\x00\xff" * 1000
    file_id = await agent.upload(file("a b.png", content))
    stored = emulator.files.all[file_id]
    assert (stored.content, stored.name) == (content, "a b.png")


async def test_a_large_file_is_never_held(agent: CozeAgent, emulator: Emulator) -> None:
    count = 640  # 40 MiB
    digest = hashlib.sha256(PIECE * count).hexdigest()

    async def content() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield PIECE

    tracemalloc.start()
    try:
        file_id = await agent.upload(Upload("film.mp4", content()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * 1024 * 1024
    assert emulator.files.all[file_id].size == count * len(PIECE)
    assert emulator.files.all[file_id].sha256 == digest


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (file("a.png", b""), 4300),
        (Upload("a.png", pieces()), 4300),
        (Upload("a.mp4", pieces(), 512 * 1024 * 1024 + 1), 4302),
        (file("notes.txt", b"x"), 4303),
        (file("a", b"x"), 4303),
    ],
)
async def test_a_file_that_coze_does_not_take_is_rejected(
    agent: CozeAgent, emulator: Emulator, upload: Upload, code: int
) -> None:
    with pytest.raises(Rejected) as caught:
        await agent.upload(upload)
    assert caught.value.code == code
    assert emulator.files.all == {}


@pytest.mark.parametrize("count", [1, 320])
async def test_a_gateway_may_refuse_a_file_before_it_has_read_it(
    agent: CozeAgent, emulator: Emulator, count: int
) -> None:
    page = Trouble(0, "", 413, raw="<html>")
    emulator.install(Scenario(endpoint="/v1/files/upload", refuse=page))
    with pytest.raises(Rejected):
        await agent.upload(Upload("a.png", pieces(*[PIECE] * count), count * len(PIECE)))


async def test_an_upload_is_never_repeated_by_itself(agent: CozeAgent, emulator: Emulator) -> None:
    emulator.install(Scenario(endpoint="/v1/files/upload", times=1, refuse=Trouble(4009, "busy")))
    with pytest.raises(Transient) as caught:
        await agent.upload(file("a.png", b"x"))
    assert caught.value.code == 4009
    assert emulator.calls["POST /v1/files/upload"] == 1
    assert await agent.upload(file("a.png", b"x"))


async def test_a_lost_upload_is_transient(agent: CozeAgent, emulator: Emulator) -> None:
    emulator.install(Scenario(endpoint="/v1/files/upload", times=1, drop=Drop.ASKED))
    with pytest.raises(Unreachable):
        await agent.upload(file("a.png", b"x"))


class Rotating:
    """Credentials whose first token has expired."""

    def __init__(self) -> None:
        self.now = "pat_old"

    async def token(self) -> str:
        return self.now

    async def refused(self, token: str) -> bool:
        self.now = DEMO_TOKEN
        return token == "pat_old"

    def of(self, uid: str) -> "Rotating":
        return self


async def test_an_upload_with_an_expired_token_may_be_read_again(emulator: Emulator) -> None:
    async with CozeClient(emulator.url, Rotating(), SETTINGS) as client:
        agent = CozeAgent(client, bot_id=DEMO_BOT_ID)
        with pytest.raises(Transient):
            await agent.upload(file("a.png", b"x"))
        assert await agent.upload(file("a.png", b"x"))


async def test_a_wrong_token_is_not_transient(emulator: Emulator) -> None:
    async with CozeClient(emulator.url, Pat("pat_wrong"), SETTINGS) as client:
        with pytest.raises(Unauthorised):
            await CozeAgent(client, bot_id=DEMO_BOT_ID).upload(file("a.png", b"x"))


async def test_an_album_is_one_question(agent: CozeAgent, emulator: Emulator) -> None:
    ids = [await agent.upload(file(f"{number}.jpg", b"x")) for number in range(3)]
    events = await asked(agent, "look", *(Part(PartKind.IMAGE, each) for each in ids))
    assert emulator.asked[0].files == tuple(("image", each) for each in ids)
    assert emulator.asked[0].text == "look"
    assert all(f"`{number}.jpg`, a picture, 1 bytes" in text_of(events) for number in range(3))


@pytest.mark.parametrize("kind", [PartKind.IMAGE, PartKind.AUDIO])
async def test_a_file_that_is_not_what_it_is_called_is_refused(
    agent: CozeAgent, emulator: Emulator, kind: PartKind
) -> None:
    file_id = await agent.upload(file("a.pdf", b"x"))
    with pytest.raises(Permanent):
        await asked(agent, "look", Part(kind, file_id))
    with pytest.raises(Gone):
        await asked(agent, "look", Part(PartKind.FILE, "7400000000000000001"))
    assert emulator.asked == []


async def test_a_position_reaches_bot_and_chatflow(agent: CozeAgent, emulator: Emulator) -> None:
    place = Place(41.9, 12.5)
    flow = Chatflow(agent._client, workflow_id=DEMO_WORKFLOW_ID, app_id=DEMO_APP_ID)
    for each in (agent, flow):
        events = await told(each, Question("u1", await each.begin(), "here", "m", place=place))
        assert "41.9000, 12.5000" in text_of(events)
    position = {"latitude": "41.900000", "longitude": "12.500000"}
    assert [one.extra for one in emulator.asked] == [position, {"user_id": "u1", **position}]


# --- speech


async def test_a_recording_is_written_down(agent: CozeAgent, emulator: Emulator) -> None:
    emulator.audio.transcripts.append(" hello \x00")
    assert await agent.transcribe(file("voice.oga.ogg", b"OggS")) == "hello"
    assert "4 bytes" in await agent.transcribe(file("voice.ogg", b"OggS"))
    assert [each.content for each in emulator.audio.recordings] == [b"OggS", b"OggS"]


async def test_a_recording_that_is_too_long_is_rejected_unread(
    agent: CozeAgent, emulator: Emulator
) -> None:
    with pytest.raises(Rejected):
        await agent.transcribe(Upload("a.ogg", pieces(), 10 * 1024 * 1024 + 1))
    assert emulator.calls["POST /v1/audio/transcriptions"] == 0
    with pytest.raises(Rejected):
        await agent.transcribe(Upload("a.ogg", pieces(*[PIECE] * 161)))


async def heard(agent: Agent, text: str = "Hello there") -> bytes:
    async with agent.speak(text, "voice-1") as sound:
        return b"".join([piece async for piece in sound])


async def test_a_text_is_read_aloud_as_ogg_opus(agent: CozeAgent, emulator: Emulator) -> None:
    assert (await heard(agent)).startswith(b"OggS")
    assert emulator.audio.spoken == [("Hello there", "voice-1", "ogg_opus")]


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="needs ffprobe")
async def test_what_is_read_aloud_plays(agent: CozeAgent, tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_bytes(await heard(agent, "five words are one second"))
    probe = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format"),
        str(tmp_path / "a.ogg"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await probe.communicate()
    shown = json.loads(output)
    assert complaints == b""
    assert shown["streams"][0]["codec_name"] == "opus"
    assert 0.9 < float(shown["format"]["duration"]) < 1.2


async def test_speech_can_be_refused_by_code(agent: CozeAgent) -> None:
    with pytest.raises(Permanent) as caught:
        await heard(agent, "x" * 1025)
    assert caught.value.code == 4000
    assert caught.value.logid


@pytest.mark.parametrize("kind", ["application/json", "audio/ogg", ""])
async def test_a_json_error_is_no_sound_whatever_it_calls_itself(kind: str) -> None:
    body = json.dumps({"code": 4008, "msg": "daily limit"}).encode()
    async with wire_server() as server, CozeClient(server.url, Pat("pat_x"), SETTINGS) as client:
        server.plays(response(body, kind=kind), reply({"code": 0}), response(b"", kind="audio/ogg"))
        agent = CozeAgent(client, bot_id="b1")
        with pytest.raises(Permanent) as caught:
            await heard(agent)
        assert caught.value.code == 4008
        for _ in range(2):
            with pytest.raises(Unreachable):
                await heard(agent)


async def test_speech_that_is_cut_is_unreachable() -> None:
    async with wire_server() as server, CozeClient(server.url, Pat("pat_x"), SETTINGS) as client:
        server.plays(stream(b"OggS", kind="audio/ogg", hang_up=True, end=False))
        with pytest.raises(Unreachable):
            await heard(CozeAgent(client, bot_id="b1"))


@pytest.mark.parametrize("name", ["voice.ogg", "voice.wav"])
@pytest.mark.parametrize("quirk", [None, Quirk.LATE_AUDIO])
async def test_a_spoken_question_is_answered_in_text_and_sound(
    agent: CozeAgent, emulator: Emulator, name: str, quirk: Quirk | None
) -> None:
    emulator.install(Scenario(reply="One two.", quirks=frozenset([quirk] if quirk else ())))
    file_id = await agent.upload(file(name, b"OggS"))
    events = await asked(agent, "", Part(PartKind.AUDIO, file_id))
    sounds = [event.sound for event in events if isinstance(event, Sounded)]
    assert text_of(events) == "One two."
    assert isinstance(events[-1], Finished)
    if name.endswith("ogg"):
        assert len(sounds) == 42  # two words, 21 packets each
    else:
        assert sum(map(len, sounds)) == 2 * 21 * 480  # of 10 ms, 240 samples of 2 bytes


async def test_last_sounds_are_not_waited_for_without_end() -> None:
    def frame(event: str, **data: object) -> bytes:
        return f"event:{event}\ndata:{json.dumps(data)}\n\n".encode()

    walk = (
        frame("conversation.chat.created", id="t1", conversation_id="c1"),
        frame("conversation.message.completed", id="m1", type="answer", content="Hi"),
        frame("conversation.audio.delta", content="T3Bz"),
        frame("conversation.chat.completed", id="t1"),
    )
    late = frame("conversation.audio.delta", content="bGF0ZQ==")
    question = Question("u1", "c1", "", "m", parts=(Part(PartKind.AUDIO, "7"),))
    async with wire_server() as server, CozeClient(server.url, Pat("pat_x"), SETTINGS) as client:
        server.plays(stream(*walk, late, Gate()))
        async with asyncio.timeout(5):
            events = await told(CozeAgent(client, bot_id="b1"), question)
    assert events[-3:] == [Spoken(), Sounded(b"late"), Finished(None)]
    assert Sounded(b"Ops") in events
