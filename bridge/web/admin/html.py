"""HTML that cannot be broken by what is put into it: every text is escaped, once. Pure."""

import html
from typing import TypeAlias

Value: TypeAlias = str | int | bool | None

_EMPTY = {"br", "hr", "input", "link", "meta"}


class Html(str):
    """Text that is HTML already. Only this module makes it out of anything else."""

    __slots__ = ()


def text(content: str) -> Html:
    """Escape, unless it is HTML already."""
    return content if isinstance(content, Html) else Html(html.escape(content, quote=True))


def join(*parts: str) -> Html:
    """Put one after the other."""
    return Html("".join(text(part) for part in parts))


def tag(name: str, /, *inner: str, **attributes: Value) -> Html:
    """An element. Its name and the attributes' names come from our own code.

    attributes: `class_` is `class`, `data_live` is `data-live`; True stands without a value, and
    what is None or False is left out.
    """
    given = "".join(
        _attribute(key, value) for key, value in attributes.items() if value not in (None, False)
    )
    if name in _EMPTY:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(*inner)}</{name}>")


def document(head: Html, body: Html) -> str:
    """A whole page."""
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _attribute(key: str, value: Value) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value), quote=True)}"'
