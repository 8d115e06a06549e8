"""What a message may hold besides words and files, in words that an agent can read. Pure.

Each begins with what it is, so that none of it can be taken for a command.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from adapters.telegram.raw import number
from bridge.events import Place
from bridge.foreign import Json, fields, items, text


class _Title(Enum):
    """English, Chinese."""

    CONTACT = ("Contact", "联系人")
    LOCATION = ("Location", "位置")
    POLL = ("Poll", "投票")
    CHECKLIST = ("Checklist", "清单")
    GAME = ("Game", "游戏")
    INVOICE = ("Invoice", "账单")


# Nothing of these can be told.
_SILENT = frozenset({"giveaway", "paid_media", "story"})


def position(message: Json) -> Place | None:
    """Where somebody says they are, or a place they mean."""
    given = fields(message.get("location")) or fields(fields(message.get("venue")).get("location"))
    latitude, longitude = _degrees(given, "latitude", 90), _degrees(given, "longitude", 180)
    if latitude is None or longitude is None:
        return None
    return Place(latitude, longitude)


def retold(message: Json, language: str) -> str:
    """What else a message holds, in its writer's language (BCP 47); empty if nothing."""
    for name, tell in _TELLING.items():
        held = fields(message.get(name))
        if held and (told := tell(held)):
            title, words = told
            english, chinese = title.value
            return (
                f"{chinese}：{words}"
                if language.lower().startswith("zh")
                else f"{english}: {words}"
            )
    return _die(fields(message.get("dice")))


def is_unreadable(message: Json) -> bool:
    """Tell whether a person sent something of which nothing can be made."""
    return not (_SILENT | _TELLING.keys() | {"dice"}).isdisjoint(message)


_Told = tuple[_Title, str] | None


def _contact(contact: Json) -> _Told:
    name = f"{text(contact.get('first_name'))} {text(contact.get('last_name'))}".strip()
    return _listed(_Title.CONTACT, [name, text(contact.get("phone_number"))])


def _venue(venue: Json) -> _Told:
    return _listed(_Title.LOCATION, [text(venue.get("title")), text(venue.get("address"))])


def _location(location: Json) -> _Told:
    place = position({"location": location})
    return (_Title.LOCATION, f"{place.latitude}, {place.longitude}") if place else None


def _poll(poll: Json) -> _Told:
    options = [text(fields(each).get("text")) for each in items(poll.get("options"))]
    return _lines(_Title.POLL, text(poll.get("question")), (f"- {each}" for each in options))


def _checklist(checklist: Json) -> _Told:
    tasks = (fields(each) for each in items(checklist.get("tasks")))
    lines = (
        f"- [{'x' if each.get('completion_date') else ' '}] {text(each.get('text'))}"
        for each in tasks
    )
    return _lines(_Title.CHECKLIST, text(checklist.get("title")), lines)


def _game(game: Json) -> _Told:
    return _lines(_Title.GAME, text(game.get("title")), [text(game.get("description"))])


def _invoice(invoice: Json) -> _Told:
    return _lines(_Title.INVOICE, text(invoice.get("title")), [text(invoice.get("description"))])


def _die(die: Json) -> str:
    """A die, a dart, a football: the sign that was thrown, and what came of it."""
    value = number(die.get("value"))
    return f"{text(die.get('emoji')) or '🎲'} {value}" if value else ""


def _listed(title: _Title, parts: Iterable[str]) -> _Told:
    words = ", ".join(part for part in parts if part)
    return (title, words) if words else None


def _lines(title: _Title, first: str, rest: Iterable[str]) -> _Told:
    return (title, "\n".join([first, *rest]).strip()) if first else None


def _degrees(given: Json, name: str, most: float) -> float | None:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= most else None


_TELLING: Mapping[str, Callable[[Json], _Told]] = {
    "contact": _contact,
    "venue": _venue,  # before the location, which comes with it
    "location": _location,
    "poll": _poll,
    "checklist": _checklist,
    "game": _game,
    "invoice": _invoice,
}
