"""Delivery by HTTP: signed requests to the app's URL.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp

from tests.slack.emulator.deliveries import Deliveries, Delivery, Failed
from tests.slack.emulator.params import Json

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature, version 0."""
    signed = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Heard:
    """What the app's server said."""

    status: int
    body: str
    no_retry: bool

    @property
    def answer(self) -> object:
        """The body as JSON, else as a text; None if there is none."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body


class Hooks:
    """url: the app's request URL, for everything. clock: what requests are dated by."""

    def __init__(self, secret: str, clock: Callable[[], float]) -> None:
        self.url = ""
        self.secret = secret
        self._clock = clock
        self.deliveries: Deliveries
        self.http: aiohttp.ClientSession | None = None
        self.underway = 0

    @property
    def idle(self) -> bool:
        """Whether no request is on its way."""
        return not self.underway

    def use_real_time(self) -> None:
        """Date requests by the real clock, for an app that compares them with its own."""
        self._clock = time.time

    async def carry(self, delivery: Delivery) -> Failed | None:
        """Send it and wait for 2xx."""
        before = self.deliveries.started(delivery)
        headers: dict[str, str] = {}
        if before:
            headers = {"x-slack-retry-num": str(before), "x-slack-retry-reason": delivery.reason}
        body, kind = encoded(delivery)
        try:
            heard = await self.post(body, kind, headers=headers)
        except TimeoutError:
            return Failed("http_timeout")
        except aiohttp.ClientError:
            return Failed("connection_failed")
        if not 200 <= heard.status < 300:
            return Failed("http_error", again=not heard.no_retry)
        delivery.ack(self.deliveries.now(), heard.answer)
        return None

    async def post(
        self,
        body: bytes,
        kind: str = JSON,
        *,
        secret: str = "",
        age: float = 0.0,
        headers: dict[str, str] | None = None,
    ) -> Heard:
        """Send anything, signed. secret: a forger's; age: seconds since it was signed.

        Raises `aiohttp.ClientError`, `TimeoutError`.
        """
        timestamp = str(int(self._clock() - age))
        signed = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(secret or self.secret, timestamp, body),
        }
        if self.http is None:
            raise aiohttp.ClientConnectionError("nobody delivers while the emulator is down")
        timeout = aiohttp.ClientTimeout(total=self.deliveries.patience)
        self.underway += 1
        try:
            async with self.http.post(
                self.url, data=body, headers=signed | (headers or {}), timeout=timeout
            ) as response:
                text = await response.text()
                no_retry = response.headers.get("X-Slack-No-Retry") == "1"
                return Heard(response.status, text, no_retry)
        finally:
            self.underway -= 1

    async def verify(self) -> bool:
        """Ask the URL whether it is the app's, as the settings page does."""
        challenge: Json = {"type": "url_verification", "token": "-", "challenge": "3eZbrw1aBm2r"}
        heard = await self.post(json.dumps(challenge).encode())
        said = heard.answer.get("challenge") if isinstance(heard.answer, dict) else heard.body
        return heard.status == 200 and said == challenge["challenge"]


def encoded(delivery: Delivery) -> tuple[bytes, str]:
    """The body of a request, and its type."""
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload, ensure_ascii=False).encode(), JSON
    if delivery.kind == "slash_commands":
        return urlencode(delivery.payload).encode(), FORM
    return urlencode({"payload": json.dumps(delivery.payload)}).encode(), FORM
