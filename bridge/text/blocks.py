"""Where code fences and tables begin and end in Markdown source.

Follows CommonMark and GFM closely enough for what agents write: fences at the margin, in lists
and in block quotes (https://spec.commonmark.org/0.31.2/#fenced-code-blocks); tables whose rows
begin with a pipe (https://github.github.com/gfm/#tables-extension-).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

_MARK = re.compile(r"`{3,}|~{3,}")
_LEAD = re.compile(r"[ \t]*(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_LAST_ITEM = re.compile(r".*(?:[-*+]|\d[.)])[ \t]+")
_PIPE_LINES = re.compile(r"(?:^ {0,3}\|[^\n]*(?:\n|\Z))+", re.MULTILINE)
_DELIMITER = re.compile(r" {0,3}\|(?:[ \t]*:?-+:?[ \t]*\|)*[ \t]*(?::?-+:?)?[ \t\r]*")
_PIPE = re.compile(r"(?<!\\)\|")
_NEAR = 1024  # characters in which most fences end
_FAR = 100  # lines above a fence in which its list item is looked for


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced code block, by positions in the source.

    start: of the opener's line; body: after that line, None while the line is unfinished.
    end: after the closing line, or where the surrounding quote or list ends; None while open.
    quotes: how many `>` stand before it; indent: columns before the marker;
    base: of these, the columns that belong to a list item.
    """

    start: int
    body: int | None
    end: int | None
    marker: str
    info: str
    quotes: int = 0
    indent: int = 0
    base: int = 0

    @property
    def margin(self) -> str:
        """What stands before every line of it."""
        return "> " * self.quotes + ("" if self.quotes else " " * self.indent)

    @property
    def closer(self) -> str:
        """The line that ends it."""
        return self.margin + self.marker


@lru_cache(maxsize=4)  # one edit asks for those of one text four times
def fences(text: str, since: int = 0) -> tuple[Fence, ...]:
    """Every fence in order; only the last one can be open.

    since: begin to look here, outside any fence.
    """
    found: list[Fence] = []
    at: int | None = since
    while at is not None and (fence := _next_fence(text, at)):
        found.append(fence)
        at = fence.end
    return tuple(found)


def open_fence(text: str, since: int = 0) -> Fence | None:
    """The fence that `text` ends within; `since` as in `fences`."""
    found = fences(text, since)
    return found[-1] if found and found[-1].end is None else None


def is_closer(line: str, fence: Fence) -> bool:
    """Tell whether the line ends `fence`, as far as the line is complete."""
    lead = line[: len(line) - len(line.lstrip(" \t>"))]
    rest = line[len(lead) :].rstrip(" \t\r\n")
    if lead.count(">") != fence.quotes or len(rest) < len(fence.marker):
        return False
    deep = 0 if fence.quotes else len(lead)
    return deep <= fence.base + 3 and not rest.strip(fence.marker[0])


def _next_fence(text: str, at: int) -> Fence | None:
    while mark := _next_mark(text, at):
        if fence := _fence_at(text, mark):
            return fence
        at = mark.end()
    return None


def _next_mark(text: str, at: int) -> re.Match[str] | None:
    """Like `_MARK.search`, which looks at every character and is twenty times as slow."""
    ticks, tildes = text.find("```", at), text.find("~~~", at)
    found = min(ticks, tildes) if ticks >= 0 and tildes >= 0 else max(ticks, tildes)
    return _MARK.match(text, found) if found >= 0 else None


def _fence_at(text: str, mark: re.Match[str]) -> Fence | None:
    start = text.rfind("\n", 0, mark.start()) + 1
    newline = text.find("\n", mark.end())
    info = text[mark.end() : newline if newline >= 0 else len(text)]
    lead = text[start : mark.start()]
    if not _LEAD.fullmatch(lead) or (mark[0][0] == "`" and "`" in info):
        return None
    quotes = lead.count(">")
    base = 0 if quotes else _list_column(text, start, lead)
    if not quotes and len(lead) > base + 3:
        return None  # indented code, where backticks are only text
    body = newline + 1 if newline >= 0 else None
    fence = Fence(start, body, None, mark[0], info.strip(), quotes, len(lead), base)
    end = None if body is None else _end(text, body, fence)
    if end is None:
        return fence
    return Fence(start, body, end, fence.marker, fence.info, quotes, fence.indent, base)


