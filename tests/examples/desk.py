"""A help desk, as a small real program."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

TOKEN = "desk-token"


@dataclass
class Desk:
    """tickets: the messages of ours in each, by id. refuse: how the next call is answered."""

    tickets: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    refuse: web.Response | None = None
    url: str = ""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/tickets/{ticket}/messages", self._posted),
            web.put("/tickets/{ticket}/messages/{id}", self._changed),
        ]

    async def say(self, hook: str, event: str, text: str, *, ticket: str = "t1") -> int:
        """Call the bridge, as a desk does for each message. Returns the status."""
        told = {"id": event, "ticket": ticket, "person": "anna", "text": text}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(hook, json=told) as response,
        ):
            return response.status

    async def _posted(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        messages = self.tickets.setdefault(request.match_info["ticket"], {})
        new = str(sum(map(len, self.tickets.values())) + 1)
        its = self.keys.setdefault(request.headers["Idempotency-Key"], new)
        messages[its] = (await request.json())["text"]
        return web.json_response({"id": its}, status=201)

    async def _changed(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        messages = self.tickets.get(request.match_info["ticket"], {})
        if request.match_info["id"] not in messages:
            return web.Response(status=404)
        messages[request.match_info["id"]] = (await request.json())["text"]
        return web.json_response({"id": request.match_info["id"]})

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.Response(status=401)
        refused, self.refuse = self.refuse, None
        return refused


@asynccontextmanager
async def served(routes: list[web.RouteDef]) -> AsyncIterator[str]:
    """Serve on this machine; yields where."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
