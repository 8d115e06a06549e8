r"""Cards: what the question and input nodes of workflows say, and what may be replied. Pure.

Coze documents no schema. Those of coze-studio's server are known (its files chatflow.go,
message_builder.go and question_answer.go, 2025): in an agent

    {"type": "question", "content_type": "option",
     "content": {"question": "…", "options": [{"name": "…"}]}}

and in a chatflow, beside a drawing of the card in `data`,

    {"x_properties": {"workflow_card_info": "{\"card_type\": \"QUESTION\",
     \"question_card_data\": {\"Title\": \"…\", \"Options\": [{\"name\": \"…\"}]}}"}}

An input node has `form_schema` for `option`, or `INPUT` for `QUESTION`, and lists its fields. So
options are looked for under their name wherever they are, and fields likewise; of any other card
the words are read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.clean import clean
from bridge.coze.wire import Json, decode, word

_CARD = "🗂️"
"""Stands for a card in which no words were found."""

_DEEPEST = 20
_MOST_OPTIONS = 20
"""Of more than these no reader wants buttons; then they are part of the text."""

# Where cards keep their words. Whatever is under other names (templates, styles, ids, URLs)
# stays out.
_WORDS = ("title", "question", "text", "content", "description", "label", "name", "value")
_QUESTIONS = ("question", "title", "description", "text", "content")
_NAMES = ("name", "label", "text", "title", "content", "value", "key")


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says, and what its reader may reply; the text does not repeat the options."""

    text: str
    options: tuple[str, ...] = ()


def card(content: str) -> Card:
    """Read a card. What is not the JSON it claims to be, somebody wrote for people."""
    value = decode(content)
    if value is None:
        return Card(clean(content))
    return _question(value) or _form(value) or Card(_words(value) or _CARD)


def _question(value: object) -> Card | None:
    for found in _objects(value):
        options = _names(found.get("options"))
        if options:
            text = clean(next((each for name in _QUESTIONS if (each := word(found, name))), ""))
            text = text.strip() or _words(value, without=options) or _CARD
            few = len(options) <= _MOST_OPTIONS
            return Card(text, options) if few else Card("\n\n".join((text, *options)))
    return None


def _form(value: object) -> Card | None:
    """Read an input card. It is replied to by a line for each field, its name and its value."""
    for found in _objects(value):
        fields = found.get("input_card_data")
        if word(found, "content_type") == "form_schema":
            fields = found.get("content")
        if names := _names(decode(fields) if isinstance(fields, str) else fields):
            return Card("\n\n".join(f"{name}: …" for name in names))
    return None


def _names(items: object) -> tuple[str, ...]:
    """Read a list of options or of fields: texts, or objects with a name; each once."""
    if not isinstance(items, list):
        return ()
    names = (clean(_name(item)).strip() for item in items)
    return tuple(dict.fromkeys(name for name in names if name))


def _name(item: object) -> str:
    if isinstance(item, dict):
        return next((name for key in _NAMES if (name := word(_lower(item), key))), "")
    return item if isinstance(item, str) else ""


def _objects(value: object, depth: int = 0) -> Iterator[Json]:
    """Walk all objects, their keys in lower case; JSON may hide in strings again."""
    if depth > _DEEPEST:
        return
    match value:
        case dict():
            yield _lower(value)
            for inner in value.values():
                yield from _objects(inner, depth + 1)
        case list():
            for inner in value:
                yield from _objects(inner, depth + 1)
        case str() if value[:1] in ("{", "["):
            yield from _objects(decode(value), depth + 1)


def _lower(source: Json) -> Json:
    return {key.lower(): value for key, value in source.items()}


def _words(value: object, without: Iterable[str] = ()) -> str:
    lines = dict.fromkeys(clean(line).strip() for line in _texts(value))
    return "\n\n".join(line for line in lines if line and line not in set(without))


def _texts(value: object, *, wanted: bool = False, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    match value:
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, wanted=key.lower() in _WORDS, depth=depth + 1)
        case list():
            for inner in value:
                yield from _texts(inner, wanted=wanted, depth=depth + 1)
        case str() if value[:1] in ("{", "[") and isinstance(nested := decode(value), dict | list):
            yield from _texts(nested, depth=depth + 1)
        case str() if wanted:
            yield value
        case _:
            return