def _list_column(text: str, start: int, lead: str) -> int:
    """Columns of a fence's margin that belong to the list item it stands in."""
    if not lead:
        return 0
    if item := _LAST_ITEM.match(lead):
        return item.end()
    for line in islice(_lines_above(text, start), _FAR):
        item = _ITEM.match(line)
        if item and item.end() <= len(lead):
            return item.end()
        if not item and line.strip() and not line[0].isspace():
            return 0
    return 0


def _lines_above(text: str, start: int) -> Iterator[str]:
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        yield text[above : start - 1]
        start = above


def _end(text: str, body: int, fence: Fence) -> int | None:
    """Look ever further ahead: looking through all that follows each fence would be quadratic."""
    reach = _NEAR
    while True:
        end = text.find("\n", body + reach) + 1 or len(text)
        inside = _container_end(text, body, end, fence)
        closed = _closed(text, body, end if inside is None else inside, fence)
        if closed is not None:
            return closed
        if inside is not None or end == len(text):
            return inside
        reach *= 2


def _closed(text: str, body: int, end: int, fence: Fence) -> int | None:
    """Where a line before `end` closes the fence."""
    at = text.find(fence.marker, body, end)
    while at >= 0:
        line = text.rfind("\n", 0, at) + 1
        newline = text.find("\n", at, end)
        close = newline + 1 if newline >= 0 else end
        if is_closer(text[line:close], fence):
            return close
        at = text.find(fence.marker, close, end)
    return None


def _container_end(text: str, body: int, end: int, fence: Fence) -> int | None:
    """Where before `end` the quote or the list item around the fence ends, and the fence with it.

    end: of a line.
    """
    if fence.quotes:
        outside = re.compile(r"^(?! {0,3}>)(?=[\s\S])", re.MULTILINE)
    elif fence.base:
        outside = re.compile(rf"^[ \t]{{0,{fence.base - 1}}}(?=\S)", re.MULTILINE)
    else:
        return None
    found = outside.search(text, body, end)
    return found.start() if found else None


def table_head(text: str) -> str:
    """The header and delimiter rows, if `text` ends right after a line of that table."""
    if not text.endswith("\n"):
        return ""
    start = len(text)
    for line in _lines_above(text, start):
        if not is_row(line):
            break
        start -= len(line) + 1
    head = text[start:].split("\n", 2)
    is_table = len(head) == 3 and is_delimiter(head[1], columns(head[0]))
    return f"{head[0]}\n{head[1]}\n" if is_table else ""


def is_row(line: str) -> bool:
    """Tell whether the line begins like a row of a table."""
    return line[:4].lstrip(" ").startswith("|")


def columns(row: str) -> int:
    """Count the cells of a complete row."""
    return len(_PIPE.findall(row.strip().rstrip("|"))) if row.strip() != "|" else 0


def is_delimiter(line: str, count: int) -> bool:
    """Tell whether the line is a delimiter row with `count` columns."""
    return bool(_DELIMITER.fullmatch(line)) and "-" in line and columns(line) == count


def heads(text: str) -> Iterator[tuple[int, int]]:
    """Spans from a table's header to the first character of its first row."""
    if "|" not in text:
        return
    for rows in _PIPE_LINES.finditer(text):
        header, delimiter, more = [*rows[0].split("\n", 2), "", ""][:3]
        unsure = not more and not delimiter.strip(" \t\r|:-")
        if unsure or is_delimiter(delimiter, columns(header)):
            yield rows.start(), rows.start() + len(header) + len(delimiter) + 3
