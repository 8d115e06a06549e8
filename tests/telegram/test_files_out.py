"""Files of the agent's, as people see them: each as what it is, and none of them held whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from adapters.telegram.enclosures import (
    ANIMATION,
    AUDIO,
    DOCUMENT,
    LARGEST_PHOTO,
    PHOTO,
    VIDEO,
    VOICE,
    Way,
    way,
)
from bridge.adapter import Download, Outgoing, SendsFiles
from bridge.errors import Gone, RateLimited, Rejected, Unauthorised, Unreachable
from bridge.events import ChatKind, ChatRef, Enclosure, EnclosureKind
from tests.telegram.emulator import Chat, Drop, Emulator, Fault, Message, Private
from tests.telegram.world import ACCOUNT, LentHost, Supervised, telegram_settings

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

CHAT = ChatRef("telegram", ACCOUNT, "1001")
JPEG = b"\xff\xd8\xff a picture"
URL = "https://example.org/cat.jpg"
UNFETCHABLE = "Bad Request: wrong type of the web page content"
METHODS = ("sendPhoto", "sendAnimation", "sendAudio", "sendVideo", "sendVoice", "sendDocument")


@dataclass
class Lying:
    """A file as the core lends it. tells: whether its size is known; opened: how often."""

    name: str = "cat.jpg"
    kind: EnclosureKind = EnclosureKind.IMAGE
    data: bytes = JPEG
    mime: str = "image/jpeg"
    url: str = ""
    caption: str = ""
    tells: bool = True
    size: int | None = None
    broken: Exception | None = None
    opened: int = field(default=0, init=False)

    @property
    def outgoing(self) -> Outgoing:
        return Outgoing(
            Enclosure(self.kind, self.name, url=URL), self.url, self._open, self.caption
        )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Download]:
        self.opened += 1
        size = self.size or len(self.data)
        yield Download(self._pieces(), size if self.tells else None, self.mime)

    async def _pieces(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), 7):
            yield self.data[start : start + 7]
        if self.broken:
            raise self.broken


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


@pytest.fixture
async def adapter(telegram: Emulator) -> AsyncIterator[Supervised]:
    adapter = Supervised(ACCOUNT, telegram_settings(telegram.url), LentHost())
    await adapter.open()
    yield adapter
    await adapter.close()


async def send(adapter: Supervised, file: Lying, chat: ChatRef = CHAT) -> str:
    assert isinstance(adapter, SendsFiles)
    return (await adapter.send_file(chat, file.outgoing, key="k/1")).id


def tried(telegram: Emulator) -> list[str]:
    return [call.method for call in telegram.journal.of(*METHODS)]


def seen(chat: Chat) -> Message:
    [message] = chat.answers
    return message


# As what it is


@pytest.mark.parametrize(
    ("kind", "name", "how"),
    [
        (EnclosureKind.IMAGE, "a.JPG", PHOTO),
        (EnclosureKind.IMAGE, "a.png", PHOTO),
        (EnclosureKind.IMAGE, "picture", PHOTO),
        (EnclosureKind.IMAGE, "a.gif", ANIMATION),
        (EnclosureKind.IMAGE, "a.svg", DOCUMENT),
        (EnclosureKind.IMAGE, "a.html", DOCUMENT),
        (EnclosureKind.AUDIO, "a.mp3", AUDIO),
        (EnclosureKind.AUDIO, "a.wav", DOCUMENT),
        (EnclosureKind.VIDEO, "a.mp4", VIDEO),
        (EnclosureKind.VIDEO, "a.mkv", DOCUMENT),
        (EnclosureKind.VOICE, "voice.ogg", VOICE),
        (EnclosureKind.DOCUMENT, "a.mp3", DOCUMENT),
    ],
)
def test_each_kind_has_its_way(kind: EnclosureKind, name: str, how: Way) -> None:
    assert way(Enclosure(kind, name, url=URL)) == how


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        (EnclosureKind.IMAGE, "cat.jpg", "photo"),
        (EnclosureKind.IMAGE, "cat.gif", "animation"),
        (EnclosureKind.AUDIO, "song.mp3", "audio"),
        (EnclosureKind.VIDEO, "film.mp4", "video"),
        (EnclosureKind.VOICE, "voice.ogg", "voice"),
        (EnclosureKind.DOCUMENT, "论文.pdf", "document"),
    ],
)
@pytest.mark.parametrize("tells", [True, False], ids=["of known size", "of unknown size"])
async def test_every_kind_arrives_byte_for_byte(
    telegram: Emulator,
    anna: Private,
    adapter: Supervised,
    kind: EnclosureKind,
    name: str,
    part: str,
    *,
    tells: bool,
) -> None:
    data = bytes(range(256)) * 40
    file = Lying(name, kind, data, "", caption="Look at **this** 😀", tells=tells)
    message_id = await send(adapter, file)
    message = seen(anna)
    assert str(message.id) == message_id
    assert part in message.extra
    stored = telegram.files.of(message)
    assert (stored.data, stored.name) == (data, name)
    assert message.text == "Look at this 😀"
    assert [(each.type, each.offset, each.length) for each in message.body.entities] == [
        ("bold", 8, 4)
    ]
    assert file.opened == 1


async def test_telegram_fetches_what_it_can(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    file = Lying(url=URL)
    await send(adapter, file)
    assert telegram.files.of(seen(anna)).data == URL.encode()
    assert file.opened == 0


@pytest.mark.parametrize(
    "words",
    [
        UNFETCHABLE,
        "Bad Request: failed to get HTTP URL content",
        "Bad Request: WEBPAGE_CURL_FAILED",
        "Bad Request: WEBPAGE_MEDIA_EMPTY",
        "Bad Request: wrong file identifier/HTTP URL specified",
    ],
)
async def test_what_telegram_cannot_fetch_is_uploaded(
    telegram: Emulator, anna: Private, adapter: Supervised, words: str
) -> None:
    telegram.inject(Fault("sendPhoto", code=400, description=words))
    file = Lying(url=URL)
    await send(adapter, file)
    assert telegram.files.of(seen(anna)).data == JPEG
    assert tried(telegram) == ["sendPhoto", "sendPhoto"]
    assert file.opened == 1


@pytest.mark.parametrize(
    "words",
    [
        "Bad Request: PHOTO_INVALID_DIMENSIONS",
        "Bad Request: IMAGE_PROCESS_FAILED",
        "Bad Request: file is too big",
        "Bad Request: not enough rights to send photos to the chat",
    ],
)
async def test_what_is_not_taken_as_its_kind_goes_as_a_document(
    telegram: Emulator, anna: Private, adapter: Supervised, words: str
) -> None:
    telegram.inject(Fault("sendPhoto", code=400, description=words, times=0))
    file = Lying(url=URL)
    await send(adapter, file)
    assert "document" in seen(anna).extra
    assert telegram.files.of(seen(anna)).data == JPEG
    assert tried(telegram) == ["sendPhoto", "sendPhoto", "sendDocument"]


async def test_person_who_wants_no_voice_messages_gets_a_file(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    words = "Bad Request: VOICE_MESSAGES_FORBIDDEN"
    telegram.inject(Fault("sendVoice", code=400, description=words, times=0))
    await send(adapter, Lying("voice.ogg", EnclosureKind.VOICE, b"OggS", "audio/ogg"))
    assert "document" in seen(anna).extra


async def test_large_picture_is_not_tried_as_a_photo(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    await send(adapter, Lying(data=b"x" * (LARGEST_PHOTO + 1)))
    assert tried(telegram) == ["sendDocument"]
    assert telegram.files.of(seen(anna)).size == LARGEST_PHOTO + 1


@pytest.mark.usefixtures("anna")
async def test_documents_by_address_are_those_telegram_fetches(adapter: Supervised) -> None:
    table = Lying("a.csv", EnclosureKind.DOCUMENT, b"1,2", url="https://example.org/a.csv")
    paper = Lying("a.pdf", EnclosureKind.DOCUMENT, b"%PDF", url="https://example.org/a.pdf?x=1")
    await send(adapter, table)
    await send(adapter, paper)
    assert (table.opened, paper.opened) == (1, 0)


# What is malicious


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"<svg onload='x'/>", "image/svg+xml"),
        (b"<html><script>x</script>", "text/html; charset=utf-8"),
        (b"<svg onload='x'/>", "image/png"),
    ],
    ids=["drawing", "page", "drawing that lies"],
)
async def test_drawing_or_page_is_never_more_than_a_document(
    telegram: Emulator, anna: Private, adapter: Supervised, data: bytes, mime: str
) -> None:
    await send(adapter, Lying("cat.png", data=data, mime=mime))
    assert "document" in seen(anna).extra
    assert telegram.files.of(seen(anna)).data == data


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('a"; name="chat_id.pdf', "a__ name=_chat_id.pdf"),
        ("a.pdf\r\nX: y\r\n\r\n7", "a.pdf__X: y____7"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..\\a.pdf", ".._a.pdf"),
        ("a\u202efdp.exe", "a_fdp.exe"),
        ("a\0.pdf", "a_.pdf"),
    ],
)
async def test_forged_name_stays_within_its_quotes(
    telegram: Emulator, anna: Private, adapter: Supervised, name: str, shown: str
) -> None:
    await send(adapter, Lying(name, EnclosureKind.DOCUMENT, b"data", 'x/y"\r\nX: y'))
    stored = telegram.files.of(seen(anna))
    assert stored.name.replace(";", "_") == shown
    assert stored.mime == "application/octet-stream"


async def test_file_with_a_boundary_in_it_arrives_whole(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    data = b'\r\n--\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n7\r\n----'
    await send(adapter, Lying("a.bin", EnclosureKind.DOCUMENT, data, ""))
    assert telegram.files.of(seen(anna)).data == data


async def test_address_is_never_fetched_by_the_bridge(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    """The emulator's own address would answer; only whoever opens the file may ask it."""
    telegram.inject(Fault("sendPhoto", code=400, description=UNFETCHABLE))
    secret = telegram.files.add(b"secret", folder="documents", name="a.txt")
    url = f"{telegram.url}/file/bot{telegram.token}/{secret.path}"
    await send(adapter, Lying(url=url))
    assert telegram.files.of(seen(anna)).data == JPEG
    assert telegram.journal.of("download") == []


