"""Reading JSON that may not be as documented: what is of the wrong kind counts as missing. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_NOTHING: Json = {}


def fields(value: object) -> Json:
    """An object; empty if it is none."""
    return value if isinstance(value, Mapping) else _NOTHING


def items(value: object) -> Sequence[object]:
    """A list; empty if it is none."""
    return value if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    r"""A string; empty if it is none. What no database takes is replaced.

    JSON can spell half a character ("\ud83d"), and such an event would come again and again.
    """
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def number(value: object) -> int | None:
    """A whole number that is more than nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def moment(ts: str) -> datetime | None:
    """The time in a timestamp of Slack's, "1712345678.000100"; None if there is none in it."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (OverflowError, OSError, ValueError):
        return None
