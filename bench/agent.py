"""Coze as a script, and what became of each question: half of what `bench.world` is."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from aiohttp import web

Body: TypeAlias = dict[str, Any]

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
    short: of so short words that 1,000 of them still are one message.
    """

    tokens: int = 200
    pace: float = 0.02
    silence: float = 0.0
    short: bool = False

    @property
    def words(self) -> list[str]:
        if self.short:
            return [f"{n:x} " if n % 20 != 10 else f"**{n:x}** " for n in range(self.tokens)]
        return [f"word{n} " if n % 20 != 10 else f"\n\n**{n}** " for n in range(self.tokens)]

    @cached_property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def seconds(self) -> float:
        return self.silence + self.tokens * self.pace

    @cached_property
    def seen(self) -> list[str]:
        """The words as a reader sees them."""
        return self.text.replace("**", "").split()

    @cached_property
    def last(self) -> str:
        """What a whole answer ends with."""
        return self.seen[-1]


@dataclass
class Question:
    """One question, and when what happened to it. Seconds of `time.monotonic`.

    creating: seconds that Coze took to create its conversation; 0 if an earlier question had.
    """

    number: int
    asked: float = 0.0
    at_coze: float = 0.0
    first_delta: float = 0.0
    first_text: float = 0.0
    ended: float = 0.0
    final: float = 0.0
    creating: float = 0.0
    calls: int = 0
    shown: dict[int, str] = field(default_factory=dict)  # texts by message
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def is_whole(self, script: Script, text: str) -> bool:
        """text: what was shown last. Most are not the end, which is found out by a look at it."""
        if not text.rstrip().rstrip("*").endswith(script.last):
            return False
        return "\n".join(self.shown.values()).replace("**", "").split() == script.seen


class Coze:
    """`/v3/chat` as a script; conversations that exist because they were asked for."""

    def __init__(self, questions: dict[int, Question]) -> None:
        self._questions = questions
        self.conversations = 0
        self.open = self.most_open = 0  # answers that are being told
        self._creating: dict[str, float] = {}  # seconds, by conversation, until it is asked in
        self.play(Script())

    def play(self, script: Script) -> None:
        """Answer by another script from now on."""
        self.script, self.most_open = script, 0
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
        began = time.monotonic()
        body = await request.json() if request.can_read_body else {}
        match request.path:
            case "/v3/chat":
                return await self._chat(request, body)
            case "/v1/conversation/create":
                return self._create(began)
            case path if path.startswith("/v1/bots/"):
                return _coze({"bot_id": path.rpartition("/")[2], "name": "Bench"})
            case path:
                return web.json_response({"code": 4000, "msg": f"not here: {path}"}, status=400)

    def _create(self, began: float) -> web.Response:
        self.conversations += 1
        named = str(7_000_000_000 + self.conversations)
        created = _coze({"id": named, "meta_data": {}})
        self._creating[named] = time.monotonic() - began
        return created

    async def _chat(self, request: web.BaseRequest, body: Body) -> web.StreamResponse:
        question = self._questions[_number(body)]
        question.at_coze = time.monotonic()
        named = request.query["conversation_id"]
        question.creating = self._creating.pop(named, 0.0)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        chat = {"id": str(8_000_000_000 + question.number), "conversation_id": named}
        begun = _frame("conversation.chat.created", **chat, status="created")
        with suppress(ConnectionError):  # whoever asked was ended in the middle of the answer
            await response.prepare(request)
            await self._tell(request.transport, question, _chunk(begun))
            await response.write_eof()
        return response

    async def _tell(
        self, transport: asyncio.Transport | None, question: Question, begun: bytes
    ) -> None:
        if transport is None:
            raise ConnectionResetError
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await Telling(transport, self.script, question).tell(begun, self._deltas, self._end)
        finally:
            self.open -= 1


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
        if self._transport.is_closing():  # whoever asked has gone
            self._over.set_result(None)
            return
        question = self._question
        question.first_delta = question.first_delta or time.monotonic()
        if not self._script.pace:
            for delta in self._deltas:
                self._transport.write(delta)
        delta = next(self._deltas, b"")
        if delta:
            self._transport.write(delta)
            self._due += self._script.pace
            self._loop.call_at(self._due, self._next)
            return
        self._transport.write(self._end)
        question.ended = time.monotonic()
        self._over.set_result(None)


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
