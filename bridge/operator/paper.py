"""How things are written down for an operator: tables, times, sums. Pure.

Times are in the zone of the machine for people, and in UTC for scripts. What users wrote, such
as their names, cannot do anything to a terminal.
"""

import textwrap
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

WIDTH = 80
_GAP = "  "


def columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()
) -> list[str]:
    """Align rows under their heads; the last column may be as long as it likes.

    right: heads of columns that are aligned there, such as numbers.
    """
    table = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    return [
        _GAP.join(
            _filled(cell, wide, to_the_right=name in right)
            for cell, wide, name in zip(row, widths, head, strict=True)
        ).rstrip()
        for row in table
    ]


def pairs(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Align names and what they are."""
    wide = max((width(name) for name, _ in rows), default=0)
    return [f"{_filled(name, wide)}{_GAP}{plain(value)}".rstrip() for name, value in rows]


def indented(text: str, by: int = 7) -> list[str]:
    """Wrap a text below a line of a table."""
    lines = [plain(line) for line in text.splitlines()] or [""]
    space = " " * by
    return [
        piece
        for line in lines
        for piece in textwrap.wrap(
            line, WIDTH, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
        )
    ]


def shortened(text: str, most: int) -> str:
    """Cut a text that is wider than `most` columns of a terminal."""
    text = plain(text)
    if width(text) <= most:
        return text
    kept = text
    while width(kept) > most - 1:
        kept = kept[:-1]
    return f"{kept}…"


def plain(text: str) -> str:
    """Leave out what would move a cursor, colour a screen, or turn the direction of writing."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def width(text: str) -> int:
    """Count columns of a terminal: East Asian letters take two, combining marks none."""
    return sum(map(_columns, text))


def local(at: datetime | None) -> str:
    """Write a time to the minute, in the machine's zone; nothing for none."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else ""


def iso(at: datetime | None) -> str | None:
    """Write a time for a script, in UTC."""
    return at.isoformat(timespec="seconds") if at else None


def lasting(span: timedelta) -> str:
    """Write a span roughly: `40 s`, `12 min`, `5 h`, `3 d`."""
    seconds = max(0.0, span.total_seconds())
    for unit, size, most in _UNITS:
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def counted(number: int, thing: str) -> str:
    """Write `1 turn`, `2 turns`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


_UNITS = (("s", 1, 90), ("min", 60, 90 * 60), ("h", 3600, 36 * 3600))


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _filled(text: str, wide: int, *, to_the_right: bool = False) -> str:
    space = " " * (wide - width(text))
    return space + text if to_the_right else text + space


def numbered(numbers: Sequence[int]) -> Iterator[str]:
    """Write turns as their users were told of them."""
    return (f"{number:05d}" for number in numbers)
