"""Every endpoint that has no emulation of its own: what it needs, and an example of its answer.

Both are read from `answers.json`, which tools/openapi_index.py makes from Coze's OpenAPI.
Nothing is remembered here: what was created is not listed afterwards.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from bridge.emulator.call import Call, Handler, Route, json_response
from bridge.emulator.sound import spoken
from bridge.emulator.state import refused
from bridge.emulator.views import Body

_NOT_IN_EVENTS = frozenset(
    ("code", "msg", "event", "id", "debug_url", "error_code", "error_message", "interrupt_data")
)


class Example(BaseModel):
    """One endpoint. needs: names a call must have, in its query, body or form."""

    needs: Mapping[str, Sequence[str]]
    gives: Literal["json", "stream", "sound"]
    example: Body


@cache
def _examples() -> Mapping[str, Example]:
    text = files("bridge.emulator").joinpath("answers.json").read_bytes()
    return TypeAdapter(dict[str, Example]).validate_json(text)


def routes_beside(real: Iterable[Route]) -> tuple[Route, ...]:
    """Return a route for each endpoint that none of `real` answers."""
    taken = {(route.method, _shape(route.path)) for route in real}
    found = (_route(name, example) for name, example in _examples().items())
    return tuple(each for each in found if (each.method, _shape(each.path)) not in taken)


def _route(name: str, example: Example) -> Route:
    method, path = name.split(" ", 1)
    return Route(method, path, _handler(example))


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _handler(example: Example) -> Handler:
    async def handle(call: Call) -> web.StreamResponse:
        given = await _given(call, example)
        match example.gives:
            case "json":
                return json_response(_about(example.example, given), call.logid)
            case "stream":
                return _stream(example.example, call.logid)
            case "sound":
                sound, kind = spoken("hum", "wav")
                return web.Response(body=sound, content_type=kind)

    return handle


async def _given(call: Call, example: Example) -> Body:
    """Return every value of a call by its name. Raises `Refused` 4000 for one that is missing."""
    query, body, form = dict(call.request.query), await _json(call, example), await _form(call)
    for where, values in (("query", query), ("body", body), ("form", form)):
        for name in example.needs.get(where, ()):
            if name not in values:
                raise refused(4000, f"Request parameter error: {name} is required")
    return {**form, **query, **body, **call.request.match_info}


async def _json(call: Call, example: Example) -> Body:
    if call.request.content_type.startswith("multipart/"):
        return {}
    try:
        value = json.loads(await call.request.read() or b"{}")
    except ValueError as error:
        raise refused(4000, f"Request parameter error: json fail: {error}") from error
    if not isinstance(value, dict):
        raise refused(4000, "Request parameter error: the body must be an object")
    return value


async def _form(call: Call) -> Body:
    if not call.request.content_type.startswith("multipart/"):
        return {}
    return dict.fromkeys(await call.request.post(), "")


def _about(example: Body, given: Body) -> Body:
    """Put what a call named into the example's `data`: the answer is about that thing."""
    data = example.get("data")
    if not isinstance(data, dict):
        return example
    told = {name: given.get(name, value) for name, value in data.items()}
    same = {name: value for name, value in told.items() if type(value) is type(data[name])}
    return {**example, "data": {**data, **same}}


def _stream(example: Body, logid: str) -> web.Response:
    """Write the events of a short run: one message, and the end. Ids count from 0."""
    message = {name: value for name, value in example.items() if name not in _NOT_IN_EVENTS}
    done = {"debug_url": example.get("debug_url", "")}
    events = (("Message", {**message, "node_is_finish": True}), ("Done", done))
    text = "".join(
        f"id: {number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
        for number, (name, data) in enumerate(events)
    )
    return web.Response(text=text, content_type="text/event-stream", headers={"x-tt-logid": logid})
