"""Receiving through the built-in server: events, presses and commands, signed by Slack.

https://docs.slack.dev/apis/events-api/using-http-request-urls
"""

from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from adapters.slack.bolt import Gate
from bridge.logs import get

log = get(__name__)


class Hook:
    """One account's request URL. secret: what requests are signed with."""

    def __init__(self, gate: Gate, *, secret: str) -> None:
        self._gate = gate
        self._verifier = SignatureVerifier(secret)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one delivery: 200 only once it is committed, 401 to who is not Slack."""
        body = await request.read()
        if not self._is_signed(request, body):
            return web.json_response({"error": "wrong signature"}, status=401)
        read = _read(request, body)
        if read is None:  # Slack would send it again and again
            return web.Response()
        answer = await self._gate.deliver(read)
        if answer.status == 503:
            return web.json_response({"error": "not committed, try again"}, status=503)
        return web.Response(
            status=answer.status,
            text=answer.body,
            headers=answer.first_headers_without_set_cookie(),
        )

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """Bolt looks once more; but what it cannot read, it reads before it looks."""
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        try:
            return signature.isascii() and self._verifier.is_valid(body, stamp, signature)
        except ValueError:  # no UTF-8, or a time that is no number
            return False


def _read(request: web.Request, body: bytes) -> AsyncBoltRequest | None:
    """A request as Bolt reads it; None for one that nobody can read."""
    try:
        return AsyncBoltRequest(
            body=body.decode(),
            query=request.query_string,
            headers=dict(request.headers.items()),
        )
    except Exception:  # it reads odd shapes as they come
        log.exception("delivery.malformed", kind=request.content_type)
        return None
