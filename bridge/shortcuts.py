"""The agent's own commands: what a user types becomes the question its author wrote. Pure."""

import re
from collections.abc import Iterable

from bridge.upstream import Field, Shortcut

_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def spelled_out(text: str, shortcuts: Iterable[Shortcut]) -> str:
    """Return the question that `/word text` stands for; any other text as it is."""
    if not text.startswith("/"):
        return text
    head, *rest = text.split(maxsplit=1)
    for shortcut in shortcuts:
        if f"/{shortcut.word}".casefold() == head.casefold():
            return filled(shortcut, "".join(rest).strip()) or text
    return text


def filled(shortcut: Shortcut, argument: str) -> str:
    """Fill in a shortcut's template.

    Each field that is asked takes a word of the argument, the last one all that is left; a field
    that gets nothing has its default. What no place of the template takes is put behind it, so
    that nothing a user said is lost.
    """
    asked = [field for field in shortcut.fields if field.is_asked]
    given = argument.split(maxsplit=len(asked) - 1) if asked else []
    values = {field.name: field.default for field in shortcut.fields}
    values |= {field.name: _chosen(field, text) for field, text in zip(asked, given, strict=False)}
    places = set(_PLACE.findall(shortcut.template))
    question = _PLACE.sub(lambda place: values.get(place[1], place[0]), shortcut.template)
    said = [text for field, text in zip(asked, given, strict=False) if field.name not in places]
    left = " ".join(said) if asked else argument
    return f"{question} {left}".strip()


def _chosen(field: Field, text: str) -> str:
    """Return the option a user meant, in its own spelling; anything else as it was said."""
    return next((each for each in field.options if each.casefold() == text.casefold()), text)
