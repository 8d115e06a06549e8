"""Files, speech, tools, ratings and names: the agent against the emulator."""

import asyncio
import hashlib
import json
import shutil
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.coze import Chatflow, ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    Cut,
    Drop,
    Emulator,
    Quirk,
    Scenario,
    ToolCall,
    Trouble,
    serve,
)
from bridge.errors import Gone, Permanent, Rejected, Transient, Unauthorised, Unreachable
from bridge.events import Place
from bridge.testing.wire_server import Gate, reply, response, stream, wire_server
from bridge.upstream import (
    Agent,
    AnswerEvent,
    Delta,
    Finished,
    Needs,
    Over,
    Part,
    PartKind,
    Question,
    Rating,
    Running,
    Said,
    Sounded,
    Spoken,
    Started,
    ToolOutput,
    Trace,
    Upload,
    Using,
)

SETTINGS = ClientSettings(idle_timeout=2.0, retry_wait=0.001)
PIECE = bytes(range(256)) * 256  # 64 KiB


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


def file(name: str, content: bytes) -> Upload:
    return Upload(name, pieces(content), len(content))


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def agent(emulator: Emulator) -> AsyncIterator[CozeAgent]:
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), SETTINGS) as client:
        yield CozeAgent(client, bot_id=DEMO_BOT_ID)


async def told(agent: Agent, question: Question) -> list[AnswerEvent]:
    async with agent.ask(question) as events:
        return [event async for event in events]


async def asked(agent: Agent, text: str = "hi", *parts: Part) -> list[AnswerEvent]:
    return await told(agent, Question("u1", await agent.begin(), text, "m-1", parts=parts))


async def submitted(agent: Agent, trace: Trace, *outputs: ToolOutput) -> list[AnswerEvent]:
    async with agent.submit(trace, outputs) as events:
        return [event async for event in events]


def trace_of(events: list[AnswerEvent]) -> Trace:
    started = events[0]
    assert isinstance(started, Started)
    return Trace(started.conversation_id, started.chat_id)


def text_of(events: list[AnswerEvent]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Said))


def needs(events: list[AnswerEvent]) -> Needs:
    last = events[-1]
    assert isinstance(last, Needs)
    return last


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


# --- tools

RAIN = ToolCall("get_rain", '{"city":"Rome"}')
WIND = ToolCall("get_wind", '{"city":"Rome"}')
TIDE = ToolCall("get_tide", "{}")


async def test_a_tool_of_its_own_is_told_while_it_is_used(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(uses=(ToolCall("search_web", '{"q":"SECRET"}'),), reply="Found."))
    events = await asked(agent)
    assert events[1] == Using("search_web")
    assert "SECRET" not in repr(events)


async def test_two_calls_and_a_second_step_are_one_answer(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN, WIND), next_tools=((TIDE,),), reply="Stay in."))
    first = await asked(agent)
    rain, wind = needs(first).calls
    assert [(each.name, each.arguments) for each in (rain, wind)] == [
        ("get_rain", '{"city":"Rome"}'),
        ("get_wind", '{"city":"Rome"}'),
    ]
    trace = trace_of(first)
    outputs = ToolOutput(wind.id, "strong"), ToolOutput(rain.id, "80%")
    second = await submitted(agent, trace, *outputs)
    (tide,) = needs(second).calls
    assert [type(event) for event in second] == [Using, Needs]
    third = await submitted(agent, trace, ToolOutput(tide.id, "high"))
    assert text_of(third) == "Stay in."
    assert third[-2:] == [Spoken(), third[-1]]
    assert isinstance(third[-1], Finished)
    assert not any(isinstance(event, Started) for event in (*second, *third))
    assert emulator.asked[0].outputs == (
        ("get_rain", "80%"),
        ("get_wind", "strong"),
        ("get_tide", "high"),
    )


async def test_an_agent_may_speak_before_it_asks_for_tools(agent: CozeAgent) -> None:
    first = await asked(agent, "what time is it?")
    (call,) = needs(first).calls
    assert text_of(first) == "Let me look at the sundial."
    second = await submitted(agent, trace_of(first), ToolOutput(call.id, '{"time": "12:00"}'))
    ids = [event.message_id for event in (*first, *second) if isinstance(event, Said)]
    assert len(set(ids)) == 2
    assert "12:00" in text_of(second)


async def test_what_waits_for_tools_can_be_looked_up_and_gone_on_with(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN,), reply="Rain."))
    question = Question("u1", await agent.begin(), "?", "m-1")
    first = await told(agent, question)
    trace = await agent.find(question.conversation_id, "m-1")
    assert trace == trace_of(first)
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert outcome.events[-1] == needs(first)
    call = needs(first).calls[0]
    assert text_of(await submitted(agent, trace, ToolOutput(call.id, "80%"))) == "Rain."


async def test_handing_in_twice_is_a_stream_that_was_lost(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN,), next_tools=((TIDE,),), reply="Rain."))
    first = await asked(agent)
    trace, call = trace_of(first), needs(first).calls[0]
    second = await submitted(agent, trace, ToolOutput(call.id, "80%"))
    with pytest.raises(Unreachable) as caught:  # it waits, but for something else
        await submitted(agent, trace, ToolOutput(call.id, "80%"))
    assert caught.value.happened
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert outcome.events[-1] == needs(second)
    await submitted(agent, trace, ToolOutput(needs(second).calls[0].id, "high"))
    with pytest.raises(Unreachable) as caught:
        await submitted(agent, trace, ToolOutput(call.id, "80%"))
    assert caught.value.happened
    outcome = await agent.outcome(trace)
    assert isinstance(outcome, Over)
    assert text_of(list(outcome.events)) == "Rain."
    assert [each[1] for each in emulator.asked[0].outputs] == ["80%", "high"]


