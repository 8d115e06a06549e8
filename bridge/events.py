"""What passes between the stages: small frozen values, free of anything platform-shaped."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
class Inbound:
    """One user message, already stripped of everything platform-shaped.

    event_id: repeats when the platform redelivers; unique per (platform, account).
    text: as typed; a pressed button arrives as the words it says (`Button.says`).
    sent_at: aware, UTC.
    pressed: it was a button, and the platform does not show its words as somebody's message;
        the answer quotes them.
    title: the name of the group or channel it was written in.
    overheard: somebody else reads along even in a private chat (the owner of a business account).
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


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message of ours on a platform, by the platform's own id."""

    chat: ChatRef
    id: str


@dataclass(frozen=True, slots=True)
class Button:
    """Pressing it is as if the user had typed `says`."""

    label: str
    says: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one message on the platform should show.

    text: neutral Markdown, never empty, within the adapter's `Capabilities.max_text`.
    final: it will not change again, so the platform may add what only a finished message has.
    plain: show the text literally, because its markup was refused.
    """

    text: str
    final: bool = False
    buttons: tuple[Button, ...] = ()
    plain: bool = False
