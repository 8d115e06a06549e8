"""Orders from another process, as JSON below `/_emulator/`, alike for every platform."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from tests.platforms.journal import Journal

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json = dict[str, object]
Handler = Callable[[web.Request], Awaitable[web.Response]]
E = TypeVar("E")
L = TypeVar("L", bound="DataclassInstance")


def handler(emulator: E, deed: Callable[[E, Mapping[str, object]], Awaitable[Json]]) -> Handler:
    """Obey, or say what is wrong with the order: 400 for `ValueError` and `LookupError`."""

    async def handle(request: web.Request) -> web.Response:
        try:
            told = json.loads(await request.read() or b"{}")
            if not isinstance(told, dict):
                raise ValueError("the body must be a JSON object")
            return web.json_response(await deed(emulator, told))
        except (ValueError, LookupError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


def calls(journal: Journal) -> Handler:
    """`?since=N`: the calls after this number."""

    async def log(request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not since.isdigit():
            return web.json_response({"error": "since: must be a number"}, status=400)
        wanted = [call for call in journal.entries if call.number > int(since)]
        return web.json_response({"calls": [asdict(call) for call in wanted]})

    return log


def limits(kind: type[L], told: Mapping[str, object]) -> L | None:
    """`{"on": false}` is none; other keys are the fields of `kind`. Raises `ValueError`."""
    known = [field.name for field in fields(kind)]
    numbers: dict[str, Any] = {name: value for name, value in told.items() if name != "on"}
    for name, value in numbers.items():
        if name not in known:
            raise ValueError(f"limits have no {name!r}; they have {', '.join(known)}")
        if not isinstance(value, int | float):
            raise ValueError(f"{name}: must be a number")
    made = kind(**numbers)
    return made if told.get("on", True) else None


def number(told: Mapping[str, object], name: str) -> int:
    """Raises `ValueError`."""
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}: must be a number")
    return value
