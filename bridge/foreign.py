"""Reading JSON that may not be as documented: what is of the wrong kind counts as missing. Pure."""

from collections.abc import Mapping, Sequence
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

    JSON can spell half a character ("\ud83d"), and such an event would come again for ever.
    Its replacement is as wide in UTF-16 units, so offsets into the text hold.
    """
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
