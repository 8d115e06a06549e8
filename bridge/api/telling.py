"""What an answer looks like: for a person by default, a line of JSON each for a script."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from bridge.api.index import Endpoint
from bridge.coze.sse import Frame

Json: TypeAlias = Mapping[str, object]

_FAILED = ("error", "Error", "conversation.chat.failed")  # the last one with a code in last_error


def answer(envelope: Json, *, for_script: bool) -> str:
    """Write an answer: indented, or on one line."""
    if for_script:
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(envelope, ensure_ascii=False, indent=2)


def event(frame: Frame, *, for_script: bool) -> str:
    """Write one event of a stream; for a script its data is JSON where it was JSON."""
    if for_script:
        told = {"event": frame.event, "data": _decoded(frame.data)}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return f"{frame.event}: {frame.data}"


def _decoded(data: str) -> object:
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError):
        return data
    return value


def failed(frame: Frame) -> bool:
    """Tell whether an event says that the answer is no."""
    return frame.event in _FAILED


def endpoint_line(each: Endpoint) -> str:
    """Write one endpoint for a list."""
    return f"{each.method:6} {each.path}  {each.about}"


def endpoint_details(each: Endpoint) -> str:
    """Write one endpoint with its parameters; `*` marks the required ones."""
    kinds = (("-q", each.query), ("-d", each.body), ("-F", each.form))
    lines = [
        f"       {option} {', '.join(_shown(name) for name in names)}"
        for option, names in kinds
        if names
    ]
    return "\n".join([endpoint_line(each), *lines])


def _shown(name: str) -> str:
    return f"{name[:-1]} (file)" if name.endswith("@") else name


def endpoint_json(each: Endpoint) -> str:
    """Write one endpoint for a script."""
    told = {
        "method": each.method,
        "path": each.path,
        "about": each.about,
        "query": list(each.query),
        "body": list(each.body),
        "form": list(each.form),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
