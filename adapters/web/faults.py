"""How a refusal reads to a browser: a status and `{"error": {"code", "message"}}`."""

from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from bridge.errors import Transient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """The request cannot be served as it stands; nothing was stored.

    code: one word for programs; message: one sentence for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> Refused:
    """The body or a parameter is not what it has to be."""
    return Refused(400, "bad_request", message)


def unknown_chat() -> Refused:
    """Say the same for a chat that is not there and for one that is somebody else's."""
    return Refused(404, "unknown_chat", "There is no such conversation here.")


def answering(handler: Handler) -> Handler:
    """Turn what `handler` raises into a JSON answer. A bug is left to aiohttp, which logs it."""

    @wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return told(refused)
        except Transient as error:
            busy = Refused(503, "unavailable", "The message could not be stored; send it again.")
            return told(busy, retry_after=error.retry_after)

    return answered


def told(refused: Refused, *, retry_after: float | None = None) -> web.Response:
    """Build the answer. `retry_after` is in seconds; a 503 always carries one."""
    body = {"error": {"code": refused.code, "message": refused.message}}
    response = web.json_response(body, status=refused.status)
    response.headers["Cache-Control"] = "no-store"
    if refused.status == 503:
        response.headers["Retry-After"] = str(max(1, round(retry_after or 1)))
    return response
