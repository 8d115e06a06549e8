"""What can be done with a file before it is read: by its kind, its name and its size. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.config import Voice
from bridge.events import Attachment, AttachmentKind
from bridge.filenames import extension, extension_of, harmless
from bridge.upstream import PartKind

MB = 1024 * 1024
LARGEST = 512 * MB  # what Coze takes (reference of `POST /v1/files/upload`)
LARGEST_SPEECH = 10 * MB  # what it writes down


class Why(StrEnum):
    """Why a file was not passed on. Stored, so the words are for ever."""

    TOO_LARGE = "too large"
    EMPTY = "empty"
    FORMAT = "format"
    ANIMATED = "animated"
    VOICE_OFF = "voice off"
    WITHHELD = "withheld"
    GONE = "gone"
    UNREADABLE = "unreadable"
    NOT_TAKEN = "not taken"
    NOT_HEARD = "not heard"


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that stays behind. limit: bytes, where it is a matter of size."""

    name: str
    why: Why
    limit: float = 0


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that may go on. kind: None if only what is said in it goes on. limit: bytes."""

    name: str
    kind: PartKind | None
    limit: float


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# https://www.coze.cn/open/docs/developer_guides/upload_files and its OpenAPI description.
_IMAGES = _set("jpg jpg2 png gif webp heic heif bmp pcd tiff")
_DOCUMENTS = _set("doc docx xls xlsx ppt pptx pdf numbers csv cpp py java c")
_SOUNDS = _set("wav mp3 flac m4a aac ogg wma midi")
_FILMS = _set("mp4 avi mov 3gp 3gpp flv webm wmv rmvb m4v mkv")
_PACKED = _set("rar zip 7z gz gzip bz2")
# Of these nobody says that Coze takes them, nor that it does not: it is asked.
_TEXTS = _set(
    "txt md json jsonl xml yaml yml html htm log ini toml tsv js ts jsx tsx go rs rb php sh sql "
    "css tex srt vtt rtf h hpp cs kt swift lua r ipynb epub odt ods odp svg"
)
# An agent listens to these alone; of other recordings, such as Slack's, it gets the words.
_HEARD = _set("ogg wav")
_KNOWN = _IMAGES | _DOCUMENTS | _SOUNDS | _FILMS | _PACKED | _TEXTS

_USUAL = {
    AttachmentKind.PHOTO: "jpg",
    AttachmentKind.AUDIO: "mp3",
    AttachmentKind.VIDEO: "mp4",
    AttachmentKind.VOICE: "ogg",
    AttachmentKind.STICKER: "webp",
}


def judge(attachment: Attachment, *, largest: float, voice: Voice) -> Passed | Refused:
    """Decide what becomes of a file. largest: bytes the platform hands out."""
    ending = _ending(attachment)
    name = _name(attachment, ending)
    speaks = attachment.kind is AttachmentKind.VOICE
    in_words = speaks and (voice is Voice.TRANSCRIBE or ending not in _HEARD)
    limit = min(largest, LARGEST)
    if in_words:
        limit = min(limit, LARGEST_SPEECH)
    if why := _objection(attachment, ending, limit, voice):
        return Refused(name, why, limit)
    return Passed(name, _kind(ending, speaks=speaks, in_words=in_words), limit)


def is_ogg(attachment: Attachment) -> bool:
    """Tell whether a recording is Ogg Opus, as far as is known before it is read."""
    return _ending(attachment) == "ogg"


def _objection(attachment: Attachment, ending: str, limit: float, voice: Voice) -> Why | None:
    if attachment.kind is AttachmentKind.VOICE and voice is Voice.OFF:
        return Why.VOICE_OFF
    if ending == "tgs":
        return Why.ANIMATED
    if ending not in _KNOWN:
        return Why.FORMAT
    if attachment.size is not None and attachment.size > limit:
        return Why.TOO_LARGE
    return Why.EMPTY if attachment.size == 0 else None


def _kind(ending: str, *, speaks: bool, in_words: bool) -> PartKind | None:
    if speaks:
        return None if in_words else PartKind.AUDIO
    return PartKind.IMAGE if ending in _IMAGES else PartKind.FILE


def _ending(attachment: Attachment) -> str:
    """The extension: of the name if we know it, else of the media type, else the usual one."""
    of_name, of_mime = extension(attachment.name), extension_of(attachment.mime)
    if of_name in _KNOWN:
        return of_name
    if of_mime:
        return of_mime
    if of_name:
        return of_name
    return "txt" if attachment.mime.startswith("text/") else _USUAL.get(attachment.kind, "")


def _name(attachment: Attachment, ending: str) -> str:
    if attachment.kind is AttachmentKind.VOICE:
        return f"voice.{ending}"
    return harmless(attachment.name, ending, instead=attachment.kind.value)
