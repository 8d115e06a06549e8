"""A file is what its first bytes say."""

import pytest

from bridge.events import EnclosureKind
from bridge.fetching.content import MARKUP, PROGRAM, UNKNOWN, fits, sniffed

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 JFIF", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x00\x00\x00\x00EVIL", UNKNOWN),
        (b"%PDF-1.7", "application/pdf"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypheic", "image/heic"),
        (b"\xff\xfa", "audio/mpeg"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
        (b"PK\x03\x04", "application/zip"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", MARKUP),
        (b"\xef\xbb\xbf\n <?xml version='1.0'?><svg onload='x'>", MARKUP),
        (b"  \n<!-- hi --><HTML>", MARKUP),
        (b"GIF plus <ScRiPt>alert(1)</script>", MARKUP),
        (b"MZ\x90\x00", PROGRAM),
        (b"\x7fELF", PROGRAM),
        (b"name;age\nAnna;30\n", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_what_begins_like_this(head: bytes, mime: str) -> None:
    assert sniffed(head) == mime


@pytest.mark.parametrize("kind", list(EnclosureKind))
@pytest.mark.parametrize("mime", [MARKUP, PROGRAM])
def test_neither_a_page_nor_a_program_is_ever_sent(kind: EnclosureKind, mime: str) -> None:
    assert not fits(kind, mime)


def test_a_picture_is_nothing_else() -> None:
    assert fits(EnclosureKind.IMAGE, "image/png")
    for mime in ("application/pdf", "video/mp4", UNKNOWN, "image/svg+xml"):
        assert not fits(EnclosureKind.IMAGE, mime)


def test_sound_may_come_in_a_container_of_films() -> None:
    assert fits(EnclosureKind.AUDIO, "video/mp4")
    assert not fits(EnclosureKind.AUDIO, "image/png")
    assert not fits(EnclosureKind.VIDEO, "audio/mp4")


def test_a_document_may_be_of_a_kind_we_do_not_know() -> None:
    assert fits(EnclosureKind.DOCUMENT, UNKNOWN)
