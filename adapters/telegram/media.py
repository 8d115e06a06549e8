"""The files in a message, and what else it may hold that nobody can read. Pure."""

from adapters.telegram.raw import number
from bridge.events import Attachment, AttachmentKind
from bridge.foreign import Json, fields, items, text

_KINDS = {
    "animation": AttachmentKind.VIDEO,
    "document": AttachmentKind.DOCUMENT,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
    "video_note": AttachmentKind.VIDEO,
    "voice": AttachmentKind.VOICE,
    "sticker": AttachmentKind.STICKER,
}
_UNREADABLE = frozenset(
    {
        "checklist",
        "contact",
        "dice",
        "game",
        "invoice",
        "location",
        "paid_media",
        "poll",
        "story",
        "venue",
    }
)


def attachments(message: Json) -> tuple[Attachment, ...]:
    """The files of a message; of a photo's sizes the largest, which comes last."""
    media = {name: fields(message.get(name)) for name in _KINDS}
    if media["animation"]:
        del media["document"]  # the same file once more, for old clients
    found = [_attachment(_KINDS[name], each) for name, each in media.items() if each]
    if photos := items(message.get("photo")):
        found.append(_attachment(AttachmentKind.PHOTO, fields(photos[-1])))
    return tuple(found)


def is_unreadable(message: Json) -> bool:
    """Tell whether a person sent something that is neither a text nor a file."""
    return not _UNREADABLE.isdisjoint(message)


def _attachment(kind: AttachmentKind, media: Json) -> Attachment:
    return Attachment(
        kind=kind,
        ref=text(media.get("file_id")),
        name=text(media.get("file_name")),
        size=number(media.get("file_size")) or None,
        mime=text(media.get("mime_type")),
    )