# Captions


async def test_long_caption_is_cut_and_no_pair_with_it(anna: Private, adapter: Supervised) -> None:
    await send(adapter, Lying(caption="**bold** " + "😀" * 600))
    text = seen(anna).text
    assert len(text.encode("utf-16-le")) // 2 <= 1024
    assert text.startswith("bold 😀")
    assert text.endswith("😀…")


async def test_file_without_words_has_no_caption(anna: Private, adapter: Supervised) -> None:
    await send(adapter, Lying(caption=" "))
    assert seen(anna).text == ""


# Where it goes


async def test_file_goes_where_the_words_go(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    telegram.has_topics = True
    topic = anna.in_topic("Bridges")
    await send(adapter, Lying(), ChatRef("telegram", ACCOUNT, "1001", thread=str(topic.id)))
    assert seen(anna).thread == topic.id
    group = telegram.group("G", anna.person)
    question = await group.say(anna.person, "hi")
    place = ChatRef(
        "telegram", ACCOUNT, str(group.id), kind=ChatKind.GROUP, reply_to=str(question.id)
    )
    await send(adapter, Lying(), place)
    assert seen(group).reply_to is question
    shop = await telegram.person(7, "Olga").connect_business()
    customer = shop.chat(anna.person)
    await send(adapter, Lying(), ChatRef("telegram", ACCOUNT, "1001", via=shop.id))
    assert seen(customer).business == shop.id


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("sendPhoto", retry_after=3), RateLimited),
        (Fault("sendPhoto", code=502, html="<html>"), Unreachable),
        (Fault("sendPhoto", code=401, description="Unauthorized"), Unauthorised),
        (Fault("sendPhoto", code=403, description="Forbidden: bot was blocked"), Gone),
        (Fault("sendPhoto", code=400, description="Bad Request: chat not found"), Gone),
    ],
)
@pytest.mark.parametrize("url", ["", URL], ids=["upload", "address"])
async def test_what_is_not_about_the_file_is_told(
    telegram: Emulator,
    adapter: Supervised,
    fault: Fault,
    error: type[Exception],
    url: str,
) -> None:
    telegram.inject(fault)
    with pytest.raises(error):
        await send(adapter, Lying(url=url))
    assert tried(telegram) == ["sendPhoto"]


