"""Pages as Slack's arguments, what stands below an answer, and what a press of it says. Pure.

Limits: https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import TypeAlias

from adapters.slack.markup import escaped, harmless
from bridge.events import Button, Page, Wanted
from bridge.foreign import Json, fields, items
from bridge.foreign import text as string

Block: TypeAlias = dict[str, object]

STOP = "/stop"
STOP_LABEL = "⏹"  # a sign, because a page does not know its reader's language
SAYS = "say/"
FEEDBACK = "feedback/"
LIKE, DISLIKE = "/feedback like", "/feedback dislike"
_MOST_IN_ROW = 5  # buttons; more of them are easier to read as a menu
_PRESSABLE = frozenset({"actions", "context_actions"})
_LONGEST_LABEL = 75  # characters, likewise the next two
_LONGEST_VALUE = 2000
_LONGEST_OPTION = 150
_LONGEST_DESCRIPTION = 2000
_LONGEST_SECTION = 3000
_LONGEST_TEXT = 4000  # bytes: an update takes no more, and a post makes two messages of it


def posted(page: Page, below: Sequence[Block] = ()) -> Block:
    """What `chat.postMessage` shows of a page. A plain one is a literal text and no more."""
    if page.plain:
        return {**_fallback(page), "mrkdwn": False} if _fallback(page) else _in_sections(page)
    if not below:
        return {"markdown_text": harmless(page.text)}
    return _in_blocks(page, below)


def updated(page: Page, below: Sequence[Block] = ()) -> Block:
    """What `chat.update` shows of a page. What has blocks is not marked as edited."""
    return _in_sections(page) if page.plain else _in_blocks(page, below)


class Thumbs(Enum):
    """How a reader may rate an answer."""

    NONE = auto()
    NATIVE = auto()
    BUTTONS = auto()


def under(page: Page, thumbs: Thumbs = Thumbs.NATIVE) -> list[Block]:
    """What stands below a page: the way to stop it, or what its buttons say.

    thumbs: how one that may be rated is.
    """
    if page.plain:
        return []  # its blocks may be what was refused
    if not page.final:
        return [_row([_button(f"{SAYS}0", Button(STOP_LABEL, STOP))])]
    return [*_offers(page.buttons), *(_thumbs(thumbs) if page.rates else [])]


def _in_blocks(page: Page, below: Sequence[Block]) -> Block:
    said: Block = {"type": "markdown", "text": harmless(page.text)}
    return {"blocks": [said, *below], **_fallback(page)}


def _in_sections(page: Page) -> Block:
    parts = _cut(harmless(page.text), _LONGEST_SECTION)
    return {"blocks": [_literal(part) for part in parts], **_fallback(page)}


def _fallback(page: Page) -> Block:
    """What notifications and screen readers get; Slack finds it in the blocks if it is long."""
    text = escaped(page.text)
    return {"text": text} if len(text.encode()) <= _LONGEST_TEXT else {}


def _literal(text: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _cut(text: str, size: int) -> Iterator[str]:
    """Pieces of a text, at line ends where that does not make them much shorter."""
    while len(text) > size:
        end = text.rfind("\n", size // 2, size) + 1 or size
        yield text[:end]
        text = text[end:]
    yield text


def _offers(buttons: Sequence[Button]) -> list[Block]:
    """A row of buttons, or a menu of many. What would be said in part only is not offered.

    Nor is what Slack has no way to give: a position, or how to reach somebody.
    """
    shown = [b for b in buttons if _can_be_said(b)]
    if len(shown) > _MOST_IN_ROW and all(len(b.says) <= _LONGEST_OPTION for b in shown):
        return [_row([_menu(shown)])]
    elements = [_button(f"{SAYS}{number}", button) for number, button in enumerate(shown)]
    return [_row(elements)] if elements else []


def _can_be_said(button: Button) -> bool:
    is_words = button.wants is Wanted.WORDS and bool(button.label.strip())
    return is_words and 0 < len(button.says) <= _LONGEST_VALUE


def _row(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def _button(action: str, button: Button) -> Block:
    return {
        "type": "button",
        "action_id": action,
        "text": _label(button.label),
        "value": button.says,
    }


def _menu(buttons: Sequence[Button]) -> Block:
    options = [{"text": _label(button.label), "value": button.says} for button in buttons]
    return {
        "type": "static_select",
        "action_id": f"{SAYS}menu",
        "placeholder": _label("⋯"),
        "options": options,
    }


def _label(text: str) -> Block:
    text = harmless(text)
    short = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
    return {"type": "plain_text", "text": short, "emoji": True}


def _thumbs(thumbs: Thumbs) -> list[Block]:
    if thumbs is Thumbs.NATIVE:
        return [_native_thumbs()]
    if thumbs is Thumbs.NONE:
        return []
    up, down = Button("👍", LIKE), Button("👎", DISLIKE)
    return [_row([_button(f"{FEEDBACK}up", up), _button(f"{FEEDBACK}down", down)])]


def _native_thumbs() -> Block:
    """https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": f"{FEEDBACK}thumb",
                "positive_button": {"text": _label("👍"), "value": LIKE},
                "negative_button": {"text": _label("👎"), "value": DISLIKE},
            }
        ],
    }


def picture(url: str, name: str, caption: str = "") -> Block:
    """What `chat.postMessage` shows of a picture that Slack is to fetch by itself."""
    described = harmless(caption or name)[:_LONGEST_DESCRIPTION]
    image: Block = {"type": "image", "image_url": url, "alt_text": described}
    if caption:
        image["title"] = {"type": "plain_text", "text": described, "emoji": False}
    return {"blocks": [image], "text": escaped(described)}


def pressed(payload: Json) -> str:
    """What a press says (`block_actions`); empty for what cannot be read."""
    action = _acted(payload, SAYS)
    if said := string(fields(action.get("selected_option")).get("value") or action.get("value")):
        return said
    rating = string(_acted(payload, FEEDBACK).get("value"))
    return rating if rating in {LIKE, DISLIKE} else ""


def _acted(payload: Json, kind: str) -> Json:
    """The first action of a kind; empty if there is none."""
    actions = map(fields, items(payload.get("actions")))
    found = (each for each in actions if string(each.get("action_id")).startswith(kind))
    return next(found, {})


def without_offers(message: Json) -> list[Json]:
    """The blocks of a message of ours without what it offered to say, which was said.

    Empty where it offered nothing, or where its words are not among them: then they would go.
    """
    shown = [fields(block) for block in items(message.get("blocks"))]
    kept = [block for block in shown if not _is_offer(block)]
    has_words = any(block.get("type") not in _PRESSABLE for block in kept)
    return kept if has_words and len(kept) < len(shown) else []


def _is_offer(block: Json) -> bool:
    ids = [string(fields(each).get("action_id")) for each in items(block.get("elements"))]
    offers = bool(ids) and all(each.startswith(SAYS) for each in ids)
    return block.get("type") == "actions" and offers
