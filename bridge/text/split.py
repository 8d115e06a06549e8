"""Cutting text into pieces that fit, at the kindest place, so that earlier pieces stay put."""

import re
from collections.abc import Iterator, Sequence

from bridge.text.chars import is_glued, is_surrogate_pair
from bridge.text.inline import atoms, breaks_off

Span = tuple[int, int]

_SENTENCE = re.compile(
    r"""(?<!\d)\.+["')\]”’]*\s+
      | [!?…]+["')\]”’]*\s+
      | [。！？；…]+[”’」』）】》"')\]]*(?![。！？；…”’」』）】》"')\]])
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"\s+")
_BLOCK = re.compile(  # a digit or a marker that runs into the end may become one
    r"(?:[-+*]|\#{1,6})(?:\s|\Z)|\d{1,9}(?:[.)](?:\s|\Z)|\Z)|[>|]|`{3}|~{3}|[-=*_]{2,}|[`~=]+\Z"
)


def width(text: str, *, utf16: bool) -> int:
    """Measure `text`: in UTF-16 units if `utf16` (Telegram counts so), else in code points."""
    if not utf16 or text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int, *, utf16: bool = False) -> list[str]:
    """Cut `text` into pieces no wider than `limit`, at the kindest place there is.

    In order of preference: blank line, line end, sentence end, space, anywhere; first in the
    second half of a piece, then in the first. Not inside a link, a code span or emphasis, and
    not inside one visible character, unless a piece holds nothing else.

    `"".join(split(t, n)) == t`: nothing is added or lost. A cut depends only on the piece and
    the one character after it, so all but the last piece stay the same while the text grows.

    limit: see `width`; at least 2, because one emoji may be two units. Raises `ValueError`.
    """
    if limit < 2:
        raise ValueError(f"limit must be at least 2, not {limit}")
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = reach(text, start, limit, utf16=utf16)
        if end < len(text):
            end = start + cut(text[start : end + 1])
        pieces.append(text[start:end])
        start = end
    return pieces


def reach(text: str, start: int, room: int, *, utf16: bool) -> int:
    """How far a piece that begins at `start` may go: the largest end that fits into `room`."""
    end = min(len(text), start + room)
    if not utf16:
        return end
    # A character has at most two units, so half of the surplus has to go at the very least.
    while (surplus := width(text[start:end], utf16=True) - room) > 0:
        end -= (surplus + 1) // 2
    return end


def cut(seen: str, *, whole: Sequence[Span] = (), code: Sequence[Span] = ()) -> int:
    """Choose where a piece ends, given all that fits and the one character that does not.

    whole: spans that must not be torn apart if there is any other place.
    code: spans where a blank line is no better than any other line end.
    """
    end = len(seen) - 1
    half = end // 2
    if found := _line_end(seen, (half, end), whole, code):
        return found
    spans = [*whole, *_inline_spans(seen[:end], half)]
    return (
        _in_line(seen, (half, end), spans)
        or _line_end(seen, (0, half), whole, code)
        or _in_line(seen, (0, half), spans)
        or _anywhere(seen, end, spans)
    )


def _line_end(seen: str, zone: Span, whole: Sequence[Span], code: Sequence[Span]) -> int:
    """The last blank line in the zone, or else the last line end; 0 if there is none."""
    low, high = zone
    last = 0
    at = high
    while (newline := seen.rfind("\n", low, at)) >= 0:
        at = newline
        is_blank = _ends_blank_line(seen, at + 1) and not _is_inside(at + 1, code)
        if (is_blank or not last) and not _is_inside(at + 1, whole):
            last = at + 1
            if is_blank:
                return last
    return last


def _in_line(seen: str, zone: Span, spans: Sequence[Span]) -> int:
    """The last sentence end in the zone, or else the last space; 0 if there is none."""
    for pattern in (_SENTENCE, _SPACE):
        places = (at for at in _ends(pattern, seen, zone) if _is_kind(seen, at, spans))
        if found := max(places, default=0):
            return found
    return 0


def _ends_blank_line(seen: str, at: int) -> bool:
    return at > 1 and not seen[seen.rfind("\n", 0, at - 1) + 1 : at].strip()


def _ends(pattern: re.Pattern[str], seen: str, zone: Span) -> Iterator[int]:
    low, high = zone
    for found in pattern.finditer(seen, low):
        if found.start() >= high:
            return
        if found.end() <= high:
            yield found.end()
        elif seen[high].isspace():  # white space at the very end may begin the next piece
            yield high


def _is_kind(seen: str, at: int, spans: Sequence[Span]) -> bool:
    """Tell whether a cut within a line leaves both sides meaning what they meant.

    The rest must not begin with what would look like a list item, a heading or a quote.
    """
    if _BLOCK.match(seen, at):
        return False
    return not (is_glued(seen, at) or _is_inside(at, spans))


def _inline_spans(window: str, half: int) -> Iterator[Span]:
    """Spans to keep whole, with one that the end breaks off if moving it is worth it."""
    yield from atoms(window)
    start = breaks_off(window, half)
    if 0 < start < len(window):
        yield start, len(window) + 1


def _anywhere(seen: str, end: int, spans: Sequence[Span]) -> int:
    """The last place that tears nothing apart, or else the least."""
    for at in range(end, end // 2, -1):
        if not is_glued(seen, at) and not _is_inside(at, spans):
            return at
    if found := _in_line(seen, (end // 2, end), ()):
        return found
    for at in range(end, 0, -1):
        if not is_glued(seen, at):
            return at
    return end - 1 if is_surrogate_pair(seen, end) and end > 1 else end


def _is_inside(at: int, spans: Sequence[Span]) -> bool:
    return any(start < at < end for start, end in spans)
