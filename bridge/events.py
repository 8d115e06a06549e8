"""What passes between the stages: small frozen values, free of anything platform-shaped."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class ChatKind(StrEnum):
    """How many people can read along, which decides pacing and whose conversation it is.

    In a group, `sessions.group_scope` says whose it is. A thread belongs to all who write in it.
    """

    PRIVATE = "private"
    GROUP = "group"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class ChatRef:
    """A place where messages are read and written.

    account: the adapter's table name in the configuration; one platform may have several.
    chat, thread: the platform's own ids as text; `thread` is empty outside topics and threads.
    via: which of several ways to the place to write through (a business connection).
    reply_to: the message that is being answered, where the platform shows such a thing; the
        place is the same without it.
    """

    platform: str
    account: str
    chat: str
    thread: str = ""
    kind: ChatKind = ChatKind.PRIVATE
    via: str = ""
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """A person as one platform knows them. Only `id` is certain to be there.

    language: a BCP 47 tag such as "zh-CN"; timezone: an IANA name such as "Asia/Shanghai".
    """

    id: str
    name: str = ""
    first_name: str = ""
    username: str = ""
    language: str = ""
    timezone: str = ""
    email: str = ""


class AttachmentKind(StrEnum):
    """What a file is to the person who sent it."""

    PHOTO = "photo"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"
    VOICE = "voice"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file the user sent, still on the platform.

    ref: what the adapter needs to fetch it; size: bytes where the platform tells.
    """

    kind: AttachmentKind
    ref: str
    name: str = ""
    size: int | None = None
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A position on the earth, in degrees of WGS 84."""

    latitude: float
    longitude: float


ALBUM_WINDOW = 1.5
"""Seconds within which the parts of an album follow each other; each is a message of its own."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One user message, already stripped of everything platform-shaped.

    event_id: repeats when the platform redelivers; unique per (platform, account).
    text: as typed; a pressed button arrives as the words it says (`Button.says`).
    sent_at: aware, UTC.
    pressed: it was a button, and the platform does not show its words as somebody's message;
        the answer quotes them.
    title: the name of the group or channel it was written in.
    overheard: somebody else reads along even in a private chat (the owner of a business account).
    place: a position they sent. A contact, a poll and the like arrive as `text`.
    about: the id of the message of ours that it refers to: whose button was pressed, or which
        was reacted to.
    edits: the `event_id` of an earlier message, whose words its writer has changed into `text`.
    album: the platform's id of the album that it is a part of, with others of the same chat.
    """

    event_id: str
    chat: ChatRef
    user: User
    text: str
    sent_at: datetime
    attachments: tuple[Attachment, ...] = ()
    pressed: bool = False
    title: str = ""
    overheard: bool = False
    place: Place | None = None
    about: str = ""
    edits: str = ""
    album: str = ""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message of ours on a platform, by the platform's own id."""

    chat: ChatRef
    id: str


class Wanted(StrEnum):
    """What a button may ask its reader for, where the platform has a way to give it."""

    WORDS = ""
    LOCATION = "location"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Button:
    """Pressing it is as if the user had typed `says`.

    wants: it asks for that instead; a platform without a way to give it leaves the button out.
    """

    label: str
    says: str
    wants: Wanted = Wanted.WORDS


class EnclosureKind(StrEnum):
    """How a file of ours is to be shown."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that a message of ours consists of. Exactly one of `url`, `speech`, `data` is given.

    name: with its extension, free of folders.
    url: where it lies, http or https; from the answer, so nobody vouches for it.
    speech: the words that are to be spoken, with `voice`, an id at Coze.
    data: the file itself, Ogg Opus.
    """

    # Read by the codec of `store`, because JSON has no bytes.
    __pydantic_config__: ClassVar = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    kind: EnclosureKind
    name: str
    url: str = ""
    speech: str = ""
    voice: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Page:
    """What one message on the platform should show.

    text: neutral Markdown, never empty, within the adapter's `Capabilities.max_text`.
    final: it will not change again, so the platform may add what only a finished message has.
    plain: show the text literally, because its markup was refused.
    file: the message is this file; then `text` describes it, and it is posted and never edited.
    rates: its reader may say whether the answer was good: `/feedback like`, `/feedback dislike`,
        with `Inbound.about`. Only on a final page.
    """

    text: str
    final: bool = False
    buttons: tuple[Button, ...] = ()
    plain: bool = False
    file: Enclosure | None = None
    rates: bool = False
