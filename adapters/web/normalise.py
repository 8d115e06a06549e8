"""What a browser posted becomes an `Inbound`. Pure: bytes in, values out."""

import json
import re
from dataclasses import dataclass

from adapters.web.faults import bad_request
from bridge.events import ChatRef, Inbound, User
from bridge.lent import Entry

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_PROFILE = 200  # characters of a name, a language tag, a time zone


@dataclass(frozen=True, slots=True)
class Posted:
    """One message as the page sends it.

    id: made by the page, the same in every attempt at the same message.
    name, language, timezone: what the page knows of its reader; empty where it does not.
    """

    id: str
    text: str
    name: str = ""
    language: str = ""
    timezone: str = ""


def posted(body: bytes) -> Posted:
    """Read the body of a message. Raises `Refused` (400), naming what is wrong."""
    fields = json_object(body)
    client_id = text_of(fields, "id")
    if not _CLIENT_ID.fullmatch(client_id):
        raise bad_request("id must be 1 to 64 letters, digits, - or _, such as a UUID.")
    text = text_of(fields, "text").replace("\r\n", "\n").replace("\x00", "").strip("\n")
    if not text.strip():
        raise bad_request("text is empty.")
    return Posted(
        id=client_id,
        text=text,
        name=_profile(fields, "name"),
        language=_profile(fields, "language"),
        timezone=_profile(fields, "timezone"),
    )


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


def _profile(fields: dict[str, object], name: str) -> str:
    return " ".join(text_of(fields, name, "").split())[:_LONGEST_PROFILE]


def inbound(account: str, message: Posted, entry: Entry) -> Inbound:
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
    )
