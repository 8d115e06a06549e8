"""From neutral Markdown to Telegram's text and entities. Pure.

Entities instead of a parse mode, so that "can't parse entities" cannot happen. The converter is
telegramify-markdown, which was right on every prefix of fifteen nasty samples where four others
were not; what it lacks is mended here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from telegramify_markdown import RenderConfig, convert

from adapters.telegram.pieces import pieces
from bridge.events import Page

MAX_TEXT = 4096  # UTF-16 units, https://core.telegram.org/bots/api#sendmessage
MAX_CAPTION = 1024  # likewise, https://core.telegram.org/bots/api#sendphoto
MAX_ENTITIES = 100  # those beyond are ignored in silence (telegram.constants.MessageLimit)
_REMEMBERED = 4096  # pieces, as those of a thousand answers that grow: some 5 MB
_ABOVE = "x\n\n"  # what the library makes of a block is not the same at the top of a text
# Of a quote, as much as is shown of one that was folded up (three lines on every client).
_QUOTE_LINES = 3
_QUOTE_UNITS = 240

_CODE_OR_ANGLE = re.compile(
    r"""(?P<code> ^[ ]{0,3}(?P<fence>`{3,}|~{3,})[\s\S]*?(?:^[ ]{0,3}(?P=fence)[`~]*[ ]*$|\Z)
               | (?<!`)(?P<tick>`+)(?!`)[^\n]*?(?<!`)(?P=tick)(?!`) )
      | (?<!\\)<(?!(?:https?|mailto|tg):[^\s<>]*>)
    """,
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of markup: what it is, and where in the text, in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None

    def as_json(self) -> dict[str, object]:
        """As https://core.telegram.org/bots/api#messageentity has it."""
        told: dict[str, object] = {
            "type": self.type,
            "offset": self.offset,
            "length": self.length,
        }
        if self.url is not None:
            told["url"] = self.url
        if self.language is not None:
            told["language"] = self.language
        return told


def _config() -> RenderConfig:
    """An own configuration: the library's default one is global, and decorates headings."""
    config = RenderConfig.isolated()
    symbols = config.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = ""
    symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.image = symbols.link = ""
    symbols.unordered_list_item = "•"
    return config


_CONFIG = _config()


def body(page: Page) -> dict[str, object]:
    """The parameters of a message that shows a page."""
    text, entities = rendered(page)
    return {"text": text, "entities": [each.as_json() for each in entities] or None}


def caption(text: str) -> dict[str, object]:
    """The parameters of a file with words under it; what does not fit is cut off."""
    shown, entities = rendered(Page(text)) if text.strip() else ("", ())
    if _units(shown) > MAX_CAPTION:
        shown, entities = _cut(shown, MAX_CAPTION - 1) + "…", ()
    return {
        "caption": shown or None,
        "caption_entities": [each.as_json() for each in entities] or None,
    }


def rendered(page: Page) -> tuple[str, Sequence[Entity]]:
    """The text of a page and its entities, offsets in UTF-16 units.

    A page whose rendering is too long (a wide table is padded into columns) is shown as it was
    written, for what was written fits.
    """
    source = _whole(page.text)
    if page.plain:
        return source, ()
    text, entities = converted(source)
    if not text.strip() or _units(text) > MAX_TEXT:
        return source, ()
    return text, entities[:MAX_ENTITIES]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A piece of a page as it is shown, with the blank line before it; units: of its text."""

    text: str
    units: int
    entities: tuple[Entity, ...]


def converted(source: str, cut: Callable[[str], list[str]] = pieces) -> tuple[str, list[Entity]]:
    """What the library makes of a text, with offsets in UTF-16 units.

    cut: into pieces. The last one may still grow, so what was made of it is not remembered.
    """
    *stand, last = cut(source)
    shown = [_remembered(piece, bool(number)) for number, piece in enumerate(stand)]
    shown.append(_shown(last, bool(stand)))
    text, units, entities = "", 0, list[Entity]()
    for each in shown:
        over = min(2, len(text) - len(text.rstrip("\n")))  # a list ends with a line end of its own
        entities += [_moved(entity, units - over) for entity in each.entities]
        text += each.text[over:]
        units += each.units - over
    return text, entities


def _shown(source: str, follows: bool) -> _Shown:
    """What the library makes of a piece. follows: another stands above it."""
    above = _ABOVE if follows else ""
    escaped = _CODE_OR_ANGLE.sub(_escaped, source) if "<" in source else source
    text, found = convert(above + escaped, config=_CONFIG)
    skipped = len(above.strip())
    entities = _useful([_folded(_entity(each), text) for each in found])
    shown = text[skipped:]
    return _Shown(shown, _units(shown), tuple(_moved(each, -skipped) for each in entities))


_remembered = lru_cache(maxsize=_REMEMBERED)(_shown)


def _moved(entity: Entity, units: int) -> Entity:
    return Entity(entity.type, entity.offset + units, entity.length, entity.url, entity.language)


def _escaped(found: re.Match[str]) -> str:
    """The converter drops what looks like HTML: `a<b>c`, `<think>`; so it must not look so."""
    return found["code"] or "\\<"


def _entity(entity: object) -> Entity:
    fields = entity.to_dict()  # type: ignore[attr-defined]  # the library is untyped
    return Entity(
        type=fields["type"],
        offset=fields["offset"],
        length=fields["length"],
        url=fields.get("url"),
        language=fields.get("language") or None,
    )


def _folded(entity: Entity, text: str) -> Entity:
    """A long quote, as of an agent's thoughts, is shown in part until somebody opens it."""
    if entity.type != "blockquote":
        return entity
    quoted = text.encode("utf-16-le")[2 * entity.offset : 2 * (entity.offset + entity.length)]
    lines = quoted.decode("utf-16-le", "replace").strip().count("\n") + 1
    is_long = lines > _QUOTE_LINES or entity.length > _QUOTE_UNITS
    return replace(entity, type="expandable_blockquote") if is_long else entity


def _useful(entities: Sequence[Entity]) -> list[Entity]:
    """Without those inside another of their kind: they show nothing, and count all the same."""
    kept: list[Entity] = []
    ends: dict[str, int] = {}
    for entity in sorted(entities, key=lambda each: (each.offset, -each.length)):
        end = entity.offset + entity.length
        if end > ends.get(entity.type, 0):
            kept.append(entity)
            ends[entity.type] = end
    return kept


def _whole(text: str) -> str:
    """Half a surrogate pair cannot be sent; it becomes a replacement character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, units: int) -> str:
    """The beginning of a text, of so many units at most; no pair is cut in half."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
