"""Buttons under a message, what a press of one says, and what it leaves. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

from bridge.events import Button, ChatKind, ChatRef, Page, Wanted
from bridge.foreign import Json, fields, items, text

MAX_DATA = 64  # bytes of callback_data, https://core.telegram.org/bots/api#inlinekeyboardbutton
STOP = "/stop"
STOP_LABEL = "⏹"  # a sign, because a page does not know its reader's language
_AS_LABELLED = "="  # the data of a button that says its own label, which may be too long for data
_THUMBS = {"👍": "/feedback like", "👎": "/feedback dislike"}
_NO_THUMB = "/feedback none"
_MARK = " ✓"  # behind the thumb that was pressed; pressing it again takes it back

Rows: TypeAlias = Sequence[Sequence[Json]]
"""Inline buttons as Telegram has them."""

_STOPPING: Json = {"inline_keyboard": [[{"text": STOP_LABEL, "callback_data": STOP}]]}


def keyboard(page: Page) -> Json | None:
    """A button a row; an answer that still grows can be stopped.

    A plain page has no buttons of its own: they may be what was refused.
    """
    if not page.final:
        return _STOPPING
    rows = [] if page.plain else _rows(page)
    if page.rates:
        rows.append([{"text": sign, "callback_data": says} for sign, says in _THUMBS.items()])
    return {"inline_keyboard": rows} if rows else None


def asking(chat: ChatRef, page: Page) -> Json | None:
    """A keyboard that gives what a page asks its reader for; None if it asks for nothing.

    It takes the place of the letters. Only private chats have one
    (https://core.telegram.org/bots/api#keyboardbutton), and not those of a business account.
    """
    private = chat.kind is ChatKind.PRIVATE and not chat.via
    wanted = any(button.wants is not Wanted.WORDS for button in page.buttons)
    if not (private and wanted and page.final) or page.plain:
        return None
    rows = [[_key(button)] for button in page.buttons if button.label.strip()]
    return {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}


def _rows(page: Page) -> list[list[Json]]:
    return [
        [_button(number, button)]
        for number, button in enumerate(page.buttons)
        if button.label.strip() and button.wants is Wanted.WORDS
    ]


def _button(number: int, button: Button) -> Json:
    # The number keeps data apart: two buttons may have one label.
    own = button.label == button.says or len(button.says.encode()) > MAX_DATA
    data = f"{_AS_LABELLED}{number}" if own else button.says
    return {"text": button.label, "callback_data": data}


def _key(button: Button) -> Json:
    """A key; one without a wish types its words."""
    match button.wants:
        case Wanted.LOCATION:
            return {"text": button.label, "request_location": True}
        case Wanted.CONTACT:
            return {"text": button.label, "request_contact": True}
        case Wanted.WORDS:
            return {"text": button.says}


def pressed(query: Json) -> str:
    """What the press of a button says; empty if its message is too old to tell."""
    data = text(query.get("data"))
    if not data.startswith(_AS_LABELLED):
        return data
    buttons = (button for row in _shown(query) for button in row)
    labels = (text(each.get("text")) for each in buttons if each.get("callback_data") == data)
    return next(labels, "")


def remaining(query: Json) -> Rows | None:
    """The buttons that a press leaves; None if they stay as they are.

    A question that was asked goes with the others that were offered beside it; a thumb is marked.
    What commands say stays: /history leads somewhere every time.
    """
    data, shown = text(query.get("data")), _shown(query)
    if data in {*_THUMBS.values(), _NO_THUMB}:
        left = [[_thumb(button, data) for button in row] for row in shown]
    elif pressed(query).startswith("/"):
        return None
    else:
        left = [[button for button in row if _is_command(button)] for row in shown]
        left = [row for row in left if row]
    return left if left != shown else None


def _thumb(button: Json, data: str) -> Json:
    """A thumb after a press: marked if it is the one. Other buttons stay."""
    sign = text(button.get("text")).removesuffix(_MARK)
    if sign not in _THUMBS:
        return button
    if _THUMBS[sign] == data:
        return {"text": sign + _MARK, "callback_data": _NO_THUMB}
    return {"text": sign, "callback_data": _THUMBS[sign]}


def _is_command(button: Json) -> bool:
    data = text(button.get("callback_data"))
    says = text(button.get("text")) if data.startswith(_AS_LABELLED) else data
    return says.startswith("/")


def _shown(query: Json) -> list[list[Json]]:
    markup = fields(fields(query.get("message")).get("reply_markup"))
    rows = [items(row) for row in items(markup.get("inline_keyboard"))]
    return [[fields(button) for button in row] for row in rows]


def too_old(language: str) -> str:
    """What to tell somebody (BCP 47) whose button cannot be read any more."""
    if language.lower().startswith("zh"):
        return "这个按钮已过期，请直接输入你的问题。"
    return "This button is too old. Please type your question."
