"""What a page's text becomes here. The browser renders Markdown, so only `plain` needs work."""

import re

from bridge.events import Page

# Every ASCII punctuation mark may be escaped: https://spec.commonmark.org/0.31.2/#backslash-escapes
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def markdown(page: Page) -> str:
    """Return the Markdown that shows `page`; the reader sees a plain one literally."""
    return literal(page.text) if page.plain else page.text


def literal(text: str) -> str:
    """Escape `text` so that Markdown shows it as it stands.

    An indent becomes no-break spaces: four ordinary ones would make a code block.
    """
    escaped = _PUNCTUATION.sub(r"\\\1", text)
    return _INDENT.sub(lambda indent: "\u00a0" * len(indent[0].expandtabs(4)), escaped)
