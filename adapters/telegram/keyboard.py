"""Buttons under a message, and what a press of one says. Pure."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bridge.events import Button, Page
from bridge.foreign import Json, fields, items, text

MAX_DATA = 64  # bytes of callback_data, https://core.telegram.org/bots/api#inlinekeyboardbutton
STOP = "/stop"
STOP_LABEL = "⏹"  # a sign, because a page does not know its reader's language
_AS_LABELLED = "="  # the data of a button that says its own label, which may be too long for data


def keyboard(page: Page) -> InlineKeyboardMarkup | None:
    """A button a row; an answer that still grows can be stopped.

    A plain page has no buttons of its own: they may be what was refused.
    """
    if not page.final:
        return InlineKeyboardMarkup([[InlineKeyboardButton(STOP_LABEL, callback_data=STOP)]])
    rows = [
        [_button(number, button)]
        for number, button in enumerate(page.buttons)
        if button.label.strip()
    ]
    return InlineKeyboardMarkup(rows) if rows and not page.plain else None


def _button(number: int, button: Button) -> InlineKeyboardButton:
    # The number keeps data apart: two buttons may have one label.
    own = button.label == button.says or len(button.says.encode()) > MAX_DATA
    return InlineKeyboardButton(
        button.label, callback_data=f"{_AS_LABELLED}{number}" if own else button.says
    )


def pressed(query: Json) -> str:
    """What the press of a button says; empty if its message is too old to tell."""
    data = text(query.get("data"))
    if not data.startswith(_AS_LABELLED):
        return data
    markup = fields(fields(query.get("message")).get("reply_markup"))
    rows = [items(row) for row in items(markup.get("inline_keyboard"))]
    buttons = [fields(button) for row in rows for button in row]
    labels = (text(each.get("text")) for each in buttons if each.get("callback_data") == data)
    return next(labels, "")


def too_old(language: str) -> str:
    """What to tell somebody (BCP 47) whose button cannot be read any more."""
    if language.lower().startswith("zh"):
        return "这个按钮已过期，请直接输入你的问题。"
    return "This button is too old. Please type your question."
