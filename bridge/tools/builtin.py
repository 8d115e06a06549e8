"""The tools that need nothing: the time, and asking the user for what only they can give."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from bridge.events import Button, Wanted
from bridge.phrases import Phrase, say
from bridge.tools.tool import Caller, Result, ToolFailure, repeatable

_ASKED = (
    "The user is asked for it by a button below your answer, where their platform has one. It "
    "comes as their next message, if they agree. Tell them in a sentence what you need it for, "
    "and that they may as well write it."
)


@repeatable
async def current_time(caller: Caller, timezone: str = "") -> dict[str, str]:
    """Tell the time somewhere. timezone: an IANA name; else the user's, if known, else UTC."""
    name = timezone.strip() or caller.timezone or "UTC"
    there = caller.now.astimezone(_zone(name))
    return {
        "time": there.isoformat(timespec="seconds"),
        "weekday": there.strftime("%A"),
        "timezone": name,
    }


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":  # known even where the machine has no list of zones
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown; no name at all; a folder of them
        raise ToolFailure(
            f"there is no time zone {name}: give an IANA name such as Asia/Shanghai"
        ) from error


@repeatable
async def ask_location(caller: Caller) -> Result:
    """Offer the user a button that sends where they are."""
    return _asking(Phrase.SHARE_LOCATION, Wanted.LOCATION, caller)


@repeatable
async def ask_contact(caller: Caller) -> Result:
    """Offer the user a button that sends their phone number."""
    return _asking(Phrase.SHARE_CONTACT, Wanted.CONTACT, caller)


def _asking(phrase: Phrase, wanted: Wanted, caller: Caller) -> Result:
    label = say(phrase, caller.language)
    return Result({"asked": wanted.value, "note": _ASKED}, (Button(label, label, wanted),))
