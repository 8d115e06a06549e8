"""From the Markdown of an answer to pages, each of which stands on its own."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bridge.text import blocks
from bridge.text.blocks import Fence, fences
from bridge.text.markdown import fence_is_blank, mend, prep, steady
from bridge.text.split import cut, reach, width

SMALLEST = 50
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")
_MARGIN = re.compile(r"[^\S\n]*")
_VISIBLE = re.compile(r"\S")
_MARKER = re.compile(
    r"(?P<paired>[*_]{1,3}|~~|`+)|\[|<[a-z]|^[ \t]{0,3}(?:\#{1,6}[ \t]|>)",
    re.MULTILINE | re.IGNORECASE,
)
_SIGNS = "*_~`[<#>"  # each marker has one


class Tail(Enum):
    """How the last page is shown.

    MENDED: it goes on, and is made to look finished meanwhile (see `markdown.mend`).
    STEADY: it goes on, and is shown as far as that will not change (see `markdown.steady`).
    FINAL: nothing will follow; only its fence is closed.
    """

    MENDED = "mended"
    STEADY = "steady"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the source a page begins, and within what.

    fence, table: what is cut here and goes on; `fence` with its columns in the source.
    in_line: the page before ended within a line.
    indent: columns to take from the lines of the page, because its first line lost them.
    """

    at: int = 0
    fence: Fence | None = None
    table: str = ""
    in_line: bool = False
    indent: int = 0


