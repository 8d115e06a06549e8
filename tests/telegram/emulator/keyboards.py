"""Reply markup: inline keyboards checked as the server does, the other kinds taken as given."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.telegram.emulator.errors import bad

MOST_BUTTONS = 100
_ACTIONS = ("callback_data", "url", "copy_text", "web_app", "login_url", "switch_inline_query")
_OTHERS = ("keyboard", "remove_keyboard", "force_reply")


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button. `data` is None for buttons that lead elsewhere."""

    label: str
    data: str | None
    raw: str

    def shown(self) -> dict[str, object]:
        body: dict[str, object] = json.loads(self.raw)
        return body


@dataclass(frozen=True, slots=True)
class Markup:
    """What hangs below a message. `other` is the JSON of a markup that is no inline keyboard."""

    rows: tuple[tuple[Button, ...], ...] = ()
    other: str = ""

    @property
    def buttons(self) -> Iterator[Button]:
        return (button for row in self.rows for button in row)

    def shown(self) -> dict[str, object]:
        return {"inline_keyboard": [[button.shown() for button in row] for row in self.rows]}


NO_MARKUP = Markup()


def read(given: object) -> Markup:
    """Check a `reply_markup`. Raises `Refused`."""
    if given is None:
        return NO_MARKUP
    if not isinstance(given, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in given:
        return Markup(_rows(given["inline_keyboard"]))
    if not any(name in given for name in _OTHERS):
        return NO_MARKUP
    return Markup(other=json.dumps(given, ensure_ascii=False, sort_keys=True))


def _rows(given: object) -> tuple[tuple[Button, ...], ...]:
    if not isinstance(given, list):
        raise bad('can\'t parse inline keyboard: Field "inline_keyboard" must be of type Array')
    rows = []
    for row in given:
        if not isinstance(row, list):
            raise bad("can't parse inline keyboard row: expected an Array")
        if row:
            rows.append(tuple(_button(button) for button in row))
    if sum(map(len, rows)) > MOST_BUTTONS:
        raise bad("reply markup is too long")
    return tuple(rows)


def _button(given: object) -> Button:
    if not isinstance(given, dict):
        raise bad("can't parse inline keyboard button: expected an Object")
    label = given.get("text")
    if not isinstance(label, str) or not label.strip():
        raise bad("can't parse inline keyboard button: Can't find field \"text\"")
    if not any(action in given for action in _ACTIONS):
        raise bad(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = given.get("callback_data")
    if data is not None and (not isinstance(data, str) or not 1 <= len(data.encode()) <= 64):
        raise bad("BUTTON_DATA_INVALID")
    _check_url(given.get("url"))
    return Button(label, data, json.dumps(given, ensure_ascii=False, sort_keys=True))


def _check_url(url: object) -> None:
    if url is None:
        return
    if not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https", "tg"}:
        raise bad(f"inline keyboard button URL '{url}' is invalid: Unsupported URL protocol")