async def test_outputs_that_are_refused_while_they_are_awaited_say_why(
    agent: CozeAgent, emulator: Emulator
) -> None:
    first = await asked(agent, "what time is it?")
    emulator.install(
        Scenario(endpoint="/v3/chat/submit_tool_outputs", refuse=Trouble(4105, "sensitive"))
    )
    with pytest.raises(Rejected):
        await submitted(agent, trace_of(first), ToolOutput(needs(first).calls[0].id, "80%"))


@pytest.mark.parametrize("drop", [Drop.UNASKED, Drop.ASKED])
async def test_outputs_lost_on_the_way_are_handed_in_once(
    agent: CozeAgent, emulator: Emulator, drop: Drop
) -> None:
    first = await asked(agent, "what time is it?")
    trace, output = trace_of(first), ToolOutput(needs(first).calls[0].id, "noon")
    emulator.install(Scenario(endpoint="/v3/chat/submit_tool_outputs", times=1, drop=drop))
    with pytest.raises(Unreachable) as caught:
        await submitted(agent, trace, output)
    assert caught.value.happened
    if drop is Drop.ASKED:  # the chat tells that it went on
        await emulator.until(lambda e: e.asked[0].status == "completed")
        over = await agent.outcome(trace)
        assert isinstance(over, Over)
        assert "noon" in text_of(list(over.events))
    else:  # and else that it still waits
        over = await agent.outcome(trace)
        assert isinstance(over, Over)
        assert over.events[-1] == needs(first)
        assert "noon" in text_of(await submitted(agent, trace, output))
    assert len(emulator.asked[0].outputs) == 1


async def test_a_stream_cut_after_the_outputs_is_looked_up(
    agent: CozeAgent, emulator: Emulator
) -> None:
    emulator.install(Scenario(tools=(RAIN,), reply="Rain all day.", cut=Cut.ABRUPT, cut_after=1))
    first = await asked(agent)
    trace = trace_of(first)
    events: list[AnswerEvent] = []
    async with agent.submit(trace, [ToolOutput(needs(first).calls[0].id, "80%")]) as walk:
        with pytest.raises(Unreachable):
            async for event in walk:
                events.append(event)
    assert any(isinstance(event, Delta) for event in events)
    while isinstance(outcome := await agent.outcome(trace), Running):
        await emulator.until(lambda e: e.asked[0].status == "completed")
    assert text_of(list(outcome.events)) == "Rain all day."


# --- questions


@pytest.mark.parametrize("is_flow", [False, True], ids=["agent", "chatflow"])
async def test_a_question_with_options_is_continued_by_the_next_message(
    agent: CozeAgent, emulator: Emulator, is_flow: bool
) -> None:
    flow = Chatflow(agent._client, workflow_id=DEMO_WORKFLOW_ID, app_id=DEMO_APP_ID)
    whom: Agent = flow if is_flow else agent
    conversation = await whom.begin()
    first = await told(whom, Question("u1", conversation, "ask me", "m-1"))
    assert text_of(first) == "What is your favourite colour?"
    assert needs(first) == Needs(options=("Blue", "Red", "Blue. No, yellow!"))
    outcome = await whom.outcome(trace_of(first))
    assert outcome == Over((first[-2], first[-1]))
    second = await told(whom, Question("u1", conversation, "Blue", "m-2"))
    assert "Off you go" in text_of(second)


async def test_a_form_shows_its_fields(agent: CozeAgent, emulator: Emulator) -> None:
    emulator.install(Scenario(reply="?", needs_reply=True, fields=("city", "date")))
    events = await asked(agent)
    assert text_of(events) == "city: …\n\ndate: …"
    assert needs(events) == Needs()


# --- ratings and names


async def answer_of(agent: CozeAgent) -> tuple[str, str]:
    events = await asked(agent)
    said = next(event for event in events if isinstance(event, Said))
    return trace_of(events).conversation_id, said.message_id


async def test_an_answer_is_liked_disliked_and_neither(
    agent: CozeAgent, emulator: Emulator
) -> None:
    conversation, message = await answer_of(agent)
    await agent.rate(conversation, message, Rating.LIKE)
    assert emulator.feedback[message].feedback_type == "like"
    await agent.rate(conversation, message, Rating.DISLIKE, " too short \x00" + "x" * 300)
    assert emulator.feedback[message].feedback_type == "unlike"
    assert emulator.feedback[message].comment.startswith("too short x")
    assert len(emulator.feedback[message].comment) == 250
    await agent.rate(conversation, message, None)
    await agent.rate(conversation, message, None)
    assert emulator.feedback == {}
    said = [each.feedback.feedback_type if each.feedback else "" for each in emulator.opinions]
    assert said == ["like", "unlike", "", ""]


async def test_rating_what_is_not_there_is_gone(agent: CozeAgent) -> None:
    conversation, _ = await answer_of(agent)
    with pytest.raises(Gone):
        await agent.rate(conversation, "7400000000000000001", Rating.LIKE)


async def test_a_conversation_is_renamed(agent: CozeAgent, emulator: Emulator) -> None:
    conversation = await agent.begin("old")
    await agent.rename(conversation, "n" * 200)
    assert emulator.archive.conversations[conversation].name == "n" * 100
    with pytest.raises(Gone):
        await agent.rename("7400000000000000001", "x")
