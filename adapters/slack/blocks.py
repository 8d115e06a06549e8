"""Pages as Slack's arguments, what stands below an answer, and what a press of it says. Pure.

Limits: https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from adapters.slack.markup import escaped, harmless
from bridge.events import Button, Page
from bridge.foreign import Json, fields, items
from bridge.foreign import text as string

Block: TypeAlias = dict[str, object]

STOP = "/stop"
STOP_LABEL = "⏹"  # a sign, because a page does not know its reader's language
SAYS = "say/"
FEEDBACK = "feedback/"
_MOST_IN_ROW = 5  # buttons; more of them are easier to read as a menu
_LONGEST_LABEL = 75  # characters, likewise the next two
_LONGEST_VALUE = 2000
_LONGEST_OPTION = 150
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


def under(page: Page, feedback: str = "") -> list[Block]:
    """What stands below a page: the way to stop it, or what its buttons say.

    feedback: what a thumb up or down is told to be about; empty for no thumbs.
    """
    if page.plain:
        return []  # its blocks may be what was refused
    if not page.final:
        return [_row([_button(0, Button(STOP_LABEL, STOP))])]
    return [*_offers(page.buttons), *([_thumbs(feedback)] if feedback else [])]


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
    """A row of buttons, or a menu of many. What would be said in part only is not offered."""
    shown = [b for b in buttons if b.label.strip() and 0 < len(b.says) <= _LONGEST_VALUE]
    if len(shown) > _MOST_IN_ROW and all(len(b.says) <= _LONGEST_OPTION for b in shown):
        return [_row([_menu(shown)])]
    elements = [_button(number, button) for number, button in enumerate(shown)]
    return [_row(elements)] if elements else []


def _row(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def _button(number: int, button: Button) -> Block:
    return {
        "type": "button",
        "action_id": f"{SAYS}{number}",
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


def _thumbs(about: str) -> Block:
    """Feedback buttons: https://docs.slack.dev/reference/block-kit/block-elements."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": f"{FEEDBACK}thumb",
                "positive_button": {"text": _label("👍"), "value": f"up/{about}"},
                "negative_button": {"text": _label("👎"), "value": f"down/{about}"},
            }
        ],
    }


def pressed(payload: Json) -> str:
    """What a press says (`block_actions`); empty for a thumb and for what cannot be read."""
    action = _acted(payload, SAYS)
    return string(fields(action.get("selected_option")).get("value") or action.get("value"))


def thumb(payload: Json) -> str:
    """What a thumb says, `up/…` or `down/…`; empty for every other press."""
    return string(_acted(payload, FEEDBACK).get("value"))


def _acted(payload: Json, kind: str) -> Json:
    """The first action of a kind; empty if there is none."""
    actions = map(fields, items(payload.get("actions")))
    found = (each for each in actions if string(each.get("action_id")).startswith(kind))
    return next(found, {})
