"""The text a person reads, out of an answer that is not plain text: pure."""

from bridge.clean import clean
from bridge.coze.cards import card
from bridge.coze.wire import Json, Message, child, children, decode, word


def streams_as_text(content_type: str) -> bool:
    """Tell whether increments can be shown; pieces of JSON or of sound cannot."""
    return content_type in ("", "text")


def readable(content_type: str, content: str) -> str:
    """Return the content as Markdown; empty for sound, which is no text at all."""
    if content_type == "card":
        return card(content).text
    if content_type == "object_string":
        return clean(_parts(content))
    return "" if content_type == "audio" else clean(content)


def options(message: Message) -> tuple[str, ...]:
    """Return what a message offers as replies to it; its text leaves them out."""
    return card(message.content).options if message.content_type == "card" else ()


def _parts(content: str) -> str:
    """Join the parts of an `object_string`: text, and links to what has an address."""
    value = decode(content)
    parts = list(children({"parts": value}, "parts"))
    if not parts:
        return content
    return "\n\n".join(text for part in parts if (text := _part(part)))


def _part(part: Json) -> str:
    if word(part, "type") == "text":
        return word(part, "text")
    url = word(part, "file_url") or word(child(part, "image_url"), "url")
    if not url:
        return ""
    name = word(part, "name") or word(part, "type") or "file"
    return f"![]({url})" if word(part, "type") == "image" else f"[{name}]({url})"
