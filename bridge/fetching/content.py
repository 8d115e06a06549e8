"""What a file is, by its first bytes: neither its name nor its sender is believed. Pure."""

import re

from bridge.events import EnclosureKind

HEAD = 512  # bytes that are enough to tell

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    *((bytes([0xFF, second]), "audio/mpeg") for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"fLaC", "audio/flac"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
}
_MARKUP = re.compile(
    rb"<(?:!doctype|html|head|body|script|iframe|svg|\?xml|!--|title|meta)", re.IGNORECASE
)
_PROGRAM = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")

MARKUP = "text/html"
PROGRAM = "application/x-executable"
UNKNOWN = "application/octet-stream"

# Pictures that every platform shows as one, and that can carry no script.
_PICTURES = frozenset(["image/png", "image/jpeg", "image/gif", "image/webp"])
_CONTAINERS = frozenset(["video/mp4", "video/webm"])  # that may hold nothing but sound


def sniffed(head: bytes) -> str:
    """The media type of what begins like this; `UNKNOWN` if nothing tells.

    HTML, SVG and other XML are `MARKUP` wherever their first tag stands: a browser looks for
    them as stubbornly (https://mimesniff.spec.whatwg.org/).
    """
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if _MARKUP.search(head):
        return MARKUP
    return PROGRAM if head.startswith(_PROGRAM) else UNKNOWN


def fits(kind: EnclosureKind, mime: str) -> bool:
    """Tell whether what was found may be sent as what it was promised to be."""
    match kind:
        case EnclosureKind.IMAGE:
            return mime in _PICTURES
        case EnclosureKind.AUDIO | EnclosureKind.VOICE:
            return mime.startswith("audio/") or mime in _CONTAINERS
        case EnclosureKind.VIDEO:
            return mime.startswith("video/")
        case EnclosureKind.DOCUMENT:
            return mime not in (MARKUP, PROGRAM)
