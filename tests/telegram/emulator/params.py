"""A request's parameters, from wherever HTTP lets a client put them.

The Bot API takes the query string, JSON, forms and multipart, and reads all of them alike:
numbers may come as strings, objects as JSON inside a string.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from tests.telegram.emulator.errors import bad

_PERCENT = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_INTEGER = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    name: str
    mime: str
    data: bytes


class Parameters:
    """What was passed, read by type. An empty string counts as not passed, as it does there."""

    def __init__(self, values: Mapping[str, object], uploads: Mapping[str, Upload]) -> None:
        self.values = dict(values)
        self.uploads = dict(uploads)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def integer(self, name: str) -> int | None:
        """Raises `Refused` where there is something else than a number."""
        value = self.text(name).strip()
        if not value or value == "null":
            return None
        if not _INTEGER.fullmatch(value):
            raise bad(f"can't parse {name}: expected an Integer")
        return int(value)

    @property
    def chat_id(self) -> int | None:
        """The chat meant, if it is meant by number."""
        value = self.text("chat_id").strip()
        return int(value) if _INTEGER.fullmatch(value) else None

    def flag(self, name: str) -> bool:
        return self.text(name).strip().lower() in {"true", "yes", "1"}

    def given(self, name: str) -> object:
        """An object or a list; None if there is none. Raises `Refused` for broken JSON."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad(f"can't parse {name}: {error}") from error

    def fields(self, name: str) -> Mapping[str, object]:
        """An object, empty if there is none. Raises `Refused`."""
        value = self.given(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad(f"can't parse {name}: expected an Object")
        return value

    def items(self, name: str) -> list[object]:
        """A list, empty if there is none. Raises `Refused`."""
        value = self.given(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise bad(f"can't parse {name}: expected an Array")
        return value


async def read(request: web.Request) -> Parameters:
    """Collect the parameters of a request. Raises `Refused` if the body cannot be read."""
    values: dict[str, object] = dict(request.query)
    kind = request.content_type
    if kind == "multipart/form-data":
        return await _multipart(request, values)
    body = await request.read()
    if kind == "application/json" and body:
        return Parameters(values | _json(body), {})
    if kind == "application/x-www-form-urlencoded":
        return Parameters(values | _form(body), {})
    return Parameters(values, {})


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise bad("can't parse JSON in the request body") from error
    if not isinstance(value, dict):
        raise bad("JSON in the request body must be an Object")
    return {name: field for name, field in value.items() if field is not None}


def _form(body: bytes) -> dict[str, object]:
    """As urllib.parse does it, but a run of percent signs at a time: Chinese has many."""
    values: dict[str, object] = {}
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name:
            values[_unquoted(name)] = _unquoted(value)
    return values


def _unquoted(raw: bytes) -> str:
    plain = _PERCENT.sub(_bytes, raw.replace(b"+", b" "))
    try:
        return plain.decode()
    except UnicodeDecodeError as error:
        raise bad("strings must be encoded in UTF-8") from error


def _bytes(run: re.Match[bytes]) -> bytes:
    return bytes.fromhex(run[0].replace(b"%", b"").decode())


async def _multipart(request: web.Request, values: dict[str, object]) -> Parameters:
    uploads: dict[str, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            continue
        data = bytes(await part.read(decode=True))
        if part.filename is None:
            values[part.name] = data.decode()
        else:
            mime = part.headers.get("Content-Type", "application/octet-stream")
            uploads[part.name] = Upload(part.filename, mime, data)
    return Parameters(values, uploads)
