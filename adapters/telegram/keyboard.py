"""Buttons under a message, and what a press of one says. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bridge.events import Button, Page

MAX_DATA = 64  # bytes of callback_data, https://core.telegram.org/bots/api#inlinekeyboardbutton
STOP = "/stop"
_STOP_LABELS = {"zh": "⏹ 停止"}
_AS_LABELLED = "="  # the data of a button that says its own label, which may be too long for data


def keyboard(page: Page, language: str = "") -> InlineKeyboardMarkup | None:
    """A button a row; an answer that still grows can be stopped."""
    if not page.final:
        label = _STOP_LABELS.get(language[:2], "⏹ Stop")
        return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=STOP)]])
    if not page.buttons:
        return None
    rows = [[_button(number, button)] for number, button in enumerate(page.buttons)]
    return InlineKeyboardMarkup(rows)


def _button(number: int, button: Button) -> InlineKeyboardButton:
    # The number keeps data apart: two buttons may have one label.
    own = button.label == button.says or len(button.says.encode()) > MAX_DATA
    return InlineKeyboardButton(
        button.label, callback_data=f"{_AS_LABELLED}{number}" if own else button.says
    )


def pressed(query: Mapping[str, Any]) -> str:
    """What the press of a button says; empty if its message is too old to tell."""
    data = str(query.get("data") or "")
    if not data.startswith(_AS_LABELLED):
        return data
    markup = (query.get("message") or {}).get("reply_markup") or {}
    for button in _flat(markup.get("inline_keyboard") or ()):
        if button.get("callback_data") == data:
            return str(button.get("text") or "")
    return ""


def _flat(rows: Sequence[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    return [button for row in rows for button in row]
