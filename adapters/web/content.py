"""What a file may be shown as, by its first bytes: neither its name nor its sender is believed.

Only what cannot carry a script is ever shown; all else is handed out to be saved.
"""

import re

HEAD = 64  # bytes that are enough to tell

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    *((bytes([0xFF, second]), "audio/mpeg") for second in (0xFB, 0xF3, 0xF2)),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
)
_SOUND_IN = {"video/webm": "audio/webm", "video/mp4": "audio/mp4"}
_STRANGE_BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"qt  ")
_SEPARATORS = re.compile(r"[/\\]")
_LONGEST_NAME = 120  # characters


def shown_as(head: bytes, *, sounds: bool = False) -> str:
    """The media type of a picture, sound or film; empty for whatever else begins so.

    sounds: it holds nothing to look at, which a container's first bytes do not tell.
    """
    mime = _mime(head)
    return _SOUND_IN.get(mime, mime) if sounds else mime


def _mime(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "" if brand in _STRANGE_BRANDS else _film(brand)
    return next((mime for magic, mime in _MAGIC if head.startswith(magic)), "")


def _film(brand: bytes) -> str:
    return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"


def plain_name(name: str) -> str:
    """One name with no folder in it, and nothing that is not seen or turns the writing round."""
    last = _SEPARATORS.split(name)[-1]
    seen = "".join(letter for letter in last if letter.isprintable())
    stem, dot, ending = " ".join(seen.split()).strip(" .")[-4096:].rpartition(".")
    room = _LONGEST_NAME - len(dot) - len(ending)
    if room < 1:
        return "file"
    return f"{stem[:room]}{dot}{ending}" or "file"
