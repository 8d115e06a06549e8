"""Telegram as `bench.world` needs it."""

import asyncio
import json
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from bench.agent import Body, Question, Script
from bench.world import Tuning

BOT_TOKEN = "123456:bench"
BATCH = 100  # updates in one answer, as at Telegram
POLLERS_ID = 123456


class Telegram:
    """One bot without flood limits: updates by long polling, messages as they were last edited."""

    name = "telegram"
    at_once = 200

    def __init__(self) -> None:
        self.script = Script()
        self._polled = asyncio.Event()
        self._asking: dict[int, Question] = {}  # by person, who asks one thing at a time
        self._updates: list[Body] = []
        self._new = asyncio.Event()
        self._last = 0
        self._messages = 0

    def settings(self, url: str, tuning: Tuning) -> Mapping[str, str]:
        return {
            "TOKEN": BOT_TOKEN,
            "API_BASE_URL": url,
            "CALLS_PER_SECOND": str(tuning.calls),
            "EDIT_INTERVAL_PRIVATE": str(tuning.interval),
        }

    def interval(self, tuning: Tuning) -> float:
        return tuning.interval

    async def ready(self) -> None:
        await self._polled.wait()

    def ask(self, question: Question, person: int) -> None:
        self._last += 1
        who = {"id": person, "first_name": f"User {person}", "is_bot": False, "language_code": "en"}
        message = {
            "message_id": 1_000_000 + self._last,
            "date": int(time.time()),
            "from": who,
            "chat": {"id": person, "type": "private", "first_name": who["first_name"]},
            "text": f"question {question.number}",
        }
        self._asking[person] = question
        self._updates.append({"update_id": self._last, "message": message})
        question.asked = time.monotonic()
        self._new.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        method = request.path.rpartition("/")[2]
        asked = _asked(await request.read())
        if method == "getUpdates":
            return _telegram(await self._poll(asked))
        if method == "getMe":
            return _telegram(
                {"id": POLLERS_ID, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
            )
        if method == "getMyCommands":
            return _telegram([])
        if method in ("sendMessage", "editMessageText"):
            return _telegram(self._show(asked))
        return _telegram(True)

    async def _poll(self, asked: Body) -> list[Body]:
        self._polled.set()
        acknowledged = int(asked.get("offset", 0))
        self._updates = [each for each in self._updates if each["update_id"] >= acknowledged]
        if not self._updates:
            self._new.clear()
            try:
                await asyncio.wait_for(self._new.wait(), float(asked.get("timeout", 0)))
            except TimeoutError:
                return []
        return self._updates[:BATCH]

    def _show(self, asked: Body) -> Body:
        now, person = time.monotonic(), int(asked["chat_id"])
        question, text = self._asking[person], str(asked["text"])
        number = int(asked.get("message_id", 0))
        if not number:
            self._messages += 1
            number = self._messages
        question.calls += 1
        question.first_text = question.first_text or now
        question.shown[number] = text
        question.final = now
        if "/stop" not in str(asked.get("reply_markup")) and question.is_whole(self.script, text):
            question.done.set()
        chat = {"id": person, "type": "private"}
        return {"message_id": number, "date": int(time.time()), "chat": chat, "text": text}


def _telegram(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _asked(body: bytes) -> Body:
    """The parameters of a call, which may be JSON or a form."""
    if body.startswith(b"{"):
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode()))
