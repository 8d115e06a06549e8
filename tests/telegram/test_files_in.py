"""Files that people send, as the bridge reads them: byte for byte, and piece by piece."""

import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from adapters.telegram.bots import RawBot
from adapters.telegram.downloads import LARGEST, PIECE, Downloads
from bridge.adapter import BringsFiles
from bridge.errors import Gone, RateLimited, Rejected, Unauthorised, Unreachable
from bridge.events import Attachment, AttachmentKind, ChatRef
from bridge.testing.contract import RecordingSink, receiving
from tests.platforms.worlds import eventually
from tests.telegram.emulator import TOKEN, Drop, Emulator, Fault, Private
from tests.telegram.world import ACCOUNT, LentHost, Supervised, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

CHAT = ChatRef("telegram", ACCOUNT, "1001")
SECRET = TOKEN.partition(":")[2]


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


@asynccontextmanager
async def opened(telegram: Emulator, **table: object) -> AsyncIterator[Supervised]:
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url, **table), LentHost())
    await adapter.open()
    yield adapter
    await adapter.close()


@pytest.fixture
async def adapter(telegram: Emulator) -> AsyncIterator[Supervised]:
    async with opened(telegram) as adapter:
        yield adapter


async def read(adapter: Supervised, attachment: Attachment) -> bytes:
    async with adapter.fetch(CHAT, attachment) as download:
        data = b"".join([piece async for piece in download.content])
        assert download.size == len(data)
        return data


async def received(adapter: Supervised, telegram: Emulator) -> list[Attachment]:
    """What the bridge hears of, of all that waits."""
    sink = RecordingSink()
    async with receiving(adapter, sink):
        await eventually(lambda: not telegram.inbox.pending)
    return [each for event in sink.events for each in event.attachments]


def a(ref: str, size: int | None = None) -> Attachment:
    return Attachment(AttachmentKind.DOCUMENT, ref, "x.pdf", size)


async def test_every_kind_of_file_arrives_byte_for_byte(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    await anna.photo(b"photo")
    await anna.document(b"paper", name="paper.pdf")
    await anna.voice(b"voice")
    await anna.audio(b"song")
    await anna.video(b"film", caption="look")
    await anna.video_note(b"round")
    await anna.animation(b"cat")
    await anna.sticker("👍", b"sticker")
    await anna.sticker("👍", b"animated", moves="animated", still=b"still")
    await anna.sticker("👍", b"moving", moves="video")
    found = await received(adapter, telegram)
    assert [(each.name, each.kind.value, await read(adapter, each)) for each in found] == [
        ("photo.jpg", "photo", b"photo"),
        ("paper.pdf", "document", b"paper"),
        ("voice.ogg", "voice", b"voice"),
        ("song.mp3", "audio", b"song"),
        ("video.mp4", "video", b"film"),
        ("video.mp4", "video", b"round"),
        ("cat.mp4", "video", b"cat"),
        ("sticker.webp", "sticker", b"sticker"),
        ("sticker.webp", "sticker", b"still"),
        ("sticker.webm", "sticker", b"moving"),
    ]


async def test_large_file_comes_in_pieces(telegram: Emulator, adapter: Supervised) -> None:
    assert isinstance(adapter, BringsFiles)
    data = bytes(range(256)) * 16_384  # 4 MB
    file = telegram.files.add(data, folder="documents", name="a.bin")
    digest, largest = hashlib.sha256(), 0
    async with adapter.fetch(CHAT, a(file.id)) as download:
        assert download.size == len(data)
        async for piece in download.content:
            digest.update(piece)
            largest = max(largest, len(piece))
    assert digest.digest() == hashlib.sha256(data).digest()
    assert largest <= PIECE


async def test_what_is_not_read_to_the_end_holds_up_nobody(
    telegram: Emulator, adapter: Supervised
) -> None:
    file = telegram.files.add(b"x" * 4_000_000, folder="documents", name="a.bin")
    for _ in range(20):  # more than there are connections
        async with adapter.fetch(CHAT, a(file.id)) as download:
            async for _ in download.content:
                break


async def test_too_large_a_file_is_not_even_asked_for(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    assert adapter.caps.max_download == LARGEST
    await anna.document(b"x", size=512 * 1024 * 1024)
    [film] = await received(adapter, telegram)
    assert film.size == 512 * 1024 * 1024
    with pytest.raises(Rejected, match="20 MB"):
        await read(adapter, film)
    assert telegram.journal.of("getFile", "download") == []


async def test_file_whose_size_nobody_told_is_refused_by_telegram(
    telegram: Emulator, adapter: Supervised
) -> None:
    file = telegram.files.add(b"x", folder="documents", name="a.bin", size=LARGEST + 1)
    with pytest.raises(Rejected, match="too big"):
        await read(adapter, a(file.id))


async def test_file_that_is_no_more_is_gone(telegram: Emulator, adapter: Supervised) -> None:
    with pytest.raises(Gone):
        await read(adapter, a("nothing"))
    file = telegram.files.add(b"x", folder="documents", name="a.bin")
    telegram.files.forget(file)
    with pytest.raises(Gone):
        await read(adapter, a(file.id))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("getFile", retry_after=3), RateLimited),
        (Fault("getFile", code=502, html="<html>"), Unreachable),
        (Fault("download", retry_after=3), RateLimited),
        (Fault("download", code=502, html="<html>"), Unreachable),
        (Fault("download", code=401, description="Unauthorized"), Unauthorised),
        (Fault("download", drop=Drop.BEFORE, times=0), Unreachable),
    ],
    ids=["getFile 429", "getFile 502", "429", "502", "401", "dropped"],
)
async def test_trouble_is_told_without_the_token(
    telegram: Emulator,
    adapter: Supervised,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    error: type[Exception],
) -> None:
    caplog.set_level(logging.DEBUG, "adapters")
    file = telegram.files.add(b"abc", folder="documents", name="a.bin")
    telegram.inject(fault)
    with pytest.raises(error) as caught:
        await read(adapter, a(file.id))
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text


