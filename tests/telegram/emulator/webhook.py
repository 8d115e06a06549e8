"""Updates sent to the bot: in order per chat, again until somebody says 2xx.

From the server's source (WebhookActor): chats are served side by side, at most
`max_connections` at once; the first failure is tried again at once, then the pause doubles
from two seconds; a Retry-After header is obeyed.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.inbox import Inbox, Json, Update

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PORTS = (80, 88, 443, 8443)
PATIENCE = 60.0  # seconds to wait for an answer
_SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send updates; no url is no webhook."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    ip_address: str = ""


def check(address: Address) -> Address:
    """Refuse what the server refuses.

    As a Bot API server in local mode it takes plain HTTP, but from this machine only.
    """
    parts = urlsplit(address.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise bad("invalid webhook URL specified")
    local = parts.hostname in _LOOPBACK
    if parts.scheme == "http" and not local:
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if not local and (parts.port or 443) not in PORTS:
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if len(address.secret) > 256:
        raise bad("secret token is too long")
    if not _SECRET.fullmatch(address.secret):
        raise bad("secret token contains unallowed characters")
    return address


@dataclass(slots=True)
class Webhook:
    """The address and how deliveries went. first_pause: seconds, doubled up to longest_pause."""

    inbox: Inbox
    address: Address = Address()
    first_pause: float = 2.0
    longest_pause: float = 60.0
    last_error: str = ""
    last_error_at: float | None = None
    attempts: int = 0
    failed: int = 0
    _busy: set[str] = field(default_factory=set)

    @property
    def is_set(self) -> bool:
        return bool(self.address.url)

    def set(self, address: Address) -> None:
        self.address = address
        self.last_error, self.last_error_at = "", None
        for update in self.inbox.pending:
            update.failures, update.due = 0, 0.0
        self.inbox.arrived.set()

    async def run(self) -> None:
        """Deliver for ever."""
        self._busy.clear()
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as group:
            while True:
                for update in self._ready():
                    self._busy.add(update.lane)
                    group.create_task(self._deliver(http, update))
                await self._next()

    async def _next(self) -> None:
        """Wait until something arrived, was delivered, or a pause is over."""
        pause = self._pause()
        try:
            async with asyncio.timeout(pause):
                await self.inbox.arrived.wait()
        except TimeoutError:
            return
        self.inbox.arrived.clear()

    def _heads(self) -> Iterator[Update]:
        """The oldest update of every chat nobody is busy with."""
        seen = set(self._busy)
        for update in self.inbox.pending:
            if update.lane not in seen:
                seen.add(update.lane)
                yield update

    def _ready(self) -> list[Update]:
        if not self.is_set:
            return []
        now = self.inbox.now()
        free = self.address.max_connections - len(self._busy)
        return [update for update in self._heads() if update.due <= now][: max(free, 0)]

    def _pause(self) -> float | None:
        if not self.is_set:
            return None
        now = self.inbox.now()
        later = [update.due - now for update in self._heads() if update.due > now]
        return min(later, default=None)

    async def _deliver(self, http: aiohttp.ClientSession, update: Update) -> None:
        self.attempts += 1
        headers = {"Content-Type": "application/json"}
        if self.address.secret:
            headers[SECRET_HEADER] = self.address.secret
        body = json.dumps(update.body, ensure_ascii=False).encode()
        try:
            async with http.post(self.address.url, data=body, headers=headers) as response:
                await response.read()
                self._answered(update, response)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._failed(update, f"Connection failed: {type(error).__name__}", 0.0)
        finally:
            self._busy.discard(update.lane)
            self.inbox.arrived.set()

    def _answered(self, update: Update, response: aiohttp.ClientResponse) -> None:
        if 200 <= response.status < 300:
            self.inbox.remove(update)
            return
        told = response.headers.get("Retry-After", "")
        reason = f"Wrong response from the webhook: {response.status} {response.reason}"
        self._failed(update, reason, float(told) if told.isdigit() else 0.0)

    def _failed(self, update: Update, reason: str, retry_after: float) -> None:
        self.failed += 1
        self.last_error, self.last_error_at = reason, self.inbox.clock()
        doubled = self.first_pause * 2 ** (update.failures - 1) if update.failures else 0.0
        update.failures += 1
        update.due = self.inbox.now() + (retry_after or min(doubled, self.longest_pause))
        self.inbox.changed()

    def info(self) -> Json:
        """What getWebhookInfo shows."""
        info: Json = {
            "url": self.address.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.inbox.pending),
        }
        if self.is_set:
            info["max_connections"] = self.address.max_connections
            info["allowed_updates"] = sorted(self.inbox.allowed)
            if self.address.ip_address:
                info["ip_address"] = self.address.ip_address
        if self.last_error_at is not None:
            info["last_error_date"] = int(self.last_error_at)
            info["last_error_message"] = self.last_error
        return info
