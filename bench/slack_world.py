"""Slack as `bench.world` needs it: Socket Mode, and streams.

One app in an organisation (Enterprise Grid), and everybody in a workspace of their own: Slack's
tiers are by workspace, so that nobody comes near them.
https://docs.slack.dev/apis/web-api/rate-limits
"""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

from bench.agent import Body, Question, Script
from bench.world import Tuning

BOT_TOKEN, APP_TOKEN = "xoxb-bench", "xapp-bench"
ORGANISATION = "E0BENCH"
BOT_USER = "U0BENCH"
EVERY = 0.7  # seconds between two additions to a stream, as `adapters.slack.ways` leaves them
_ABOUT_ALL = {
    "api_app_id": "A0BENCH",
    "enterprise_id": ORGANISATION,
    "is_ext_shared_channel": False,
}
_AUTHORIZATION = {
    "enterprise_id": ORGANISATION,
    "team_id": None,
    "user_id": BOT_USER,
    "is_bot": True,
    "is_enterprise_install": True,
}


@dataclass
class Talk:
    """What somebody asks, one thing after the other in one thread. ts: of its first message."""

    question: Question
    ts: str


class Slack:
    """An app whose connections take turns, and its streams as they were last added to."""

    name = "slack"
    at_once = 10  # the names of more are not asked for at the same time (`adapters.slack.people`)

    def __init__(self) -> None:
        self.script = Script()
        self._talks: dict[str, Talk] = {}  # by channel
        self._sockets: list[web.WebSocketResponse] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._connected = asyncio.Event()
        self._serial = itertools.count(1)

    def settings(self, url: str, tuning: Tuning) -> Mapping[str, str]:
        return {"BOT_TOKEN": BOT_TOKEN, "APP_TOKEN": APP_TOKEN, "API_BASE_URL": f"{url}/api/"}

    def interval(self, tuning: Tuning) -> float:
        return EVERY

    async def ready(self) -> None:
        await self._connected.wait()

    def ask(self, question: Question, person: int) -> None:
        number, channel = next(self._serial), f"D{person:08d}"
        ts = self._now()
        known = self._talks.get(channel)
        event = {
            "type": "message",
            "channel": channel,
            "channel_type": "im",
            "user": f"U{person:08d}",
            "text": f"question {question.number}",
            "ts": ts,
            "event_ts": ts,
            **({"thread_ts": known.ts} if known else {}),
        }
        payload = {
            **_ABOUT_ALL,
            "type": "event_callback",
            "team_id": f"T{person:08d}",
            "event_id": f"Ev{number:010d}",
            "event_time": int(time.time()),
            "authorizations": [_AUTHORIZATION],
            "event": event,
        }
        envelope = {"type": "events_api", "envelope_id": f"envelope-{number}", "payload": payload}
        self._talks[channel] = Talk(question, known.ts if known else ts)
        socket = self._sockets[number % len(self._sockets)]
        question.asked = time.monotonic()
        sending = asyncio.create_task(_sent(socket, json.dumps(envelope)))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    def _now(self) -> str:
        """A moment that no other message has."""
        return f"{int(time.time())}.{next(self._serial) % 1_000_000:06d}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/socket":
            return await self._talk(request)
        method = request.path.rpartition("/")[2]
        if method == "apps.connections.open":
            return _told({"url": f"ws://{request.host}/socket"})
        asked = _asked(await request.read()) or dict(parse_qsl(request.rel_url.query_string))
        return _told(self._answer(method, asked))

    async def _talk(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self._sockets.append(socket)
        self._connected.set()
        try:
            while (await socket.receive()).type is WSMsgType.TEXT:
                pass  # acknowledgements
        finally:
            self._sockets.remove(socket)
        return socket

    def _answer(self, method: str, asked: Body) -> Body:
        match method:
            case "auth.test":
                return _BOT
            case "users.info":
                profile = {"display_name": asked["user"]}
                return {"user": {"id": asked["user"], "locale": "en-US", "profile": profile}}
            case "chat.postMessage" | "chat.startStream":
                return self._show(asked, self._now(), ends=method == "chat.postMessage")
            case "chat.update":  # where a stream could not be ended as it stood
                self._talks[asked["channel"]].question.shown.clear()
                return self._show(asked, asked["ts"], ends=True)
            case "chat.appendStream" | "chat.stopStream":
                return self._show(asked, asked["ts"], ends=method == "chat.stopStream")
            case _:
                return {}

    def _show(self, asked: Body, ts: str, *, ends: bool) -> Body:
        now, channel = time.monotonic(), str(asked["channel"])
        question, text = (
            self._talks[channel].question,
            asked.get("markdown_text") or asked.get("text") or "",
        )
        number = int(ts.partition(".")[2])
        question.calls += 1
        if text:
            question.first_text = question.first_text or now
        question.shown[number] = question.shown.get(number, "") + text
        question.final = now
        if ends and question.is_whole(self.script, question.shown[number]):
            question.done.set()
        return {"channel": channel, "ts": ts}


_BOT = {
    "user_id": BOT_USER,
    "bot_id": "B0BENCH",
    "enterprise_id": ORGANISATION,
    "is_enterprise_install": True,
}


def _told(answer: Body) -> web.Response:
    return web.json_response({"ok": True, **answer})


def _asked(body: bytes) -> Body:
    """The parameters of a call, which may be JSON or a form."""
    if body.startswith(b"{"):
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode()))


async def _sent(socket: web.WebSocketResponse, envelope: str) -> None:
    with suppress(ConnectionError):  # whoever listens was ended
        await socket.send_str(envelope)
