"""Everything around the bridge in one process: Telegram, Coze, and all who ask.

The emulators of the tests keep every request and every revision and judge each one. Under
10,000 deltas a second they would be what is measured. These two know one conversation by heart,
answer what else they are asked with the least that is true, and write down moments: seconds of
`time.monotonic`, which all processes of this machine share.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from aiohttp import web

from bench.processes import free_port

Body: TypeAlias = dict[str, Any]

BOT_TOKEN = "123456:bench"
BACKLOG = 8192
BATCH = 100  # updates in one answer, as at Telegram
POLLERS_ID = 123456
_IDS = {"bot_id": "7379462189365198898", "chat_id": "7382159487131697202"}
_ANSWER = {"id": "7382159494123470858", **_IDS, "conversation_id": "7381473525342978089"} | {
    "role": "assistant",
    "type": "answer",
    "content_type": "text",
}
_USAGE = {"token_count": 300, "input_count": 100, "output_count": 200}


@dataclass(frozen=True)
class Script:
    """What Coze says to every question: `tokens` deltas, `pace` seconds apart.

    pace: 0 for as fast as they can be written. silence: seconds before the first of them.
    """

    tokens: int = 200
    pace: float = 0.02
    silence: float = 0.0

    @property
    def words(self) -> list[str]:
        return [f"word{n} " if n % 20 else f"\n\n**{n}** " for n in range(self.tokens)]

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def seconds(self) -> float:
        return self.silence + self.tokens * self.pace

    @property
    def seen(self) -> list[str]:
        """The words as a reader sees them."""
        return self.text.replace("**", "").split()


@dataclass
class Question:
    """One question, and when what happened to it. Seconds of `time.monotonic`."""

    number: int
    asked: float = 0.0
    at_coze: float = 0.0
    first_delta: float = 0.0
    first_text: float = 0.0
    ended: float = 0.0
    final: float = 0.0
    calls: int = 0
    shown: dict[int, str] = field(default_factory=Body)  # texts by message
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def is_whole(self, script: Script) -> bool:
        return "\n".join(self.shown.values()).replace("**", "").split() == script.seen


class Coze:
    """`/v3/chat` as a script; conversations that exist because they were asked for."""

    def __init__(self, questions: dict[int, Question]) -> None:
        self._questions = questions
        self.conversations = 0
        self.play(Script())

    def play(self, script: Script) -> None:
        """Answer by another script from now on."""
        self.script = script
        self._deltas = [
            _chunk(_frame("conversation.message.delta", **_ANSWER, content=word))
            for word in script.words
        ]
        self._end = _chunk(
            _frame("conversation.message.completed", **_ANSWER, content=script.text)
            + _frame("conversation.chat.completed", status="completed", usage=_USAGE)
            + b'event:done\ndata:"[DONE]"\n\n'
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else {}
        match request.path:
            case "/v3/chat":
                return await self._chat(request, body)
            case "/v1/conversation/create":
                self.conversations += 1
                return _coze({"id": str(7_000_000_000 + self.conversations), "meta_data": {}})
            case path if path.startswith("/v1/bots/"):
                return _coze({"bot_id": path.rpartition("/")[2], "name": "Bench"})
            case path:
                return web.json_response({"code": 4000, "msg": f"not here: {path}"}, status=400)

    async def _chat(self, request: web.BaseRequest, body: Body) -> web.StreamResponse:
        question = self._questions[_number(body)]
        question.at_coze = time.monotonic()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        named = request.query["conversation_id"]
        chat = {"id": str(8_000_000_000 + question.number), "conversation_id": named}
        begun = _frame("conversation.chat.created", **chat, status="created")
        await Telling(request.transport, self.script, question).tell(
            _chunk(begun), self._deltas, self._end
        )
        await response.write_eof()
        return response


class Telling:
    """One stream. Each delta is a write of its own, by a timer rather than a task's sleep."""

    def __init__(self, transport: asyncio.Transport, script: Script, question: Question) -> None:
        self._transport = transport
        self._script = script
        self._question = question
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def tell(self, begun: bytes, deltas: list[bytes], end: bytes) -> None:
        self._transport.write(begun)
        self._deltas, self._end = iter(deltas), end
        self._due = self._loop.time() + self._script.silence
        self._loop.call_at(self._due, self._next)
        await self._over

    def _next(self) -> None:
        question = self._question
        if not self._script.pace:
            question.first_delta = time.monotonic()
            for delta in self._deltas:
                self._transport.write(delta)
        delta = next(self._deltas, None)
        if delta is None or self._transport.is_closing():
            self._transport.write(self._end)
            question.ended = time.monotonic()
            self._over.set_result(None)
            return
        if not question.first_delta:
            question.first_delta = time.monotonic()
        self._transport.write(delta)
        self._due += self._script.pace
        self._loop.call_at(self._due, self._next)


class Telegram:
    """One bot without flood limits: updates by long polling, messages as they were last edited."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls = 0
        self.polled = asyncio.Event()
        self._asking: dict[int, Question] = {}  # by person, who asks one thing at a time
        self._updates: list[Body] = []
        self._new = asyncio.Event()
        self._last = 0
        self._messages = 0

    def ask(self, question: Question, person: int) -> None:
        """A message in a private chat; chat and person have one number."""
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
        self.calls += 1
        if method in ("sendMessage", "editMessageText"):
            return _telegram(self._show(asked))
        return _telegram(True)

    async def _poll(self, asked: Body) -> list[Body]:
        self.polled.set()
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
        if "/stop" not in asked.get("reply_markup", "") and question.is_whole(self.script):
            question.done.set()
        chat = {"id": person, "type": "private"}
        return {"message_id": number, "date": int(time.time()), "chat": chat, "text": text}


class World:
    """Both servers, and the questions by their numbers."""

    def __init__(self) -> None:
        self.questions: dict[int, Question] = {}
        self.coze = Coze(self.questions)
        self.telegram = Telegram(self.coze.script)
        self.people = 0  # those who have asked, numbered from 1
        self.coze_url = self.telegram_url = ""

    def play(self, script: Script) -> None:
        self.coze.play(script)
        self.telegram.script = script

    def ask(self, person: int) -> Question:
        question = Question(len(self.questions) + 1)
        self.questions[question.number] = question
        self.people = max(self.people, person)
        self.telegram.ask(question, person)
        return question


def _frame(event: str, **data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event:{event}\ndata:{text}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    """As it travels under `Transfer-Encoding: chunked`."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _number(body: Body) -> int:
    """Of the question, which ends with it."""
    return int(body["additional_messages"][-1]["content"].rpartition(" ")[2])


def _coze(data: Body) -> web.Response:
    return web.json_response({"code": 0, "msg": "", "data": data})


def _telegram(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _asked(body: bytes) -> Body:
    """The parameters of a call, which may be JSON or a form."""
    if body.startswith(b"{"):
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode()))


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Serve on 127.0.0.1 until the context is left."""
    it = World()
    runners = []
    try:
        for name, handler in (("coze", it.coze.handle), ("telegram", it.telegram.handle)):
            runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
            await runner.setup()
            runners.append(runner)
            port = free_port()
            await web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG).start()
            setattr(it, f"{name}_url", f"http://127.0.0.1:{port}")
        yield it
    finally:
        for runner in runners:
            await runner.cleanup()
