"""Text and its entities as Telegram counts and cleans them.

Offsets and lengths are UTF-16 units. The rules and the texts of the errors are those of the
server's library (td, MessageEntity.cpp): what is out of range or cuts a surrogate pair is an
error, what exceeds 100 is ignored in silence.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.telegram.emulator.errors import bad

MOST_ENTITIES = 100
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024

_GIVEN = {  # what a bot may ask for
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
    "date_time",
}
_FOUND = {  # what the server finds by itself; passing it has no effect
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bank_card_number",
}
_NEEDS = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
_SEARCH = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"]+)"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?!\w)"
    r"|(?<![\w@])(?P<mention>@[A-Za-z][A-Za-z0-9_]{2,31})(?!\w)"
    r"|(?<![\w#])(?P<hashtag>#\w+)"
)


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity. `detail` has what its type adds: a url, a language, a user's id."""

    type: str
    offset: int
    length: int
    detail: tuple[tuple[str, str | int], ...] = ()

    @property
    def end(self) -> int:
        return self.offset + self.length

    def shown(self) -> dict[str, object]:
        body: dict[str, object] = {
            "type": self.type,
            "offset": self.offset,
            "length": self.length,
        }
        for name, value in self.detail:
            body[name] = (
                {"id": value, "is_bot": False, "first_name": "?"} if name == "user" else value
            )
        return body


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text after entity parsing, as everybody sees it."""

    text: str = ""
    entities: tuple[Entity, ...] = ()


def units(text: str) -> int:
    """How long a text is, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def clean(text: str, given: Iterable[object]) -> Formatted:
    """Check a bot's text and entities, and trim it as the server does. Raises `Refused`."""
    entities = [entity for item in given if (entity := _read(item))]
    if entities:
        _check_ranges(text, entities)
    stripped = text.rstrip()
    lead = units(stripped) - units(stripped.lstrip())
    stripped = stripped.lstrip()
    kept = _sorted(_within(entities, lead, units(stripped)))[:MOST_ENTITIES]
    shown = [*kept, *_found_beside(stripped, kept)][:MOST_ENTITIES]
    return Formatted(stripped, _sorted(shown))


def found(text: str) -> tuple[Entity, ...]:
    """What the server finds in a text: commands, mentions, links, hashtags."""
    if not any(sign in text for sign in "/@#"):
        return ()
    return tuple(
        Entity(match.lastgroup or "", units(text[: match.start()]), units(match[0]))
        for match in _SEARCH.finditer(text)
    )


def cut(text: str, entity: Entity) -> str:
    """The words an entity covers."""
    raw = text.encode("utf-16-le")
    return raw[2 * entity.offset : 2 * entity.end].decode("utf-16-le")


def _read(item: object) -> Entity | None:
    if not isinstance(item, dict):
        raise bad("can't parse MessageEntity: expected an Object")
    kind = item.get("type")
    if kind in _FOUND:
        return None
    if not isinstance(kind, str) or kind not in _GIVEN:
        raise bad("can't parse MessageEntity: Unsupported type specified")
    offset, length = _number(item, "offset"), _number(item, "length")
    if kind in _NEEDS and not item.get(_NEEDS[kind]):
        raise bad(f"can't parse MessageEntity: Can't find field {_NEEDS[kind]!r}")
    return Entity(kind, offset, length, _detail(item)) if length else None


def _number(item: Mapping[str, object], name: str) -> int:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad(f"can't parse MessageEntity: Field {name!r} must be of type Number")
    if not 0 <= value <= 1_000_000:
        raise bad(f"receive an entity with incorrect {name} {value}")
    return value


def _detail(item: Mapping[str, object]) -> tuple[tuple[str, str | int], ...]:
    user = item.get("user")
    detail: list[tuple[str, str | int]] = []
    if isinstance(user, dict) and isinstance(user.get("id"), int):
        detail.append(("user", user["id"]))
    for name in ("url", "language", "custom_emoji_id", "unix_time", "date_time_format"):
        value = item.get(name)
        if isinstance(value, str | int) and value:
            detail.append((name, value))
    return tuple(detail)


def _check_ranges(text: str, entities: Iterable[Entity]) -> None:
    total = units(text)
    inside = set() if len(text) == total else _inside_pairs(text)
    for entity in entities:
        if entity.offset >= total:
            raise bad(f"entity begins after the end of the text at UTF-16 offset {entity.offset}")
        if entity.end > total:
            raise bad(
                f"entity beginning at UTF-16 offset {entity.offset} ends after the end of the "
                f"text at UTF-16 offset {entity.end}"
            )
        for word, offset in (("begins", entity.offset), ("ends", entity.end)):
            if offset in inside:
                raise bad(f"entity {word} in a middle of a UTF-16 symbol at byte offset {offset}")


def _inside_pairs(text: str) -> set[int]:
    """The offsets between the halves of surrogate pairs."""
    inside, offset = set(), 0
    for char in text:
        if char > "\uffff":
            inside.add(offset + 1)
            offset += 1
        offset += 1
    return inside


def _within(entities: Iterable[Entity], lead: int, total: int) -> list[Entity]:
    """Move entities to where the trimmed text is, and drop what is left of none."""
    kept = []
    for entity in entities:
        start, end = max(entity.offset - lead, 0), min(entity.end - lead, total)
        if end > start:
            kept.append(Entity(entity.type, start, end - start, entity.detail))
    return kept


def _sorted(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    return tuple(sorted(entities, key=lambda entity: (entity.offset, -entity.length)))


def _found_beside(text: str, given: Iterable[Entity]) -> list[Entity]:
    taken = [e for e in given if e.type in {"code", "pre", "text_link", "text_mention"}]
    return [
        entity
        for entity in found(text)
        if not any(entity.offset < other.end and other.offset < entity.end for other in taken)
    ]
