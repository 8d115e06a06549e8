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
_LOOKS_LIKE_A_BLOCK = frozenset("-+*#>=|~`0123456789")


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
    line_ends = [at for at in _line_ends(seen, end) if not _is_inside(at, whole)]
    spans = [*whole, *_inline_spans(seen[:end], half)] if not _has(line_ends, half) else []
    for low, high in ((half, end), (0, half)):
        if found := _in_zone(seen, (low, high), line_ends, spans, code):
            return found
    return _anywhere(seen, end, spans)


def _in_zone(
    seen: str, zone: Span, line_ends: Sequence[int], spans: Sequence[Span], code: Sequence[Span]
) -> int:
    low, high = zone
    lines = [at for at in line_ends if low < at <= high]
    for at in lines:
        if _ends_blank_line(seen, at) and not _is_inside(at, code):
            return at
    if lines:
        return lines[0]
    for pattern in (_SENTENCE, _SPACE):
        places = (at for at in _ends(pattern, seen, zone) if _is_kind(seen, at, spans))
        if found := max(places, default=0):
            return found
    return 0


def _line_ends(seen: str, end: int) -> Iterator[int]:
    """Every position after a newline, the last one first."""
    at = end
    while (at := seen.rfind("\n", 0, at)) >= 0:
        yield at + 1


def _has(line_ends: Sequence[int], half: int) -> bool:
    return bool(line_ends) and line_ends[0] > half


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
    if seen[at] in _LOOKS_LIKE_A_BLOCK:
        return False
    return not (is_glued(seen, at) or _is_inside(at, spans))


def _inline_spans(window: str, half: int) -> Iterator[Span]:
    """Spans to keep whole, with one that the end breaks off if moving it is worth it."""
    yield from atoms(window)
    start = breaks_off(window)
    if half <= start < len(window):
        yield start, len(window) + 1


def _anywhere(seen: str, end: int, spans: Sequence[Span]) -> int:
    """The last place that tears nothing apart, or else the least."""
    for at in range(end, end // 2, -1):
        if not is_glued(seen, at) and not _is_inside(at, spans):
            return at
    for pattern in (_SENTENCE, _SPACE):
        places = (at for at in _ends(pattern, seen, (end // 2, end)) if _is_kind(seen, at, ()))
        if found := max(places, default=0):
            return found
    for at in range(end, 0, -1):
        if not is_glued(seen, at):
            return at
    return end - 1 if is_surrogate_pair(seen, end) and end > 1 else end


def _is_inside(at: int, spans: Sequence[Span]) -> bool:
    return any(start < at < end for start, end in spans)