async def test_download_that_breaks_off_is_no_whole_file(
    telegram: Emulator, adapter: Supervised
) -> None:
    file = telegram.files.add(b"x" * 1_000_000, folder="documents", name="a.bin")
    telegram.inject(Fault("download", drop=Drop.AFTER))
    with pytest.raises(Unreachable) as caught:
        await read(adapter, a(file.id))
    assert SECRET not in str(caught.value)


# A server of one's own


async def test_server_of_ones_own_has_no_limit(telegram: Emulator, tmp_path: Path) -> None:
    telegram.files.local = tmp_path / TOKEN
    async with opened(telegram, local_files=str(tmp_path)) as adapter:
        assert adapter.caps.max_download == float("inf")
        data = b"x" * 100_000
        file = telegram.files.add(data, folder="videos", name="a.mp4", size=2_000_000_000)
        async with adapter.fetch(CHAT, a(file.id, 2_000_000_000)) as download:
            assert b"".join([piece async for piece in download.content]) == data
    assert telegram.journal.of("download") == []


async def test_its_folder_may_have_another_name_there(telegram: Emulator, tmp_path: Path) -> None:
    """The server runs in a container, where the folder is mounted elsewhere."""
    telegram.files.local = tmp_path / TOKEN
    file = telegram.files.add(b"film", folder="videos", name="a.mp4")
    telegram.files.local = Path("/var/lib/telegram-bot-api") / TOKEN
    async with opened(telegram, local_files=str(tmp_path)) as adapter:
        assert await read(adapter, a(file.id)) == b"film"


@pytest.mark.parametrize("place", ["/etc", f"/x/{TOKEN}/../..", f"/x/{TOKEN}/.."])
async def test_nothing_outside_of_it_is_read(
    telegram: Emulator, tmp_path: Path, place: str
) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "file_1.txt").write_text("secret")
    folder = tmp_path / "files"
    folder.mkdir()
    file = telegram.files.add(b"x", folder="documents", name="a.txt")
    telegram.files.local = Path(place)
    async with opened(telegram, local_files=str(folder)) as adapter:
        with pytest.raises(Gone):
            await read(adapter, a(file.id))


async def test_link_out_of_it_is_not_followed(telegram: Emulator, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "files"
    telegram.files.local = folder
    file = telegram.files.add(b"x", folder="documents", name="a.txt")
    (folder / file.path).unlink()
    (folder / file.path).symlink_to(secret)
    async with opened(telegram, local_files=str(folder)) as adapter:
        with pytest.raises(Gone):
            await read(adapter, a(file.id))


class Told(RawBot):
    """A server that has one file, and says where."""

    async def call(self, method: str, **asked: object) -> dict[str, object]:
        return {"file_path": "/proc/self/mem"}


async def test_disk_that_fails_is_asked_again_later() -> None:
    """Nothing can be read at the beginning of a process's memory; it can be opened."""
    async with httpx.AsyncClient() as http:
        bot = Told(TOKEN, "http://127.0.0.1:9", 1)
        downloads = Downloads(bot, http, token=TOKEN, folder=Path("/proc/self"))
        with pytest.raises(Unreachable):
            async with downloads.fetch(a("1")) as download:
                [piece async for piece in download.content]


def test_folder_that_is_not_there_is_told_with_its_cure() -> None:
    settings = telegram_settings("http://127.0.0.1:9", local_files="/nowhere/at/all")
    [(key, told)] = settings.conflicts(local=False, public_url="")
    assert key == "local_files"
    assert "no folder /nowhere/at/all" in told
    assert telegram_settings("http://127.0.0.1:9", local_files="").folder is None
