"""Files the whole way: from a person on Telegram to Coze, and from an answer to the person."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.config import AgentSettings
from bridge.emulator import DEMO_BOT_ID
from bridge.testing.file_contract import NOTE
from tests.platforms.worlds import eventually
from tests.telegram.emulator import Emulator, Fault, Private
from tests.telegram.world import World

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

JPEG = b"\xff\xd8\xff\xe0 a photo"


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


def stored(world: World) -> list[tuple[str, bytes]]:
    """What Coze has got, in order."""
    return [(file.name, file.content) for file in world.coze.files.all.values()]


async def test_every_kind_reaches_coze_byte_for_byte(world: World, anna: Private) -> None:
    world.script("", reply="Seen.")
    async with world.running():
        for data, send in (
            (JPEG, anna.photo),
            (b"%PDF-1.7 paper", anna.document),
            (NOTE, anna.voice),
            (b"ID3 song", anna.audio),
            (b"\0\0\0\x18ftypmp42 film", anna.video),
            (b"\0\0\0\x18ftypmp42 round", anna.video_note),
            (b"RIFF\x10\0\0\0WEBPVP8 ", lambda data: anna.sticker("👍", data)),
        ):
            question = await send(data)
            await anna.final("Seen.", after=question)
    assert stored(world) == [
        ("photo.jpg", JPEG),
        ("paper.pdf", b"%PDF-1.7 paper"),
        ("voice.ogg", NOTE),
        ("song.mp3", b"ID3 song"),
        ("video.mp4", b"\0\0\0\x18ftypmp42 film"),
        ("video.mp4", b"\0\0\0\x18ftypmp42 round"),
        ("sticker.webp", b"RIFF\x10\0\0\0WEBPVP8 "),
    ]


async def test_sticker_that_only_moves_is_told_by_name(world: World, anna: Private) -> None:
    async with world.running():
        await anna.sticker("👍", b"\x1f\x8b", moves="animated")
        await anna.until(lambda _: "sticker.tgs" in "".join(anna.texts(anna.answers)))
    assert stored(world) == []


async def test_forged_name_reaches_nobody(world: World, anna: Private) -> None:
    world.script("", reply="Seen.")
    async with world.running():
        await anna.document(b"%PDF", name="../../etc/pass\u202ewd\r\n.pdf", caption="look")
        await anna.final("Seen.")
    assert stored(world) == [("passwd.pdf", b"%PDF")]


async def test_half_a_gigabyte_is_refused_before_it_is_fetched(world: World, anna: Private) -> None:
    world.script("", reply="Seen.")
    async with world.running():
        await anna.document(b"%PDF", caption="look", size=512 * 1024 * 1024)
        await anna.until(lambda _: "paper.pdf" in "".join(anna.texts(anna.answers)))
    assert anna.answers[0].text.startswith("Seen.")
    assert world.questions() == ["look"]
    assert world.telegram.journal.of("getFile", "download") == []


async def test_picture_of_an_answer_is_one_and_the_words_stay(world: World, anna: Private) -> None:
    world.script("", reply="A cat: ![cat](https://example.org/cat.png) There.")
    async with world.running():
        await anna.say("hi")
        await anna.until(lambda _: len(anna.answers) == 2)
    text, picture = anna.answers
    assert text.text.startswith("A cat:")
    assert "photo" in picture.extra
    assert world.telegram.files.of(picture).data == b"https://example.org/cat.png"


async def test_picture_that_nobody_can_have_leaves_the_words(world: World, anna: Private) -> None:
    refusal = "Bad Request: wrong type of the web page content"
    world.telegram.inject(Fault("sendPhoto", code=400, description=refusal, times=0))
    world.script("hi", reply="A cat: ![cat](https://cat.invalid/cat.png)")
    world.script("more", reply="More.")
    async with world.running():
        await anna.say("hi")
        await eventually(lambda: world.telegram.journal.of("sendPhoto"))
        await anna.final("More.", after=await anna.say("more"))
    assert len(anna.answers) == 2


async def test_voice_is_answered_with_a_voice_message(
    world: World, anna: Private, tmp_path: Path
) -> None:
    world.agent = AgentSettings(bot_id=DEMO_BOT_ID, reply_voice_id="7", feedback=False)
    world.script("", reply="Three thousand kilometres.")
    async with world.running():
        await anna.voice(NOTE)
        await anna.until(lambda _: len(anna.answers) == 2)
    text, voice = anna.answers
    assert text.text == "Three thousand kilometres."
    assert "voice" in voice.extra
    note = world.telegram.files.of(voice)
    assert note.mime == "audio/ogg"
    assert plays(note.data, tmp_path)


def plays(content: bytes, folder: Path) -> bool:
    """Let a real player judge, where there is one."""
    path = folder / "note.ogg"
    path.write_bytes(content)
    if (ffprobe := shutil.which("ffprobe")) is None:
        return content.startswith(b"OggS")
    asked = [ffprobe, "-v", "error", "-show_entries", "stream=codec_name", str(path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    return "codec_name=opus" in told.stdout and not told.stderr
