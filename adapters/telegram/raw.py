"""Numbers and ids in Telegram's JSON; what is of the wrong kind counts as missing. Pure."""


def number(value: object) -> int:
    """A whole number; 0 if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def identifier(value: object) -> str:
    """An id as text; empty if there is none. No id on Telegram is 0."""
    return str(number(value) or "")
