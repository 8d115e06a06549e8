"""What a request asks for: read from its address, or from a form, and made harmless."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from bridge.clean import clean
from bridge.store.browsing import Place
from bridge.web.admin.refused import Refused

FORM = "application/x-www-form-urlencoded"
LIMIT = 64 * 1024  # bytes of a form
PATIENCE = 10.0  # seconds for a form to arrive
_FIELDS = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Fields by name; one that was not given is empty."""

    fields: Sequence[tuple[str, str]]

    def get(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """For boxes that were ticked."""
        return [value for key, value in self.fields if key == name]

    def number(self, name: str) -> int | None:
        """None for what is no row's id."""
        return as_id(self.get(name))

    def place(self) -> Place | None:
        """Where a list goes on; None for its beginning."""
        at, _, name = self.get("after").partition(" ")
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        return Place(moment, name) if moment.tzinfo else None


def as_id(given: str) -> int | None:
    """Read a row's id; None for what is none."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else None


def asked(request: web.Request) -> Asked:
    """Read the address. Raises `Refused` (400)."""
    return _parsed(request.query_string)


async def form(request: web.Request) -> Asked:
    """Read a form. Raises `Refused`: 415, 413 when it is too long, 408 when it is too slow."""
    if request.content_type != FORM:
        raise Refused(415, f"Send {FORM}.")
    try:
        async with asyncio.timeout(PATIENCE):
            body = await _body(request)
    except TimeoutError:
        raise Refused(408, "The form did not arrive in time.") from None
    return _parsed(body.decode(errors="replace"))


def link(path: str, **fields: str | int) -> str:
    """An address of the page; what is empty is left out."""
    given: Mapping[str, str | int] = {key: value for key, value in fields.items() if value != ""}
    return f"/admin{path}?{urlencode(given)}" if given else f"/admin{path}"


def after(place: Place) -> str:
    """For a link to where a list goes on."""
    return f"{place.at.isoformat()} {place.name}"


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > LIMIT:
            raise Refused(413, "The form is too long.")
    return bytes(body)


def _parsed(given: str) -> Asked:
    try:
        pairs = parse_qsl(given, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise Refused(400, "There are too many fields.") from None
    return Asked([(key, clean(value).strip()) for key, value in pairs])
