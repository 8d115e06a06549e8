"""The text a person reads, out of an answer that is not plain text: pure."""

from collections.abc import Iterator

from bridge.clean import clean
from bridge.coze.wire import Json, Message, child, children, decode, word

_CARD = "🗂️"
"""Stands for a card in which no words were found."""

# Where cards keep their words. Coze documents no schema, so whatever is under other names
# (templates, styles, ids, URLs) stays out.
_WORDS = ("title", "question", "text", "content", "description", "label", "name", "value")


def streams_as_text(message: Message) -> bool:
    """Tell whether increments can be shown; pieces of JSON or of sound cannot."""
    return message.content_type in ("", "text")


def readable(content_type: str, content: str) -> str:
    """Return the content as Markdown; empty for sound, which is no text at all."""
    if content_type == "card":
        return clean(_card(content))
    if content_type == "object_string":
        return clean(_parts(content))
    return "" if content_type == "audio" else clean(content)


def _card(content: str) -> str:
    value = decode(content)
    if value is None:  # not the JSON it claims to be, so somebody wrote it for people
        return content
    lines = dict.fromkeys(line.strip() for line in _texts(value))
    return "\n\n".join(line for line in lines if line) or _CARD


def _texts(value: object, *, wanted: bool = False, depth: int = 0) -> Iterator[str]:
    """Walk a card; JSON may hide in its strings again."""
    if depth > 20:
        return
    match value:
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, wanted=key in _WORDS, depth=depth + 1)
        case list():
            for inner in value:
                yield from _texts(inner, wanted=wanted, depth=depth + 1)
        case str() if value[:1] in ("{", "[") and isinstance(nested := decode(value), dict | list):
            yield from _texts(nested, depth=depth + 1)
        case str() if wanted:
            yield value
        case _:
            return


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