@dataclass(frozen=True, slots=True)
class _Ruler:
    """How wide a page may be, and how much of that is kept free for closing what is open."""

    limit: int
    utf16: bool
    spans: float = math.inf
    breaks: tuple[int, ...] = ()

    @property
    def spare(self) -> int:
        return min(16, self.limit // 4)

    def fits(self, text: str) -> bool:
        return width(text, utf16=self.utf16) <= self.limit

    def is_short(self, lead: str) -> bool:
        """Tell whether enough room is left after `lead` to be worth repeating it."""
        return width(lead, utf16=self.utf16) <= self.limit // 2

    def reach(self, source: str, start: int, lead: str) -> int:
        room = self.limit - self.spare - width(lead, utf16=self.utf16)
        end = reach(source, start, room, utf16=self.utf16)
        end = min(end, next((at for at in self.breaks if at > start), end))
        return end if self.spans == math.inf else self._sparse(source, start, end)

    def past(self, end: int) -> "_Ruler":
        """The ruler for the pages after one that would have reached `end`."""
        return replace(self, breaks=tuple(at for at in self.breaks if at > end))

    def _sparse(self, source: str, start: int, end: int) -> int:
        """Where, before `end`, the page would have too many stretches of markup."""
        if sum(source.count(sign, start, end) for sign in _SIGNS) <= self.spans:
            return end
        spans = 0.0
        for marker in _MARKER.finditer(source, start, end):
            spans += 0.5 if marker["paired"] else 1.0
            if spans > self.spans:
                return max(marker.start(), start + 1)
        return end


def paginate(
    source: str,
    limit: int,
    *,
    utf16: bool = False,
    max_spans: float = math.inf,
    tail: Tail = Tail.MENDED,
    breaks: Sequence[int] = (),
) -> list[str]:
    """Cut Markdown into pages no wider than `limit`, each complete Markdown of its own.

    A code fence or a table that is cut goes on under a copy of its opening line or its header.
    Lists keep their nesting: a page that begins inside one is moved to the left. Leading blank
    lines are dropped, and no page is blank, so the result may be empty. White space and empty
    fences at a cut apart, the pages show everything the source shows. Bold, code or a link is
    cut only where it is longer than half a page; then its markers show.

    All but the last page stay the same while the source grows; `tail` is about the last one.

    limit: at least 50, see `split.width`. Raises `ValueError`.
    max_spans: the most stretches of markup on a page, guessed from its markers and rather too
        many than too few: two markers are one stretch of bold, a bracket is one link.
    breaks: lengths of the source, ascending, by which a page has to end as if it were full.
    """
    if limit < SMALLEST:
        raise ValueError(f"limit must be at least {SMALLEST}, not {limit}")
    return list(_pages(source, _Ruler(limit, utf16, max_spans, tuple(breaks)), tail))


def _pages(source: str, ruler: _Ruler, tail: Tail) -> Iterator[str]:
    place = _settled(source, _Place())
    while _VISIBLE.search(source, place.at):
        lead = _lead(source, place, ruler)
        end = ruler.reach(source, place.at, lead)
        if end == len(source):
            yield from _last_page(lead, _body(source, place, end), ruler, tail)
            return
        ruler = ruler.past(end)
        found = fences(lead + source[place.at : end])
        end = place.at + _cut(lead, source[place.at : end + 1], found, ruler)
        text = lead + _body(source, place, end)
        known = 0 if place.indent else _last_start(found, len(text))
        fence = blocks.open_fence(text, known)
        yield from _frozen_page(text, lead, fence, ruler)
        place = _settled(source, _next(source, place, (lead, text), fence, end))


def _frozen_page(text: str, lead: str, fence: Fence | None, ruler: _Ruler) -> Iterator[str]:
    """A page that will not change any more, unless it shows nothing."""
    if fence and _begins_on_next(text, fence, ruler):
        text, fence = text[: fence.start], None
    text = text.rstrip()
    if len(text) > len(lead.rstrip()):
        yield prep(_closed(text, fence, ruler))


def _begins_on_next(text: str, fence: Fence, ruler: _Ruler) -> bool:
    """Tell whether a fence at the page's end may be left to the next page, which opens it again.

    Not where that page could not repeat all of the opening line: a bullet, a very long info.
    """
    if fence.body is None or not fence_is_blank(text, fence):
        return False
    bare = text[fence.start : fence.body].lstrip(" \t>").startswith(fence.marker)
    return bare and ruler.is_short(_opening(fence, fence.info))


def _last_page(lead: str, body: str, ruler: _Ruler, tail: Tail) -> Iterator[str]:
    text = (lead + body).rstrip()
    if tail is Tail.STEADY:
        page = steady(lead + body).rstrip()
    else:
        page = "" if tail is Tail.FINAL else mend(lead + body).rstrip()
        if tail is Tail.FINAL or not ruler.fits(page):
            page = _closed(text, blocks.open_fence(text), ruler)
    if page and page != lead.rstrip():
        yield prep(page)


def _closed(text: str, fence: Fence | None, ruler: _Ruler) -> str:
    """Close the fence; where there is no room for it, renderers do at the end of a message."""
    closed = f"{text}\n{fence.closer}" if fence else text
    return closed if ruler.fits(closed) else text


def _cut(lead: str, seen: str, found: Sequence[Fence], ruler: _Ruler) -> int:
    """Where the page ends, given what it repeats, what fits, and one character more.

    found: the fences in `lead` and what fits.
    """
    text = lead + seen[:-1]
    shift = len(lead)
    code = [(each.start - shift, (each.end or len(text) + 1) - shift) for each in found]
    heads = []
    for low, high in blocks.heads(text):
        repeats = ruler.is_short(text[low : high - 1])  # else a row is better off on its own page
        heads.append((low - shift, high - shift - (0 if repeats else 1)))
    return cut(seen, whole=heads, code=code)


def _last_start(found: Sequence[Fence], end: int) -> int:
    """Where the last fence before `end` begins: no need to look for one further up."""
    return max((each.start for each in found if each.start < end), default=0)


def _next(
    source: str, place: _Place, page: tuple[str, str], fence: Fence | None, end: int
) -> _Place:
    """The place after a page; `page` is what it repeats and its whole text."""
    lead, text = page
    in_line = source[end - 1] != "\n"
    if fence is None:
        return _Place(end, None, blocks.table_head(text), in_line)
    if fence.start < len(lead):
        return _Place(end, place.fence, "", in_line)
    line = text.count("\n", len(lead), fence.start)
    raw = source[place.at : end].split("\n")[line]
    lost = len(raw) - len(text[len(lead) :].split("\n")[line]) + (0 if line else place.indent)
    info = "" if fence.body is None else fence.info  # else it goes on, and is no info any more
    moved = replace(fence, info=info, indent=fence.indent + lost, base=fence.base + lost)
    return _Place(end, moved, "", in_line)


def _settled(source: str, place: _Place) -> _Place:
    """Go on to what the page shows first: past blank lines, and a fence that ends here."""
    if place.fence and place.in_line:
        return replace(place, indent=place.fence.indent)
    blank = _BLANK_LINES.match(source, place.at)
    at = blank.end() if blank else place.at
    if fence := place.fence:
        newline = source.find("\n", at)
        end = newline + 1 if newline >= 0 else len(source)
        if blocks.is_closer(source[at:end], fence):
            return _settled(source, _Place(end))
        return _Place(at, fence, indent=0 if fence.quotes else fence.indent)
    in_line = place.in_line and not blank
    margin = _MARGIN.match(source, at)
    if not at or not margin:  # an answer may begin with indented code
        return _Place(at)
    indent = 0 if in_line else len(margin[0])
    return _Place(margin.end(), None, "" if blank else place.table, in_line, indent)


def _lead(source: str, place: _Place, ruler: _Ruler) -> str:
    """What a page repeats so that its first line means what it meant."""
    if place.fence is None:
        is_row = blocks.is_row(source[place.at : place.at + 4])
        return place.table if is_row and ruler.is_short(place.table) else ""
    within = "> " * place.fence.quotes if place.in_line else ""
    for info in (place.fence.info, ""):
        lead = _opening(place.fence, info) + within
        if ruler.is_short(lead):
            return lead
    return ""


def _opening(fence: Fence, info: str) -> str:
    """The line that opens a fence again, at the margin."""
    return f"{'> ' * fence.quotes}{fence.marker}{info}\n"


def _body(source: str, place: _Place, end: int) -> str:
    """What the source says up to `end`, moved to the left with the first line."""
    body = source[place.at : end]
    if not place.indent:
        return body
    lines = body.split("\n")
    first = 1 if place.in_line or not place.fence else 0  # it has lost its margin already
    for at in range(first, len(lines)):
        margin = len(lines[at]) - len(lines[at].lstrip(" \t"))
        if lines[at].strip() and margin < place.indent:
            break
        lines[at] = lines[at][min(margin, place.indent) :]
    return "\n".join(lines)
