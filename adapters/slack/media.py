"""The files in a message. Pure."""

from adapters.slack.raw import number
from bridge.events import Attachment, AttachmentKind
from bridge.foreign import Json, fields, items, text

_KINDS = {
    "image": AttachmentKind.PHOTO,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
}
_GONE = frozenset({"tombstone", "hidden_by_limit"})


def attachments(event: Json) -> tuple[Attachment, ...]:
    """The files of a message, by id; of one from another organisation Slack tells no more."""
    found = map(fields, items(event.get("files")))
    return tuple(_attachment(file) for file in found if text(file.get("id")) and not _is_gone(file))


def _is_gone(file: Json) -> bool:
    return text(file.get("mode")) in _GONE


def _attachment(file: Json) -> Attachment:
    mime = text(file.get("mimetype"))
    return Attachment(
        kind=_kind(mime, text(file.get("subtype"))),
        ref=text(file.get("id")),
        name=text(file.get("name")),
        size=number(file.get("size")),
        mime=mime,
    )


def _kind(mime: str, subtype: str) -> AttachmentKind:
    if subtype == "slack_audio":  # recorded in Slack
        return AttachmentKind.VOICE
    return _KINDS.get(mime.partition("/")[0], AttachmentKind.DOCUMENT)
