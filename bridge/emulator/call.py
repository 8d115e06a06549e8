"""One HTTP request as the handlers see it, and the envelope of every answer."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bridge.emulator.scenario import Trouble
from bridge.emulator.state import Identity, refused

if TYPE_CHECKING:
    from bridge.emulator.emulator import Emulator

M = TypeVar("M", bound=BaseModel)

LARGEST_BODY = 15 * 1024 * 1024  # bytes, for everything but files


@dataclass(frozen=True, slots=True)
class Call:
    """A request by somebody we know."""

    request: web.Request
    emulator: "Emulator"
    caller: Identity
    logid: str

    async def body(self, model: type[M]) -> M:
        """Parse the body; an empty one counts as {}. Raises `Refused` 4000 naming the fields."""
        raw = await self.request.read()
        try:
            return model.model_validate_json(raw or b"{}")
        except ValidationError as error:
            raise refused(4000, f"Request parameter error: {_problems(error)}") from error

    def query(self, name: str) -> str:
        """Return a query parameter. Raises `Refused` 4000 if it is missing."""
        value = self.request.query.get(name, "")
        if not value:
            raise refused(4000, f"Request parameter error: {name} is required")
        return value

    def number(self, name: str, default: int, *, most: int) -> int:
        """Return a query parameter from 1 to `most`. Raises `Refused` 4000."""
        text = self.request.query.get(name, str(default))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
            raise refused(4000, f"Request parameter error: {name} must be 1 to {most}")
        return int(text)

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def ok(self, data: object = None, **beside: object) -> web.Response:
        """Answer with code 0. `beside` goes next to `data` in the envelope."""
        body: dict[str, object] = {"code": 0, "msg": ""}
        if data is not None:
            body["data"] = data
        return json_response(body | beside, self.logid)

    def page(self, *, default: int, most: int, name: str = "page_num") -> slice:
        """Return the part of a list that the page number `name` and page_size ask for."""
        number = self.number(name, 1, most=10**6)
        size = self.number("page_size", default, most=most)
        return slice((number - 1) * size, number * size)


Handler: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path and who answers."""

    method: str
    path: str
    handler: Handler


def json_response(body: Mapping[str, object], logid: str, *, status: int = 200) -> web.Response:
    """Answer with JSON, the log id in the header and in `detail`."""
    text = json.dumps({**body, "detail": {"logid": logid}}, ensure_ascii=False)
    return web.Response(
        text=text,
        status=status,
        content_type="application/json",
        headers={"x-tt-logid": logid},
    )


def error_response(trouble: Trouble, logid: str) -> web.Response:
    """Answer with an error, as told, whatever HTTP status it has."""
    if trouble.raw is not None:
        response = web.Response(text=trouble.raw, status=trouble.status, content_type="text/html")
    else:
        body: dict[str, object] = {"code": trouble.code, "msg": trouble.msg}
        response = json_response(body, logid, status=trouble.status)
    if trouble.retry_after is not None:
        response.headers["Retry-After"] = str(trouble.retry_after)
    return response


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )
