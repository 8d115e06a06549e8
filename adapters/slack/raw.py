"""Numbers and times in Slack's JSON; what is of the wrong kind counts as missing. Pure."""

from datetime import UTC, datetime


def number(value: object) -> int | None:
    """A whole number that is more than nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def moment(ts: str) -> datetime | None:
    """The time in a timestamp of Slack's, "1712345678.000100"; None if there is none in it."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (OverflowError, OSError, ValueError):
        return None
