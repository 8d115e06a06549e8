# ruff: noqa: S101 - a test suite asserts, wherever it lives
"""What an adapter must do that brings files, or takes them: beside `AdapterContract`.

    class TestTelegram(FilesContract, AdapterContract):
        ...

A test whose verb the adapter has not is skipped.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Protocol

import pytest

from bridge.adapter import Adapter, BringsFiles, Download, Outgoing, SendsFiles
from bridge.errors import BridgeError, Permanent, RateLimited, Rejected, Unreachable
from bridge.events import Enclosure, EnclosureKind, MessageRef
from bridge.ogg import opus_file
from bridge.testing.contract import Fault, PlatformDouble, RecordingSink

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""One transparent dot."""

NOTE = opus_file([bytes([0b11110_0_00, 0xFF, 0xFE])] * 50)
"""Half a second of silence."""

LARGE = bytes(range(256)) * 4096  # a megabyte
OURS = {
    EnclosureKind.IMAGE: ("dot.png", PNG, "image/png"),
    EnclosureKind.DOCUMENT: ("报告.pdf", b"%PDF-1.7\n" + LARGE, "application/pdf"),
    EnclosureKind.VOICE: ("answer.ogg", NOTE, "audio/ogg"),
}


class FilesDouble(PlatformDouble, Protocol):
    """The far side of an adapter, where files can be left and found."""

    async def deliver_file(self, content: bytes, name: str, *, text: str, event: str) -> bool:
        """Let a person send a document with some words; as `deliver`."""

    async def lose_files(self) -> None:
        """Forget every file that people sent."""

    async def files_shown(self) -> Sequence[bytes]:
        """Return the files the adapter posted in `chat`, oldest first."""


