"""The files in a message. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.telegram.raw import number
from bridge.events import Attachment, AttachmentKind
from bridge.foreign import Json, fields, items, text


@dataclass(frozen=True, slots=True)
class _Kind:
    """name: of a file that has none; ending, mime: where Telegram does not tell."""

    kind: AttachmentKind
    name: str
    ending: str = ""
    mime: str = ""


_KINDS = {
    "animation": _Kind(AttachmentKind.VIDEO, "animation", ".mp4", "video/mp4"),
    "document": _Kind(AttachmentKind.DOCUMENT, "document"),
    "audio": _Kind(AttachmentKind.AUDIO, "audio", ".mp3", "audio/mpeg"),
    "video": _Kind(AttachmentKind.VIDEO, "video", ".mp4", "video/mp4"),
    # Telegram does not tell the type of these; they are always MPEG-4.
    "video_note": _Kind(AttachmentKind.VIDEO, "video", ".mp4", "video/mp4"),
    "voice": _Kind(AttachmentKind.VOICE, "voice", ".ogg", "audio/ogg"),
}
# Of what comes without a name, most often recordings of some other program.
_ENDINGS = {
    "audio/ogg": ".ogg",
    "audio/opus": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/x-m4a": ".m4a",
    "audio/aac": ".aac",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/flac": ".flac",
    "audio/x-flac": ".flac",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}
_PHOTO = _Kind(AttachmentKind.PHOTO, "photo", ".jpg", "image/jpeg")
_STICKER = _Kind(AttachmentKind.STICKER, "sticker", ".webp", "image/webp")
_ANIMATED = _Kind(AttachmentKind.STICKER, "sticker", ".tgs", "application/x-tgsticker")
_MOVING = _Kind(AttachmentKind.STICKER, "sticker", ".webm", "video/webm")


def attachments(message: Json) -> tuple[Attachment, ...]:
    """The files of a message; of a photo's sizes the largest, which comes last."""
    return tuple(_found(message))


def _found(message: Json) -> Iterator[Attachment]:
    media = {name: fields(message.get(name)) for name in _KINDS}
    if media["animation"]:
        del media["document"]  # the same file once more, for old clients
    for name, each in media.items():
        if each:
            yield _attachment(_KINDS[name], each)
    if sticker := fields(message.get("sticker")):
        yield _sticker(sticker)
    if photos := items(message.get("photo")):
        yield _attachment(_PHOTO, fields(photos[-1]))


def _sticker(sticker: Json) -> Attachment:
    """A sticker as a picture; of one that moves, the picture that stands for it.

    Without such a picture it is what it is, and its name tells whoever has no use for it.
    """
    if not (sticker.get("is_animated") or sticker.get("is_video")):
        return _attachment(_STICKER, sticker)
    if still := fields(sticker.get("thumbnail")):
        return _attachment(_STICKER, still)
    return _attachment(_MOVING if sticker.get("is_video") else _ANIMATED, sticker)


def _attachment(kind: _Kind, media: Json) -> Attachment:
    mime = text(media.get("mime_type")) or kind.mime
    return Attachment(
        kind=kind.kind,
        ref=text(media.get("file_id")),
        # As somebody called it: whoever stores it makes it harmless.
        name=text(media.get("file_name")) or kind.name + _ENDINGS.get(mime, kind.ending),
        size=number(media.get("file_size")) or None,
        mime=mime,
    )
