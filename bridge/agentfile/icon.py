"""The picture of an agent: a file that is uploaded when it changed."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

_TYPES = ("jpg", "jpeg", "jpg2", "png", "gif", "webp", "heic", "heif", "bmp", "tiff")
"""Pictures among what `POST /v1/files/upload` takes; the type is judged by the name."""

LARGEST = 512 * 1024 * 1024
"""Bytes, of any upload."""


@dataclass(frozen=True, slots=True)
class Icon:
    """A picture to upload. digest: what it is compared by."""

    name: str
    content: bytes
    digest: str


def icon(name: str, content: bytes) -> Icon:
    """Judge a picture by its name and size. Raises `ValueError` with the rest of a sentence."""
    if PurePath(name).suffix.removeprefix(".").lower() not in _TYPES:
        raise ValueError(f"is no picture that Coze takes; its name must end in {', '.join(_TYPES)}")
    if not content:
        raise ValueError("is empty")
    if len(content) > LARGEST:
        raise ValueError("is larger than 512 MB")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Icon(PurePath(name).name, content, digest)


def same_picture(one: str, other: str) -> bool:
    """Compare two addresses at Coze, whose host and signature change from call to call."""
    return urlsplit(one).path == urlsplit(other).path