class FilesContract:
    """Inherit beside `AdapterContract`, with a `platform` that is a `FilesDouble`."""

    file_keys = (f"file-contract/{number}" for number in count(1))

    @pytest.fixture
    def brings(self, adapter: Adapter) -> BringsFiles:
        """The adapter, if it brings files."""
        if not isinstance(adapter, BringsFiles):
            pytest.skip("this adapter brings no files")
        return adapter

    @pytest.fixture
    def sends(self, adapter: Adapter) -> SendsFiles:
        """The adapter, if it takes files."""
        if not isinstance(adapter, SendsFiles):
            pytest.skip("this adapter takes no files")
        return adapter

    # What people send

    @pytest.mark.usefixtures("brings")
    async def test_a_file_reaches_the_sink_with_its_words(
        self, platform: FilesDouble, sink: RecordingSink
    ) -> None:
        """As one message, with what is known of the file before it is read."""
        assert await platform.deliver_file(PNG, "dot 点.png", text="look", event="f1-first")
        [event] = sink.events
        [attachment] = event.attachments
        assert event.text == "look"
        assert attachment.name == "dot 点.png"
        assert attachment.size in (None, len(PNG))

    async def test_a_file_is_read_byte_for_byte(
        self, platform: FilesDouble, brings: BringsFiles, sink: RecordingSink
    ) -> None:
        """In pieces, of which none is the whole."""
        await platform.deliver_file(LARGE, "large.bin", text="", event="f2-large")
        [event] = sink.events
        async with brings.fetch(event.chat, event.attachments[0]) as download:
            pieces = [piece async for piece in download.content]
        assert b"".join(pieces) == LARGE
        assert len(pieces) > 1
        assert download.size in (None, len(LARGE))

    async def test_a_file_can_be_left_half_read_and_read_again(
        self, platform: FilesDouble, brings: BringsFiles, sink: RecordingSink
    ) -> None:
        """Which is what a stop, or a new try, comes to."""
        await platform.deliver_file(LARGE, "large.bin", text="", event="f3-half")
        [event] = sink.events
        for _ in range(3):
            async with brings.fetch(event.chat, event.attachments[0]) as download:
                assert await anext(aiter(download.content))
        async with brings.fetch(event.chat, event.attachments[0]) as download:
            assert b"".join([piece async for piece in download.content]) == LARGE

    async def test_a_file_that_is_there_no_more_is_not_asked_for_again(
        self, platform: FilesDouble, brings: BringsFiles, sink: RecordingSink
    ) -> None:
        """`Gone`, or where the platform does not tell it apart, another `Permanent`."""
        await platform.deliver_file(PNG, "dot.png", text="", event="f4-lost")
        [event] = sink.events
        await platform.lose_files()
        with pytest.raises(Permanent):
            async with brings.fetch(event.chat, event.attachments[0]) as download:
                _ = [piece async for piece in download.content]

    # What we send

    async def post(
        self, platform: FilesDouble, sends: SendsFiles, kind: EnclosureKind, key: str = ""
    ) -> MessageRef:
        """Send a file of a kind."""
        outgoing = Outgoing(_enclosure(kind), "", lambda: _open(kind))
        return await sends.send_file(platform.chat, outgoing, key=key or next(self.file_keys))

    @pytest.mark.parametrize("kind", list(OURS))
    async def test_a_file_of_ours_arrives_byte_for_byte(
        self, platform: FilesDouble, sends: SendsFiles, kind: EnclosureKind
    ) -> None:
        """As a message of its own."""
        message = await self.post(platform, sends, kind)
        assert message.id
        assert message.chat.chat == platform.chat.chat
        assert list(await platform.files_shown()) == [OURS[kind][1]]

    @pytest.mark.parametrize("error", [Rejected("an svg"), Unreachable("down")])
    async def test_what_cannot_be_read_is_not_sent(
        self, platform: FilesDouble, sends: SendsFiles, error: BridgeError
    ) -> None:
        """And who reads learns why, in the words of whoever opened it."""
        kind = EnclosureKind.IMAGE
        outgoing = Outgoing(_enclosure(kind), "", lambda: _closed(error))
        with pytest.raises(type(error)):
            await sends.send_file(platform.chat, outgoing, key=next(self.file_keys))
        assert list(await platform.files_shown()) == []

    async def test_a_repeated_file_is_one_message_where_the_platform_can_tell(
        self, platform: FilesDouble, sends: SendsFiles
    ) -> None:
        """By its key, as with every page."""
        if not platform.knows_repeats:
            pytest.skip("this platform takes no idempotency key")
        first = await self.post(platform, sends, EnclosureKind.IMAGE, "turn-1/7")
        again = await self.post(platform, sends, EnclosureKind.IMAGE, "turn-1/7")
        assert again == first
        assert len(await platform.files_shown()) == 1

    @pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.GONE, Fault.UNREACHABLE])
    async def test_a_refusal_of_a_file_is_named_by_what_to_do_about_it(
        self, platform: FilesDouble, sends: SendsFiles, fault: Fault
    ) -> None:
        """Only `bridge.errors` leave an adapter."""
        if fault not in platform.faults:
            pytest.skip(f"{fault.name} does not exist on this platform")
        await platform.fail(fault)
        with pytest.raises(fault.value) as raised:
            await self.post(platform, sends, EnclosureKind.DOCUMENT)
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after is not None


def _enclosure(kind: EnclosureKind) -> Enclosure:
    name, content, _ = OURS[kind]
    if kind is EnclosureKind.VOICE:
        return Enclosure(kind, name, data=content)
    return Enclosure(kind, name, url=f"https://files.example/{kind}")


@asynccontextmanager
async def _open(kind: EnclosureKind) -> AsyncIterator[Download]:
    _, content, mime = OURS[kind]
    yield Download(_halves(content), len(content), mime)


async def _halves(content: bytes) -> AsyncIterator[bytes]:
    middle = len(content) // 2
    yield content[:middle]
    yield content[middle:]


@asynccontextmanager
async def _closed(error: BridgeError) -> AsyncIterator[Download]:
    raise error
    yield  # pragma: no cover  # what makes it a generator
