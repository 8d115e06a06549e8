"""One help desk: it calls us for each message, and we call it for each answer."""

import asyncio
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from bridge.adapter import Capabilities, Sink
from bridge.errors import (
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.events import ChatRef, Inbound, MessageRef, Page, User
from bridge.lent import Host
from coze_bridge_helpdesk.settings import HelpdeskSettings

PATIENCE = aiohttp.ClientTimeout(total=15)  # every wait on a network has an end
CAPS = Capabilities(max_text=5_000, edit_interval=0.5, edit_interval_group=0.5)


class HelpdeskAdapter:
    """Called with the name of its table, what is in it, and what the bridge lends."""

    def __init__(self, account: str, settings: HelpdeskSettings, host: Host) -> None:
        self._account = account
        self._settings = settings
        self._sink: Sink | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def caps(self) -> Capabilities:
        return CAPS

    async def open(self) -> None:
        token = self._settings.token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"}
        self._http = aiohttp.ClientSession(headers=headers, timeout=PATIENCE)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    # Receiving

    async def run(self, sink: Sink) -> None:
        """The desk calls us, so this only says when we are ready to be called."""
        self._sink = sink
        try:
            await asyncio.Event().wait()
        finally:
            self._sink = None

    def trouble(self) -> str | None:
        return None if self._sink is not None else "not receiving"

    def routes(self) -> list[web.RouteDef]:
        """What the built-in server serves for us: `bridge.web.server.ServesHttp`."""
        return [web.post(f"/helpdesk/{self._account}", self._received)]

    async def _received(self, request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "").encode()
        token = self._settings.token.get_secret_value()
        if not hmac.compare_digest(shown, f"Bearer {token}".encode()):
            return web.Response(status=401)
        try:
            event = self._inbound(await request.json())
        except (KeyError, TypeError, ValueError):
            return web.Response(status=400)  # it will not get better by being sent again
        if self._sink is None:
            return web.Response(status=503)
        try:
            await self._sink(event)  # returns once the message is stored
        except Transient:
            return web.Response(status=503)  # not acknowledged, so the desk sends it again
        return web.Response()

    def _inbound(self, told: dict[str, str]) -> Inbound:
        """Nothing of the desk's own passes this line. Raises `KeyError` for what is no message."""
        return Inbound(
            event_id=str(told["id"]),  # the same if it is sent again: that is how it is known
            chat=ChatRef("helpdesk", self._account, str(told["ticket"])),
            user=User(str(told["person"]), name=str(told.get("name", ""))),
            text=str(told["text"]),
            sent_at=datetime.now(UTC),
        )

    # Showing

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        path = f"/tickets/{chat.chat}/messages"
        # By the key the desk knows a repetition; leave it out where a platform has no such thing.
        told = await self._call("POST", path, page, {"Idempotency-Key": key})
        return MessageRef(chat, str(told["id"]))

    async def edit(self, message: MessageRef, page: Page) -> None:
        await self._call("PUT", f"/tickets/{message.chat.chat}/messages/{message.id}", page, {})

    async def _call(
        self, method: str, path: str, page: Page, headers: dict[str, str]
    ) -> dict[str, str]:
        assert self._http is not None  # noqa: S101 - `open` comes first, as promised
        body = {"text": page.text, "format": "plain" if page.plain else "markdown"}
        url = f"{self._settings.api_url}{path}"
        with as_bridge_errors():
            async with self._http.request(method, url, json=body, headers=headers) as response:
                judge(response)
                told: dict[str, str] = await response.json()
                return told


def judge(response: aiohttp.ClientResponse) -> None:
    """Name a refusal by what to do about it; the core knows the rest."""
    match response.status:
        case 200 | 201:
            return
        case 401 | 403:
            raise Unauthorised("the help desk refuses the token")
        case 404 | 410:
            raise Gone("there is no such ticket or message")
        case 413 | 422:
            raise Rejected("the help desk refuses this text")
        case 429:
            after = float(response.headers.get("Retry-After", 1))
            raise RateLimited("the help desk wants fewer calls", retry_after=after)
        case status if status >= 500:
            raise Unreachable(f"the help desk answers {status}", happened=True)
        case status:
            raise Permanent(f"the help desk answers {status}")


@contextmanager
def as_bridge_errors() -> Iterator[None]:
    """The library's exceptions stop here. `happened`: the message may be there already."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        raise Unreachable("the help desk cannot be reached") from error
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unreachable(f"no usable answer: {type(error).__name__}", happened=True) from error
