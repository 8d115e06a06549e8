"""Files and voice, from the platform to Coze and back, through a real daemon."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from daemon_process import Daemon, World, answer_to, eventually

from bridge.emulator import Answer, Emulator, Memory
from bridge.ogg import packets
from bridge.testing.file_contract import NOTE, PNG
from bridge.testing.loopback import Body, SentFile, Verb

MB = 1024 * 1024
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 1000
PHOTO = SentFile("", PNG, "photo", "image/png")
PAPER = SentFile("paper.pdf", PDF, "document", "application/pdf")
VOICE = SentFile("", NOTE, "voice", "audio/ogg")


def uploads(coze: Emulator) -> dict[str, bytes]:
    """What Coze has got, by name."""
    return {file.name: file.content for file in coze.files.all.values()}


async def test_files_with_words_arrive_as_one_question_byte_for_byte(world: World) -> None:
    world.daemon().start()
    world.platform.say("anna", "tea", files=[PHOTO, PAPER])
    await world.answered("anna", answer_to("tea"))
    assert uploads(world.coze) == {"photo.png": PNG, "paper.pdf": PDF}
    [asked] = world.coze.asked
    assert [kind for kind, _ in asked.files] == ["image", "file"]


async def test_what_cannot_go_on_is_told_and_the_words_are_answered(world: World) -> None:
    world.daemon().start()
    world.platform.say("anna", "tea", files=[SentFile("../evil\u202etxt.exe", b"MZ"), PAPER])
    told = "I could not take eviltxt.exe: the agent does not read files of this format."
    await world.answered("anna", f"{answer_to('tea')}\n\n{told}")
    assert list(uploads(world.coze)) == ["paper.pdf"]


async def test_a_large_file_passes_through_without_being_held(world: World) -> None:
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "warm up", files=[PAPER])
    await world.answered("anna", answer_to("warm up"))
    before = _memory(daemon, "VmRSS")
    _forget_peak(daemon)
    large = SentFile("large.pdf", b"%PDF-1.7\n" + bytes(20 * MB))
    world.platform.say("anna", "tea", files=[large])
    await world.answered("anna", answer_to("warm up"), answer_to("tea"))
    assert uploads(world.coze)["large.pdf"] == large.content
    assert _memory(daemon, "VmHWM") - before < 10 * MB


def _memory(daemon: Daemon, name: str) -> int:
    """Bytes, as the operating system counts them."""
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status")
    if not status.exists():
        pytest.skip("no /proc on this system")
    line = next(each for each in status.read_text().splitlines() if each.startswith(name))
    return int(line.split()[1]) * 1024


def _forget_peak(daemon: Daemon) -> None:
    assert daemon.process is not None
    Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")


async def test_killed_between_two_files_the_first_is_not_uploaded_again(world: World) -> None:
    daemon = world.daemon()
    daemon.start()
    gate = world.platform.hold(Verb.FETCH, matches=_is_the_second)
    world.platform.say("anna", "tea", files=[PHOTO, PAPER])
    await eventually(lambda: gate.reached and _stored_one(world))
    daemon.kill()
    world.platform.unblock()
    daemon.start()
    await world.answered("anna", answer_to("tea"))
    assert sorted(file.name for file in world.coze.files.all.values()) == ["paper.pdf", "photo.png"]
    assert len(world.coze.asked) == 1


def _is_the_second(body: Body) -> bool:
    return body.ref.endswith("-1")


def _stored_one(world: World) -> bool:
    """The first is at Coze, and noted: who is killed before that uploads it once more."""
    with closing(sqlite3.connect(world.database)) as connection:
        return bool(connection.execute("select count(*) from files").fetchone()[0] == 1)


async def test_a_voice_message_is_answered_in_writing_and_aloud(
    world: World, tmp_path: Path
) -> None:
    world.daemon(agents__default__reply_voice_id="7").start()
    world.platform.say("anna", "", files=[VOICE])
    await eventually(lambda: len(world.platform.in_chat("anna")) == 2)
    assert uploads(world.coze) == {"voice.ogg": NOTE}
    assert world.coze.asked[0].files[0][0] == "audio"
    text, note = world.platform.in_chat("anna")
    assert (text.file, note.file is not None) == (None, True)
    assert note.file is not None
    assert (note.file.kind, note.file.mime) == ("voice", "audio/ogg")
    assert packets(note.file.content)
    plays(note.file.content, tmp_path)


async def test_what_is_written_is_read_aloud_where_coze_sent_no_sound(
    world: World, tmp_path: Path
) -> None:
    world.daemon(agents__default__voice="transcribe", agents__default__reply_voice_id="7").start()
    world.coze.audio.transcripts.append("a cup of tea")
    world.platform.say("anna", "", files=[VOICE])
    await eventually(lambda: len(world.platform.in_chat("anna")) == 2)
    text, note = world.platform.in_chat("anna")
    assert text.text == f"> a cup of tea\n\n{answer_to('a cup of tea')}"
    assert world.questions() == ["a cup of tea"]
    assert [said for said, *_ in world.coze.audio.spoken] == [answer_to("a cup of tea")]
    assert note.file is not None
    plays(note.file.content, tmp_path)


def plays(content: bytes, folder: Path) -> None:
    """Let a real player judge, where there is one."""
    if shutil.which("ffprobe") is None:
        return
    path = folder / "note.ogg"
    path.write_bytes(content)
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", str(path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    answer = json.loads(told.stdout)
    assert told.stderr == ""
    assert [stream["codec_name"] for stream in answer["streams"]] == ["opus"]
    assert float(answer["format"]["duration"]) > 0.1


def painter(coze: Emulator) -> None:
    """Let the agent answer with a picture that lies at Coze's own address."""

    def paint(question: str, _: Memory) -> Answer:
        return Answer(f"Here is {question}: ![{question}]({coze.url}/_emulator/bridge.png)")

    coze.agent = paint


async def test_a_picture_of_an_answer_arrives_as_one(world: World) -> None:
    painter(world.coze)
    world.daemon(files__allow_private="true").start()
    world.platform.say("anna", "tea")
    await eventually(lambda: len(world.platform.in_chat("anna")) == 2)
    text, picture = world.platform.in_chat("anna")
    assert text.text.startswith("Here is tea: ![tea](")
    assert picture.file is not None
    assert (picture.file.kind, picture.file.mime) == ("image", "image/png")
    assert picture.file.content.startswith(PNG[:8])


async def test_a_picture_at_an_address_of_ours_is_not_fetched(world: World) -> None:
    painter(world.coze)
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: daemon.log.exists() and daemon.events("file.not_sent"))
    assert len(world.platform.in_chat("anna")) == 1
    assert "not a public address" in str(daemon.events("file.not_sent"))
    world.platform.say("anna", "more")
    await eventually(lambda: len(world.platform.in_chat("anna")) == 2)


async def test_killed_before_a_picture_was_sent_it_comes_once(world: World) -> None:
    painter(world.coze)
    daemon = world.daemon(files__allow_private="true")
    daemon.start()
    gate = world.platform.hold(Verb.SEND_FILE)
    world.platform.say("anna", "tea")
    await eventually(lambda: gate.reached)
    await world.kill(daemon)
    world.platform.unblock()
    daemon.start()
    await eventually(lambda: len(world.platform.in_chat("anna")) == 2)
    text, picture = world.platform.in_chat("anna")
    assert (text.file, picture.file is None) == (None, False)
    assert len(world.coze.asked) == 1
