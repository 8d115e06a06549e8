"""Neutral Markdown made harmless for Slack, which renders it by itself. Pure.

https://docs.slack.dev/messaging/formatting-message-text; `markdown_text` and `markdown` blocks
are CommonMark, in which Slack's own tokens, such as `<!channel>`, may still count.
"""

import re

# Invisible; between the bracket and its sign it makes a mere text of a token that pings.
_APART = "\u200b"
_FORGED = re.compile(
    r"<(?=!(?:channel|here|everyone|group|subteam\^|date\^)|[@#]\w)", re.IGNORECASE
)
_HALF = re.compile(r"<(?:[!@#][\w^]*)?\Z")


def harmless(text: str) -> str:
    """Break every token that would ping somebody or name a place, in code as well.

    A model can be talked into writing one, and code is where a pasted one hides. What merely
    looks alike (`<!-- -->`, `<!DOCTYPE html>`) stays as it is.
    """
    return _FORGED.sub(f"<{_APART}", text)


def harmless_so_far(text: str) -> str:
    """Like `harmless`, for the beginning of a text that still grows.

    What cannot be judged yet, such as a last `<!chan`, is left out, so that this is a beginning
    of `harmless` of every longer text.
    """
    return harmless(_HALF.sub("", text))


def escaped(text: str) -> str:
    """Slack's three control characters as what they look like."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
