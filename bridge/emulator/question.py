"""The messages of a request: what may be sent, and which question they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bridge.emulator.state import Refused, refused

MOST_PAIRS = 16


class EnterMessage(BaseModel):
    """A message of a request. Unknown fields are ignored, as Coze does."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["user", "assistant"]
    type: str | None = None
    content: str | None = None
    content_type: str | None = "text"
    meta_data: dict[str, str] | None = None


class _Item(BaseModel):
    type: Literal["text", "file", "image", "audio"]
    text: str | None = None
    file_id: str | None = None
    file_url: str | None = None


_ITEMS: TypeAdapter[list[_Item]] = TypeAdapter(list[_Item])
_ASSISTANT_TYPES = ("answer", "function_call", "tool_output", "tool_response")


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a message, and the files that came with it: kinds, and ids or addresses."""

    text: str
    files: tuple[tuple[str, str], ...] = ()

    @property
    def audio(self) -> bool:
        """Whether somebody speaks."""
        return any(kind == "audio" for kind, _ in self.files)


def checked_pairs(meta_data: dict[str, str] | None) -> dict[str, str]:
    """Return meta_data. Raises `Refused` 4003 when it is over its limits."""
    pairs = meta_data or {}
    fits = all(1 <= len(key) <= 64 and 1 <= len(value) <= 512 for key, value in pairs.items())
    if len(pairs) > MOST_PAIRS or not fits:
        raise refused(4003, "meta_data: at most 16 pairs, keys of 1-64 and values of 1-512")
    return pairs


def checked_messages(messages: Sequence[EnterMessage], most: int) -> Sequence[EnterMessage]:
    """Return the messages. Raises `Refused` 4003, 4004, 4000."""
    if len(messages) > most:
        raise refused(4004, f"additional_messages: at most {most}")
    for message in messages:
        checked_pairs(message.meta_data)
        _check_type(message)
        content(message)
    if messages and messages[-1].role != "user":
        raise _bad("the last of additional_messages must have role=user")
    _check_lonely_files(messages)
    return messages


def _bad(problem: str) -> Refused:
    return refused(4000, f"Request parameter error: {problem}")


def _check_type(message: EnterMessage) -> None:
    if message.role == "user" and message.type not in (None, "", "question"):
        raise _bad(f"a message of the user cannot have type {message.type}")
    if message.role == "assistant" and message.type not in (None, "", *_ASSISTANT_TYPES):
        raise _bad(f"a message of the assistant cannot have type {message.type}")


def _check_lonely_files(messages: Sequence[EnterMessage]) -> None:
    """A message of only files needs a text message beside it; audio speaks for itself."""
    for place, message in enumerate(messages):
        here = content(message)
        if here.text or here.audio or not here.files:
            continue
        beside = (*messages[max(0, place - 1) : place], *messages[place + 1 : place + 2])
        if not any(content(other).text for other in beside):
            raise _bad("a message of only files needs an adjacent text message")


def content(message: EnterMessage) -> Content:
    """Read a message's content. Raises `Refused` 4000."""
    if message.content_type != "object_string":
        return Content(message.content or "")
    try:
        items = _ITEMS.validate_json(message.content or "")
    except ValidationError as error:
        raise _bad("the content of an object_string must be a JSON list of items") from error
    texts = [item.text or "" for item in items if item.type == "text"]
    files = tuple(
        (item.type, item.file_id or item.file_url or "") for item in items if item.type != "text"
    )
    if len(texts) > 1:
        raise _bad("an object_string may have one text item")
    if not all(key for _, key in files) or (texts and not files):
        raise _bad("an object_string needs a file_id or file_url in a file or image item")
    return Content("".join(texts), files)
