"""Somebody who asks an emulator that was told to do something odd, and looks at the bytes."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import aiohttp
import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, FAULTS, Emulator, serve
from bridge.testing.clock import Clock

Json: TypeAlias = dict[str, object]

# Some faults take seconds, so that a person sees them; a test does not need to.
QUICK: dict[str, dict[str, float]] = {
    "slow_headers": {"slow_headers": 0.15},
    "slow_start": {"first_delay": 0.15},
    "pause": {"stall": 0.15},
    "eof": {"linger": 0.15},
    "follow_ups": {"follow_up_delay": 0.15},
}


@dataclass(frozen=True)
class Heard:
    """What came back for one question. took: seconds until the headers."""

    status: int
    type: str
    body: bytes
    whole: bool  # the body ended as HTTP wants it
    took: float

    @property
    def frames(self) -> list[tuple[str, str]]:
        blocks = re.split(r"\r?\n\r?\n", self.body.decode())[:-1]  # the last one is unfinished
        found = [re.fullmatch(r"event: ?(.*?)\r?\ndata: ?(.*)", b, re.S) for b in blocks]
        return [(frame[1], frame[2]) for frame in found if frame]

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.frames]

    def data(self, event: str) -> list[Json]:
        return [json.loads(data) for name, data in self.frames if name == event]

    @property
    def deltas(self) -> list[str]:
        said = [body.get("content") for body in self.data("conversation.message.delta")]
        return [text for text in said if isinstance(text, str) and text]

    def completed(self, kind: str = "answer") -> list[str]:
        messages = self.data("conversation.message.completed")
        return [str(m["content"]) for m in messages if m.get("type") == kind]

    @property
    def error(self) -> int:
        assert self.type == "application/json"
        return int(json.loads(self.body)["code"])


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, and looks at the bytes."""

    emulator: Emulator
    http: aiohttp.ClientSession

    async def ask(self, text: str = "hello", conversation: str = "") -> Heard:
        params = {"conversation_id": conversation} if conversation else {}
        question = {"role": "user", "content": text, "content_type": "text"}
        body: Json = {
            "bot_id": DEMO_BOT_ID,
            "user_id": "u1",
            "stream": True,
            "additional_messages": [question],
        }
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with self.http.post("/v3/chat", params=params, json=body) as response:
            took = loop.time() - began
            received, whole = b"", True
            try:
                async for piece in response.content.iter_any():
                    received += piece
            except aiohttp.ClientPayloadError:
                whole = False
            return Heard(response.status, response.content_type, received, whole, took)

    async def get(self, path: str, **params: str) -> Json:
        async with self.http.get(path, params=params) as response:
            body: Json = await response.json()
            return body

    async def outcome(self) -> tuple[str, list[str]]:
        """How the newest chat ended at Coze, and what it answered there."""
        await self.emulator.until(lambda e: e.asked[-1].finished_at is not None)
        chat = self.emulator.asked[-1]
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
        found = await self.get("/v3/chat/retrieve", **ids)
        listed = await self.get("/v3/chat/message/list", **ids)
        data, messages = found["data"], listed["data"]
        assert isinstance(data, dict)
        assert isinstance(messages, list)
        return data["status"], [m["content"] for m in messages if m["type"] == "answer"]


@pytest.fixture
async def caller(loop_clock: Clock) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with (
        serve(Emulator(pace=0.002, clock=lambda: loop_clock.now().timestamp())) as emulator,
        aiohttp.ClientSession(emulator.url, headers=headers) as http,
    ):
        yield Caller(emulator, http)


Check: TypeAlias = Callable[[Caller], Awaitable[None]]


class Checks(dict[str, Check]):
    """How to see of a fault, by its name, that it does what it says."""

    def of(self, *names: str) -> Callable[[Check], Check]:
        """Register one for some faults."""

        def register(check: Check) -> Check:
            self.update(dict.fromkeys(names, check))
            return check

        return register


async def is_seen(name: str, check: Check, caller: Caller) -> None:
    """Let a fault happen, and look."""
    fault = replace(FAULTS[name], **QUICK.get(name, {}))  # type: ignore[arg-type]
    caller.emulator.install(fault)
    await check(caller)
