"""What a message says, which limits it has to keep, and whom it would ping.

Limits: https://docs.slack.dev/reference/methods/chat.postMessage and the reference of blocks.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.slack.emulator.errors import Refused, explained
from tests.slack.emulator.params import Arguments, Json

MOST_MARKDOWN = 12_000  # characters
MOST_TEXT = 40_000  # a post is cut here
MOST_UPDATE = 4_000  # bytes; an update is refused here (measured, openclaw #115027)
MOST_BLOCKS = 50
MOST_SECTION = 3_000
MOST_IN_BLOCKS = 13_200  # all text of all blocks; measured, bolt-js #2509
KINDS = frozenset(
    {
        "actions",
        "context",
        "context_actions",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "plan",
        "rich_text",
        "section",
        "table",
        "task_card",
        "video",
    }
)
PRESSABLE = frozenset({"actions", "context_actions"})
_PING = re.compile(r"<(!(?:channel|here|everyone|subteam\^\w+)|@[UW]\w+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Content:
    """A text, or Markdown, or blocks with a text for notifications. chunks: of a stream."""

    text: str = ""
    markdown: str = ""
    blocks: tuple[Json, ...] = ()
    chunks: tuple[Json, ...] = ()
    metadata: Json | None = None

    @property
    def seen(self) -> str:
        """What people read: where there are blocks, the text is for notifications only."""
        if self.markdown:
            return self.markdown
        words = (block for block in self.blocks if block["type"] not in PRESSABLE)
        return "\n".join(said for block in words for said in texts(block)) or self.text

    @property
    def pings(self) -> list[str]:
        """Whom this would ping: `!channel`, `@U…`."""
        everything = [self.text, self.markdown]
        everything += [said for part in (*self.blocks, *self.chunks) for said in texts(part)]
        found = [ping for said in everything for ping in _PING.findall(said)]
        return sorted({*found, *(ping for block in self.blocks for ping in _rich_pings(block))})


_MEANT = re.compile(r"(<(?:[@#!]|https?://)[^<>\s]+>|https?://[^\s<>]+)")


def typed(text: str) -> str:
    """What a person's text looks like to an app: escaped, with links in angle brackets.

    Mentions are given as an app would write them, `<@U…>`.
    """
    plain, *rest = _MEANT.split(text)
    parts = [_escaped(plain)]
    for meant, after in zip(rest[::2], rest[1::2], strict=True):
        inside = meant.strip("<>").replace("&", "&amp;")
        parts += [f"<{inside}>", _escaped(after)]
    return "".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def texts(value: object, name: str = "") -> Iterator[str]:
    """Every string of a block that is shown to people."""
    if isinstance(value, str) and name in {"text", "title", "details", "output", "alt_text"}:
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, name)


def _rich_pings(value: object) -> Iterator[str]:
    """Mentions that are elements of rich text."""
    if isinstance(value, list):
        for each in value:
            yield from _rich_pings(each)
    elif isinstance(value, dict):
        if value.get("type") == "user" and "user_id" in value:
            yield f"@{value['user_id']}"
        elif value.get("type") == "broadcast":
            yield f"!{value.get('range')}"
        yield from _rich_pings(list(value.values()))


def read(args: Arguments, *, update: bool = False) -> Content:
    """The content of a post or an update. Raises `Refused`."""
    text, markdown = args.text("text"), args.text("markdown_text")
    blocks = read_blocks(args)
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if not (text or markdown or blocks or args.given("attachments")):
        raise Refused("no_text")
    if len(markdown) > MOST_MARKDOWN or (update and len(text.encode()) > MOST_UPDATE):
        raise Refused("msg_too_long")
    return Content(text[:MOST_TEXT], markdown, blocks, (), args.fields("metadata") or None)


def read_blocks(args: Arguments) -> tuple[Json, ...]:
    """Raises `Refused` for blocks Slack does not take."""
    given = args.given("blocks")
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(block, dict) for block in given):
        raise Refused("invalid_blocks_format")
    return checked(given)


def checked(blocks: list[Json]) -> tuple[Json, ...]:
    """Raises `Refused`: too many of them, too long, or of no known kind."""
    if len(blocks) > MOST_BLOCKS:
        raise explained("invalid_blocks", "no more than 50 items allowed [json-pointer:/blocks]")
    for place, block in enumerate(blocks):
        _check(block, f"/blocks/{place}")
    markdown = sum(len(str(block.get("text"))) for block in blocks if block["type"] == "markdown")
    everything = sum(len(said) for block in blocks for said in texts(block))
    if markdown > MOST_MARKDOWN or everything > MOST_IN_BLOCKS:
        raise Refused("msg_blocks_too_long")
    return tuple(blocks)


def _check(block: Json, pointer: str) -> None:
    kind = block.get("type")
    if kind not in KINDS:
        raise explained("invalid_blocks", f"unsupported type: {kind} [json-pointer:{pointer}/type]")
    if kind == "section":
        _check_section(block, pointer)
    if kind == "image":
        _check_image(block, pointer)
    if kind in {"actions", "context", "context_actions"} and not block.get("elements"):
        raise explained("invalid_blocks", f"missing required field: elements [{pointer}]")
    for number, element in enumerate(_elements(block)):
        _check_element(element, f"{pointer}/elements/{number}")


def _check_section(block: Json, pointer: str) -> None:
    said = block.get("text")
    if said is None and not block.get("fields"):
        raise explained("invalid_blocks", f"missing required field: text [{pointer}]")
    text = said.get("text") if isinstance(said, dict) else ""
    if said is not None and not (isinstance(text, str) and 1 <= len(text) <= MOST_SECTION):
        reason = f"must be less than 3001 characters [json-pointer:{pointer}/text/text]"
        raise explained("invalid_blocks", reason)


def _check_image(block: Json, pointer: str) -> None:
    """Slack fetches it on the spot; here there is nothing to fetch at a host that ends so."""
    url = str(block.get("image_url", ""))
    if not block.get("alt_text"):
        raise explained("invalid_blocks", f"missing required field: alt_text [{pointer}]")
    if not url.startswith("http") or ".invalid/" in url:
        reason = f"downloading image failed [json-pointer:{pointer}/image_url]"
        raise explained("invalid_blocks", reason)


def _elements(block: Json) -> list[Json]:
    elements = block.get("elements")
    if block.get("type") not in {"actions", "context_actions"} or not isinstance(elements, list):
        return []
    if len(elements) > 25:
        raise explained("invalid_blocks", "no more than 25 items allowed")
    return [element for element in elements if isinstance(element, dict)]


def _check_element(element: Json, pointer: str) -> None:
    """Limits of the block elements' reference."""
    value, text = element.get("value"), element.get("text")
    label = text.get("text") if isinstance(text, dict) else ""
    wrong = [
        (isinstance(value, str) and len(value) > 2000, "value: at most 2000 characters"),
        (len(str(element.get("action_id", ""))) > 255, "action_id: at most 255 characters"),
        (isinstance(label, str) and len(label) > 75, "text: at most 75 characters"),
        (element.get("type") == "button" and not label, "text: missing"),
    ]
    for is_wrong, reason in wrong:
        if is_wrong:
            raise explained("invalid_blocks", f"{reason} [json-pointer:{pointer}]")


def size(value: object) -> int:
    """Characters of JSON, as a stream's size is counted."""
    return len(json.dumps(value, ensure_ascii=False))
