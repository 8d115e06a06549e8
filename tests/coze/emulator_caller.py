"""Who asks the emulator over HTTP, and how its answers open: fixtures to be imported."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from bridge.testing.clock import Clock

Json = dict[str, object]


def body(text: str = "hello", **more: object) -> Json:
    question = {"role": "user", "content": text, "content_type": "text"}
    base: Json = {"bot_id": DEMO_BOT_ID, "user_id": "u1", "additional_messages": [question]}
    return base | more


@dataclass(frozen=True)
class Caller:
    emulator: Emulator
    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, payload: object = None, **params: str
    ) -> tuple[int, Json]:
        async with self.http.request(method, path, json=payload, params=params) as response:
            answer: Json = json.loads(await response.text())
            return response.status, answer

    async def post(self, path: str, payload: object = None, **params: str) -> Json:
        return (await self.call("POST", path, payload, **params))[1]

    async def get(self, path: str, **params: str) -> Json:
        return (await self.call("GET", path, **params))[1]

    async def conversation(self) -> str:
        return str(data(await self.post("/v1/conversation/create", {}))["id"])

    async def finished(self, count: int = 1) -> None:
        await self.emulator.until(
            lambda e: len(e.asked) >= count and all(a.finished_at for a in e.asked)
        )

    async def said(self, text: str, conversation: str) -> str:
        """Ask without streaming, and return the whole answer."""
        asked = len(self.emulator.asked)
        chat = data(await self.post("/v3/chat", body(text), conversation_id=conversation))
        await self.finished(asked + 1)
        messages = items(
            await self.get(
                "/v3/chat/message/list",
                conversation_id=str(chat["conversation_id"]),
                chat_id=str(chat["id"]),
            )
        )
        return "".join(str(m["content"]) for m in messages if m["type"] == "answer")


def data(answer: Json) -> Json:
    assert answer["code"] == 0, answer
    found = answer["data"]
    assert isinstance(found, dict)
    return found


def items(answer: Json) -> list[Json]:
    assert answer["code"] == 0, answer
    found = answer["data"]
    assert isinstance(found, list)
    return found


@pytest.fixture
async def emulator(loop_clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0.002, clock=lambda: loop_clock.now().timestamp())) as emulator:
        yield emulator


@pytest.fixture
async def caller(emulator: Emulator) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as http:
        yield Caller(emulator, http)
