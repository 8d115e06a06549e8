"""The built-in HTTP server: health, metrics, and whatever the adapters serve on it."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bridge.config import ServerSettings
from bridge.errors import Permanent
from bridge.health import Health
from bridge.logs import redact
from bridge.web.ask import cannot_listen

BODY_LIMIT = 1024 * 1024  # bytes; no platform's event comes near it
LAST_WORDS = 2.0  # seconds for requests under way when the server is closed


@runtime_checkable
class ServesHttp(Protocol):
    """An adapter with routes of its own, for a webhook or a page."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Called once, after `open`. Paths start with `/<platform>/`; the first match wins."""


@runtime_checkable
class HangsUp(Protocol):
    """Routes with responses that do not end by themselves, such as event streams."""

    def hang_up(self) -> None:
        """End them; called once, when the server is about to close."""


class Status:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, health: Health, now: Callable[[], datetime]) -> None:
        self._health = health
        self._now = now

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        found = await self._health.troubles(self._now())
        troubles = {part: redact(told) for part, told in found.items()}  # anybody may ask
        status = 503 if troubles else 200
        return web.json_response({"ready": not troubles, "problems": troubles}, status=status)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@asynccontextmanager
async def serve_http(settings: ServerSettings, served: Iterable[ServesHttp]) -> AsyncIterator[str]:
    """Listen for as long as the context is open; yields the base URL.

    Raises `Permanent`, naming the key, when the address cannot be listened on.
    """
    app = web.Application(client_max_size=BODY_LIMIT)
    for part in served:
        app.add_routes(part.routes())
        if isinstance(part, HangsUp):
            app.on_shutdown.append(partial(_hang_up, part))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_WORDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            raise Permanent(cannot_listen(settings, error)) from error
        yield _url(runner, settings.host)
    finally:
        await runner.cleanup()


async def _hang_up(part: HangsUp, _: web.Application) -> None:
    part.hang_up()


def _url(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]  # the one we got, where 0 was asked for
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
