"""Names that somebody else gave to files: made harmless, and told apart by extension. Pure."""

import re
import unicodedata

LONGEST = 100  # characters; every platform and file system takes that many

_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,10})\Z")
_INNER = re.compile(r"\.(?=(?=[0-9]*[A-Za-z])[A-Za-z0-9]{2,5}(?:\.|\Z))")
_SAME = {
    "jpeg": "jpg",
    "jpe": "jpg",
    "jfif": "jpg",
    "tif": "tiff",
    "oga": "ogg",
    "opus": "ogg",
    "mid": "midi",
    "mpga": "mp3",
}
_OF_MIME = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "image/svg+xml": "svg",
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/json": "json",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/x-tgsticker": "tgs",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
}


def extension(name: str) -> str:
    """What stands after the last dot, in small letters and one spelling; empty without one."""
    found = _EXTENSION.search(name)
    return same(found[1].lower()) if found else ""


def same(ending: str) -> str:
    """The usual spelling of an extension."""
    return _SAME.get(ending, ending)


def extension_of(mime: str) -> str:
    """The extension of a media type, as far as we know it."""
    return _OF_MIME.get(mime.partition(";")[0].strip().lower(), "")


def harmless(name: str, ending: str, instead: str = "file") -> str:
    """Make a name that is one, with no folder, no trick of writing, and one extension.

    ending: the extension it gets. instead: the stem of a name of which nothing is left.
    """
    last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    plain = _FORBIDDEN.sub("_", " ".join(shown.split()))
    stem = _INNER.sub("_", _EXTENSION.sub("", plain)).strip(" ._")
    stem = stem[: LONGEST - len(ending) - 1].rstrip(" .") or instead
    return f"{stem}.{ending}" if ending else stem