async def test_lost_answer_may_have_happened(
    telegram: Emulator, anna: Private, adapter: Supervised
) -> None:
    telegram.inject(Fault("sendPhoto", drop=Drop.AFTER))
    with pytest.raises(Unreachable) as caught:
        await send(adapter, Lying())
    assert caught.value.happened
    assert len(anna.answers) == 1


async def test_file_nobody_takes_is_rejected(telegram: Emulator, adapter: Supervised) -> None:
    refusal = "Bad Request: file is too big"
    telegram.inject(Fault("sendDocument", code=400, description=refusal, times=0))
    telegram.inject(Fault("sendPhoto", code=413, html="<html>", times=0))
    with pytest.raises(Rejected, match="too big"):
        await send(adapter, Lying())
    assert tried(telegram) == ["sendPhoto", "sendDocument"]


@pytest.mark.parametrize("broken", [Rejected("too large"), Unreachable("broke off")])
@pytest.mark.parametrize("tells", [True, False], ids=["of known size", "of unknown size"])
async def test_file_that_cannot_be_read_to_its_end_is_not_sent(
    telegram: Emulator,
    anna: Private,
    adapter: Supervised,
    broken: Rejected | Unreachable,
    *,
    tells: bool,
) -> None:
    file = Lying(broken=broken, tells=tells, size=1000)
    with pytest.raises(type(broken)) as caught:
        await send(adapter, file)
    assert caught.value is broken
    assert anna.answers == []
    assert file.opened == 1
    await send(adapter, Lying())
    assert len(anna.answers) == 1


@pytest.mark.parametrize("size", [3, 3000], ids=["longer", "shorter"])
async def test_file_that_is_not_as_large_as_was_said_is_not_sent(
    anna: Private, adapter: Supervised, size: int
) -> None:
    with pytest.raises(Rejected, match="not as large"):
        await send(adapter, Lying(size=size))
    assert anna.answers == []
