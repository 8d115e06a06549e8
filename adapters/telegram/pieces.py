"""A page's Markdown in pieces, each of which means the same without the others. Pure.

While an answer grows, all of it but the end was shown before. So what was made of a piece can be
used again, and an edit costs as much as what is new in it.
"""

import re
from collections.abc import Iterator

# A list may go on after a blank line, and so may what is indented.
_GAP = re.compile(r"\n\n+(?=\S)(?!(?:[-+*]|\d{1,9}[.)])(?:\s|\Z))")
_FENCE = re.compile(r"^(`{3,}|~{3,})([^`~\t\n]*)$", re.MULTILINE)
_MARK = re.compile(r"`{3,}|~{3,}")
# A link's address, or the end of a spoiler, may stand in another piece; a carriage return is a
# line end of its own.
_FAR_REACHING = ("]:", "||", "\r")


def pieces(source: str) -> list[str]:
    """Cut a text after blank lines between its blocks; in doubt it is not cut."""
    if any(sign in source for sign in _FAR_REACHING):
        return [source]
    found, at = [], 0
    for cut in _cuts(source):
        if source[at:cut].strip():
            found.append(source[at:cut])
            at = cut
    return [*found, source[at:]]


def _cuts(source: str) -> Iterator[int]:
    """Where blocks begin that are not in a fenced one, as far as it is certain what is."""
    fence, at = "", 0
    for gap in _GAP.finditer(source):
        after = _fence_after(source[at : gap.start()], fence)
        if after is None:
            return
        fence, at = after, gap.end()
        if not fence:
            yield at


def _fence_after(part: str, fence: str) -> str | None:
    """The fence that is open after a part, where `fence` was before; None if one cannot be sure.

    Sure is what stands at the margin, alone on its line but for a word or two.
    """
    if "```" not in part and "~~~" not in part:
        return fence
    lines = _FENCE.findall(part)
    if len(lines) != len(_MARK.findall(part)):
        return None
    for marker, info in lines:
        if not fence:
            fence = marker
        elif marker.startswith(fence) and not info.strip(" "):
            fence = ""
    return fence
