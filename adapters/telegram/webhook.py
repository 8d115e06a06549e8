"""Receiving through the built-in server: Telegram posts each update, and repeats it until 200."""

import asyncio
import hmac
import json
import time

from aiohttp import web
from telegram import Bot

from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.normalise import KINDS
from adapters.telegram.receive import Intake
from bridge.adapter import Sink
from bridge.errors import Transient
from bridge.foreign import Json, fields
from bridge.logs import get

log = get(__name__)

WATCH_EVERY = 60.0  # seconds between two looks at what Telegram thinks of us
RECENT = 120.0  # seconds for which an error that Telegram tells of counts as trouble
MOST_CONNECTIONS = 40  # at once from Telegram, its default
_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Webhook:
    """One bot's webhook.

    url: what Telegram is told. secret: comes back in each request. watch_every: see `WATCH_EVERY`.
    """

    def __init__(
        self,
        bot: Bot,
        intake: Intake,
        *,
        url: str,
        secret: str,
        watch_every: float = WATCH_EVERY,
    ) -> None:
        self._bot = bot
        self._intake = intake
        self._url = url
        self._secret = secret.encode()
        self._watch_every = watch_every
        self._sink: Sink | None = None
        self._trouble: str | None = "has not set the webhook yet"

    def trouble(self) -> str | None:
        """What Telegram complained about lately; None while it is content."""
        return self._trouble

    async def run(self, sink: Sink) -> None:
        """Register, then watch until cancelled. Raises `Transient`, `Unauthorised`."""
        self._sink = sink
        try:
            await self._register()
            while True:
                await self._look()
                await asyncio.sleep(self._watch_every)
        finally:
            self._sink = None

    async def _register(self) -> None:
        with as_bridge_errors():
            await self._bot.set_webhook(
                self._url,
                secret_token=self._secret.decode(),
                allowed_updates=list(KINDS),
                max_connections=MOST_CONNECTIONS,
                drop_pending_updates=False,
            )
        log.info("webhook.set", url=self._url)

    async def _look(self) -> None:
        try:
            await self._watch()
        except Transient as error:
            # Telegram may well reach us while we do not reach it: go on receiving.
            self._trouble = f"Telegram cannot be asked about the webhook: {error}"
            log.warning("webhook.not_seen", error=str(error))

    async def _watch(self) -> None:
        with as_bridge_errors():
            info = await self._bot.get_webhook_info()
        if info.url != self._url:
            # Somebody else set or removed it; two bridges would do so for ever, hence the wait.
            self._trouble = "the webhook was changed by another program; set again"
            log.warning("webhook.changed", found=info.url)
            await self._register()
            return
        told_at = info.last_error_date.timestamp() if info.last_error_date else 0.0
        recent = time.time() - told_at < RECENT
        self._trouble = f"Telegram reports: {info.last_error_message}" if recent else None

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one delivery: 200 only once its update is committed."""
        shown = request.headers.get(_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, self._secret):
            return web.json_response({"error": "wrong secret"}, status=401)
        if self._sink is None:
            return web.json_response({"error": "not receiving"}, status=503)
        update = await _update(request)
        if update is None:
            return web.json_response({"error": "not an update"}, status=400)
        try:
            await self._intake.take([update], self._sink)
        except Transient as error:
            log.error("update.not_committed", error=str(error))
            return web.json_response({"error": "not committed, try again"}, status=503)
        return web.json_response({})


async def _update(request: web.Request) -> Json | None:
    try:
        return fields(json.loads(await request.read())) or None
    except (ValueError, RecursionError):
        return None
