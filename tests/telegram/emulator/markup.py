"""`parse_mode=HTML`: the tags Telegram knows, the errors it gives for others.

Markdown modes are refused, in `ask.py`: half a parser would accept what the real one refuses.
"""

import html
import re

from tests.telegram.emulator.entities import units
from tests.telegram.emulator.errors import bad

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
}
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9-]*)(?P<rest>[^<>]*)>", re.IGNORECASE)
_HREF = re.compile(r"href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|(\S+))")


def parse_html(text: str) -> tuple[str, list[object]]:
    """Read HTML into a text and entities. Raises `Refused` for anything unknown or unclosed."""
    plain, position = "", 0
    open_tags: list[tuple[str, dict[str, object]]] = []
    found: list[object] = []
    for tag in _TAG.finditer(text):
        plain += _literal(text[position : tag.start()], position)
        position = tag.end()
        name = tag["name"].lower()
        if name not in _KINDS:
            raise _broken(f'Unsupported start tag "{name}" at byte offset {tag.start()}')
        if not tag["end"]:
            open_tags.append((name, _entity(name, tag["rest"], units(plain))))
            continue
        if not open_tags or open_tags[-1][0] != name:
            raise _broken(f'Unmatched end tag at byte offset {tag.start()}, found "</{name}>"')
        entity = open_tags.pop()[1]
        found.append(entity | {"length": units(plain) - int(str(entity["offset"]))})
    plain += _literal(text[position:], position)
    if open_tags:
        raise _broken(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return plain, found


def _literal(text: str, position: int) -> str:
    if "<" in text:
        raise _broken(f"Unexpected character at byte offset {position + text.index('<')}")
    return html.unescape(text)


def _entity(name: str, rest: str, offset: int) -> dict[str, object]:
    entity: dict[str, object] = {"type": _KINDS[name], "offset": offset}
    if name == "blockquote" and "expandable" in rest:
        entity["type"] = "expandable_blockquote"
    if name == "a":
        href = _HREF.search(rest)
        entity["url"] = html.unescape(next(filter(None, href.groups()), "")) if href else ""
    return entity


def _broken(why: str) -> Exception:
    return bad(f"can't parse entities: {why}")
