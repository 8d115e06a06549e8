"""What a browser posted becomes an `Inbound`. Pure: bytes in, values out."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.web.faults import bad_request
from adapters.web.shelf import Kept
from bridge.events import Attachment, AttachmentKind, ChatRef, Inbound, Place, User
from bridge.lent import Entry

_MIME = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}(?:;[ a-z0-9=.,+-]{1,60})?")
_KINDS = {
    "image": AttachmentKind.PHOTO,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
}
_TOO_MUCH = 2**63 - 1  # what comes after an id is asked for as well, and databases count no further
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_FILES = 10  # of one message
_LONGEST_REASON = 1000  # characters of why an answer was not good
_LONGEST_PROFILE = 200  # characters of a name, a language tag, a time zone


@dataclass(frozen=True, slots=True)
class Posted:
    """One message as the page sends it.

    id: made by the page, the same in every attempt at the same message.
    name, language, timezone: what the page knows of its reader; empty where it does not.
    files: ids of what was uploaded for it. edits: the transcript's id of the message whose words
        these replace; 0 for a new one.
    """

    id: str
    text: str
    name: str = ""
    language: str = ""
    timezone: str = ""
    files: tuple[str, ...] = ()
    place: Place | None = None
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Rated:
    """What somebody thinks of an answer: like, dislike, or none, which takes it back."""

    id: str
    about: int
    rating: str
    reason: str = ""
    language: str = ""

    @property
    def kept(self) -> str:
        """What the transcript remembers."""
        return "" if self.rating == "none" else self.rating


def posted(body: bytes) -> Posted:
    """Read the body of a message. Raises `Refused` (400), naming what is wrong."""
    fields = json_object(body)
    client_id, files, edits = _client_id(fields), _files(fields), _number(fields, "edits")
    text = text_of(fields, "text").replace("\r\n", "\n").replace("\x00", "").strip("\n")
    if not text.strip() and not files:
        raise bad_request("text is empty.")
    return Posted(
        id=client_id,
        text=text,
        name=_profile(fields, "name"),
        language=_profile(fields, "language"),
        timezone=_profile(fields, "timezone"),
        files=files,
        place=_place(fields),
        edits=edits,
    )


def rated(body: bytes) -> Rated:
    """Read the body of a rating. Raises `Refused` (400), naming what is wrong."""
    fields = json_object(body)
    rating = text_of(fields, "rating")
    if rating not in {"like", "dislike", "none"}:
        raise bad_request("rating must be like, dislike or none.")
    reason = " ".join(text_of(fields, "reason", "").replace("\x00", "").split())
    return Rated(
        id=_client_id(fields),
        about=_number(fields, "about"),
        rating=rating,
        reason=reason[:_LONGEST_REASON],
        language=_profile(fields, "language"),
    )


def upload(query: Mapping[str, str], size: int | None) -> Kept:
    """Read what a file's sender says of it. Raises `Refused` (400).

    kind: `voice` for what was recorded on the page; others are told by their media type.
    """
    said = query.get("mime", "").strip().lower()
    if not _MIME.fullmatch(said):
        said = ""
    kind = AttachmentKind.VOICE if query.get("kind") == "voice" else _kind(said)
    name = query.get("name", "")
    return Kept(id="", name=name, size=size or 0, kind=kind.value, said=said)


def json_object(body: bytes) -> dict[str, object]:
    """Parse `body` as a JSON object. Raises `Refused` (400)."""
    try:
        fields = json.loads(body)
        body.decode().encode()
        json.dumps(fields, ensure_ascii=False).encode()  # a lone surrogate is not storable text
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not valid JSON in UTF-8.") from error
    if not isinstance(fields, dict):
        raise bad_request("The body must be a JSON object.")
    return fields


def text_of(fields: dict[str, object], name: str, default: str | None = None) -> str:
    """Return the string field `name`. Raises `Refused` (400) if it is missing or no string."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string.")
    return value


def _client_id(fields: dict[str, object]) -> str:
    client_id = text_of(fields, "id")
    if not _CLIENT_ID.fullmatch(client_id):
        raise bad_request("id must be 1 to 64 letters, digits, - or _, such as a UUID.")
    return client_id


def _files(fields: dict[str, object]) -> tuple[str, ...]:
    files = fields.get("files", [])
    if not isinstance(files, list) or len(files) > _MOST_FILES:
        raise bad_request(f"files must be a list of at most {_MOST_FILES} ids.")
    return tuple(text_of({"files": each}, "files") for each in files)


def _number(fields: dict[str, object], name: str) -> int:
    value = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _TOO_MUCH:
        raise bad_request(f"{name} must be the id of a message.")
    return value


def _place(fields: dict[str, object]) -> Place | None:
    given = fields.get("place")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise bad_request("place must have a latitude and a longitude.")
    return Place(_degrees(given, "latitude", 90), _degrees(given, "longitude", 180))


def _degrees(given: dict[str, object], name: str, most: float) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        raise bad_request(f"{name} must be a number of degrees.")
    return float(value)


def _kind(mime: str) -> AttachmentKind:
    return _KINDS.get(mime.partition("/")[0], AttachmentKind.DOCUMENT)


def _profile(fields: dict[str, object], name: str) -> str:
    return " ".join(text_of(fields, name, "").split())[:_LONGEST_PROFILE]


def key_of(chat: str, client_id: str) -> str:
    """The transcript's key: apart from other visitors' ids, and from the bridge's keys."""
    return f"user:{chat}:{client_id}"


def event_of(entry: Entry) -> str | None:
    """The event as which a message in the transcript was told; None for what is no message."""
    sort, _, event = entry.key.partition(":")
    return event if sort == "user" else None


def inbound(account: str, message: Posted, entry: Entry, files: Sequence[Kept] = ()) -> Inbound:
    """Join the message and its place in the transcript.

    The visitor is their chat, so its id names the user too. `sent_at` is the transcript's, so
    that a repeat is equal to the first attempt.
    """
    return Inbound(
        event_id=f"{entry.chat}:{message.id}",
        chat=ChatRef(platform="web", account=account, chat=entry.chat),
        user=User(
            id=entry.chat,
            name=message.name,
            language=message.language,
            timezone=message.timezone,
        ),
        text=message.text,
        sent_at=entry.at,
        attachments=tuple(_attachment(file) for file in files),
        place=message.place,
    )


def edited(account: str, message: Posted, entry: Entry, now: datetime) -> Inbound:
    """Other words for a message that was told before."""
    told = inbound(account, message, entry)
    return replace(told, edits=event_of(entry) or "", sent_at=now)


def feedback(account: str, rated: Rated, entry: Entry, now: datetime) -> Inbound:
    """What somebody thinks of an answer, as the command it stands for."""
    return Inbound(
        event_id=f"{entry.chat}:{rated.id}",
        chat=ChatRef(platform="web", account=account, chat=entry.chat),
        user=User(id=entry.chat, language=rated.language),
        text=f"/feedback {rated.rating} {rated.reason}".strip(),
        sent_at=now,
        pressed=True,
        about=str(entry.id),
    )


def _attachment(file: Kept) -> Attachment:
    return Attachment(AttachmentKind(file.kind), file.id, file.name, file.size, file.said)
